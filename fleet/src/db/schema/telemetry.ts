import { bigint, doublePrecision, index, integer, json, jsonb, pgTable, pgView, primaryKey, text } from 'drizzle-orm/pg-core';

/** Highest contiguous sequence per stream and kind. Moved in the transaction that stores the batch: this is what makes it exact. */
export const telemetryCursors = pgTable(
  'telemetry_cursors',
  {
    device: text('device').notNull(),
    streamId: text('stream_id').notNull(),
    kind: text('kind').notNull(),
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
    stored: bigint('stored', { mode: 'number' }).notNull().default(0),
    repeated: bigint('repeated', { mode: 'number' }).notNull().default(0),
    declaredDropped: bigint('declared_dropped', { mode: 'number' }).notNull().default(0),
    lost: bigint('lost', { mode: 'number' }).notNull().default(0),
    /** Acknowledged without being kept, since more came than the database takes. */
    shed: bigint('shed', { mode: 'number' }).notNull().default(0),
    updatedAtMs: bigint('updated_at_ms', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.device, table.streamId, table.kind] })],
);

/**
 * Batches of records as they came, one row each: a fleet that is told by ten thousand devices pays for rows, not for bytes. A row holds
 * records of one boot and of one stretch of `BATCH_SLOT_MS`. Partitioned by `atMs`, as all tables of telemetry that grow with time: old
 * partitions are dropped whole. Drizzle knows nothing of partitions; the migrations 0014 and 0020 do.
 */
export const telemetryBatches = pgTable(
  'telemetry_batches',
  {
    device: text('device').notNull(),
    streamId: text('stream_id').notNull(),
    kind: text('kind').notNull(),
    /** Of the first record. */
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
    bootId: text('boot_id').notNull(),
    arrivedAtMs: bigint('arrived_at_ms', { mode: 'number' }).notNull(),
    /** Of the earliest record, and of the latest. */
    atMs: bigint('at_ms', { mode: 'number' }).notNull(),
    lastAtMs: bigint('last_at_ms', { mode: 'number' }).notNull(),
    records: integer('records').notNull(),
    /** In the order of their sequences; `json`, since nothing inside is searched and `jsonb` costs three times as much to write. */
    contents: json('contents').$type<StoredRecord[]>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.device, table.kind, table.atMs, table.streamId, table.sequence] })],
);

/** A record inside of its batch. */
export interface StoredRecord {
  sequence: number;
  monotonicMs: number;
  wallMs: number;
  clock: string;
  payload: unknown;
}

/**
 * Records as they came, a row each: what `telemetryBatches` holds. `atMs` is the wall time of the device, or the arrival time where its
 * clock is implausible. Whoever asks for a stretch of time names the batches of it too, by `batchAtMs` and `batchLastAtMs`.
 */
export const telemetryRecords = pgView('telemetry_records', {
  device: text('device').notNull(),
  streamId: text('stream_id').notNull(),
  kind: text('kind').notNull(),
  sequence: bigint('sequence', { mode: 'number' }).notNull(),
  bootId: text('boot_id').notNull(),
  monotonicMs: doublePrecision('monotonic_ms').notNull(),
  wallMs: bigint('wall_ms', { mode: 'number' }).notNull(),
  clock: text('clock').notNull(),
  arrivedAtMs: bigint('arrived_at_ms', { mode: 'number' }).notNull(),
  atMs: bigint('at_ms', { mode: 'number' }).notNull(),
  batchAtMs: bigint('batch_at_ms', { mode: 'number' }).notNull(),
  batchLastAtMs: bigint('batch_last_at_ms', { mode: 'number' }).notNull(),
  payload: jsonb('payload').notNull(),
}).existing();

/**
 * Sums of five minutes of one device on one release, merged in the transaction that stores the records. What the columns count by kind
 * is told by `RollUp`, in the telemetry module.
 */
export const telemetryRollUps = pgTable(
  'telemetry_rollups',
  {
    device: text('device').notNull(),
    release: text('release').notNull(),
    kind: text('kind').notNull(),
    subject: text('subject').notNull(),
    atMs: bigint('at_ms', { mode: 'number' }).notNull(),
    count: bigint('count', { mode: 'number' }).notNull(),
    hits: bigint('hits', { mode: 'number' }).notNull(),
    total: doublePrecision('total').notNull(),
    bins: integer('bins').array(),
  },
  (table) => [
    primaryKey({ columns: [table.device, table.release, table.kind, table.subject, table.atMs] }),
    index('telemetry_rollups_kind_at').on(table.kind, table.atMs),
    index('telemetry_rollups_at').on(table.atMs),
  ],
);

/** Sums of all devices of a profile at a site on one release: five minutes a row. What the columns count is told by `RollUp`. */
export const telemetrySums = sumsTable('telemetry_sums');

/** The same for an hour. */
export const telemetryHours = sumsTable('telemetry_hours');

function sumsTable<Name extends string>(name: Name) {
  return pgTable(
    name,
    {
      release: text('release').notNull(),
      profile: text('profile').notNull(),
      /** Label `site` of the device when its records came; empty without one. */
      site: text('site').notNull(),
      kind: text('kind').notNull(),
      subject: text('subject').notNull(),
      atMs: bigint('at_ms', { mode: 'number' }).notNull(),
      count: bigint('count', { mode: 'number' }).notNull(),
      hits: bigint('hits', { mode: 'number' }).notNull(),
      total: doublePrecision('total').notNull(),
      bins: bigint('bins', { mode: 'number' }).array(),
    },
    (table) => [primaryKey({ columns: [table.atMs, table.kind, table.release, table.profile, table.site, table.subject] })],
  );
}

/** What retention did to each layer of telemetry. */
export const telemetryLayers = pgTable('telemetry_layers', {
  layer: text('layer').primaryKey(),
  /** Rows that were dropped when their time was up. */
  expiredRows: bigint('expired_rows', { mode: 'number' }).notNull().default(0),
  /** Rows that had to go before, since the budget was used up. */
  overBudgetRows: bigint('over_budget_rows', { mode: 'number' }).notNull().default(0),
  /** What is older was dropped. */
  droppedBeforeMs: bigint('dropped_before_ms', { mode: 'number' }),
  passedAtMs: bigint('passed_at_ms', { mode: 'number' }).notNull(),
});
