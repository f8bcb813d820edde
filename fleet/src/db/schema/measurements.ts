import type { BenchmarkRecord, Objective } from '@starling/shared';
import { bigint, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

/** The newest `benchmark` record of each artefact on each device: what choices rest on. The history is in `telemetry_records`. */
export const measurements = pgTable(
  'measurements',
  {
    device: text('device').notNull(),
    artefact: text('artefact').notNull(),
    record: jsonb('record').$type<BenchmarkRecord>().notNull(),
    measuredAtMs: bigint('measured_at_ms', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.device, table.artefact] }), index('measurements_artefact').on(table.artefact)],
);

/** Models that people want measured on a profile, whether or not a device of it is to run them. */
export const measuringRequests = pgTable(
  'measuring_requests',
  {
    model: text('model').notNull(),
    profile: text('profile').notNull(),
    devices: integer('devices').notNull(),
    requestedBy: text('requested_by').notNull(),
    requestedAtMs: bigint('requested_at_ms', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.model, table.profile] })],
);

/** Objectives that operators set over those of the releases. */
export const releaseObjectives = pgTable('release_objectives', {
  release: text('release').primaryKey(),
  objective: jsonb('objective').$type<Objective>().notNull(),
  setAtMs: bigint('set_at_ms', { mode: 'number' }).notNull(),
  setBy: text('set_by').notNull(),
});
