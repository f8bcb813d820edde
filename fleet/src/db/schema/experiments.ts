import type { ExperimentDetail, ExperimentLook, ExperimentSpec, ExperimentState } from '@starling/shared';
import { sql } from 'drizzle-orm';
import { bigint, boolean, doublePrecision, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';

const ms = (name: string) => bigint(name, { mode: 'number' });

export const experiments = pgTable(
  'experiments',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    spec: jsonb('spec').$type<ExperimentSpec>().notNull(),
    state: text('state').$type<ExperimentState>().notNull(),
    champion: text('champion').notNull(),
    championName: text('champion_name').notNull(),
    challengers: jsonb('challengers').$type<{ release: string; name: string }[]>().notNull(),
    /** Of all arms, the champion first; what they are while it runs. */
    shares: jsonb('shares').$type<number[]>().notNull(),
    sharesAtMs: ms('shares_at_ms').notNull(),
    /** What is known, in a sentence. */
    reason: text('reason').notNull(),
    winner: text('winner'),
    /** What was measured last. */
    result: jsonb('result').$type<Pick<ExperimentDetail, 'arms' | 'sampleRatio'>>(),
    measuredAtMs: ms('measured_at_ms'),
    /** People have seen that items went other ways than they should, and went on. */
    isMismatchAccepted: boolean('is_mismatch_accepted').notNull().default(false),
    rollout: text('rollout'),
    /** Raised by every change: who decided on an older one has to look again. */
    version: integer('version').notNull().default(0),
    leaseOwner: text('lease_owner'),
    leaseUntilMs: ms('lease_until_ms').notNull().default(0),
    /** Events of the timeline so far. */
    events: integer('events').notNull().default(0),
    createdAtMs: ms('created_at_ms').notNull(),
    createdBy: text('created_by').notNull(),
    startedAtMs: ms('started_at_ms'),
    finishedAtMs: ms('finished_at_ms'),
  },
  (table) => [index('experiments_created').on(table.createdAtMs)],
);

export const experimentDevices = pgTable(
  'experiment_devices',
  {
    experiment: text('experiment')
      .notNull()
      .references(() => experiments.id),
    device: text('device').notNull(),
    joinedAtMs: ms('joined_at_ms').notNull(),
    leftAtMs: ms('left_at_ms'),
    /** Why it left, or never came in. */
    reason: text('reason'),
  },
  (table) => [
    primaryKey({ columns: [table.experiment, table.device] }),
    // A device takes part in one experiment at a time, whatever else goes wrong.
    uniqueIndex('experiment_devices_taking_part').on(table.device).where(sql`left_at_ms is null`),
  ],
);

/**
 * What one device counted of one arm, added to in the transaction that stores its telemetry: however long an experiment lasts, and whatever
 * retention takes away meanwhile.
 */
export const experimentFigures = pgTable(
  'experiment_figures',
  {
    experiment: text('experiment').notNull(),
    release: text('release').notNull(),
    device: text('device').notNull(),
    items: ms('items').notNull(),
    failures: ms('failures').notNull(),
    compared: ms('compared').notNull(),
    agreed: ms('agreed').notNull(),
    shed: ms('shed').notNull(),
    joules: doublePrecision('joules').notNull(),
    /** Inferences whose energy is known. */
    measured: ms('measured').notNull(),
    /** Latencies over the bins that all devices share. */
    bins: bigint('bins', { mode: 'number' }).array(),
  },
  (table) => [primaryKey({ columns: [table.experiment, table.release, table.device] })],
);

/** What happened, in order. */
export const experimentEvents = pgTable(
  'experiment_events',
  {
    experiment: text('experiment')
      .notNull()
      .references(() => experiments.id),
    sequence: integer('sequence').notNull(),
    atMs: ms('at_ms').notNull(),
    kind: text('kind').notNull(),
    actor: text('actor').notNull(),
    text: text('text').notNull(),
    detail: jsonb('detail').$type<Record<string, unknown>>().notNull().default({}),
  },
  (table) => [primaryKey({ columns: [table.experiment, table.sequence] })],
);

/** What was known at each look, for drawing it over time. */
export const experimentLooks = pgTable(
  'experiment_looks',
  {
    experiment: text('experiment')
      .notNull()
      .references(() => experiments.id),
    atMs: ms('at_ms').notNull(),
    arms: jsonb('arms').$type<ExperimentLook['arms']>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.experiment, table.atMs] })],
);

/** How results turned out. One row for each result: the first that was told. */
export const feedbackOutcomes = pgTable(
  'feedback_outcomes',
  {
    resultId: text('result_id').primaryKey(),
    device: text('device').notNull(),
    release: text('release').notNull(),
    /** In which the device took part when it gave the result. */
    experiment: text('experiment'),
    value: doublePrecision('value'),
    label: text('label'),
    /** When the result was given, and when it was known how it turned out. */
    itemAtMs: ms('item_at_ms').notNull(),
    atMs: ms('at_ms').notNull(),
    receivedAtMs: ms('received_at_ms').notNull(),
  },
  (table) => [
    index('feedback_outcomes_experiment').on(table.experiment, table.release),
    index('feedback_outcomes_device_at').on(table.device, table.itemAtMs),
  ],
);
