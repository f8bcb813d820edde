import type { BenchmarkRecord, Objective } from '@starling/shared';
import { bigint, index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

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

/** Objectives that operators set over those of the releases. */
export const releaseObjectives = pgTable('release_objectives', {
  release: text('release').primaryKey(),
  objective: jsonb('objective').$type<Objective>().notNull(),
  setAtMs: bigint('set_at_ms', { mode: 'number' }).notNull(),
  setBy: text('set_by').notNull(),
});
