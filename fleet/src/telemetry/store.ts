import { type TelemetryKind, type TelemetryRow, telemetryKindSchema } from '@starling/shared';
import { and, count, desc, eq, gte, inArray, lt, type SQL, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../db/index.ts';
import { telemetryCursors, telemetryRecords, telemetryRollUps } from '../db/schema/index.ts';
import type { Cursor } from './advance.ts';

export type RecordRow = typeof telemetryRecords.$inferInsert;

interface StreamKey {
  device: string;
  streamId: string;
  kind: string;
}

/** Reads the cursors of streams and holds them until the transaction ends; makes those that are not there. */
export async function lockCursors(tx: Transaction, keys: readonly StreamKey[], nowMs: number): Promise<Map<string, Cursor>> {
  const unique = new Map(keys.map((key) => [`${key.device} ${key.streamId} ${key.kind}`, key]));
  // Always in the same order, so that two fleets on one database cannot wait for each other.
  const sorted = [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key);
  if (sorted.length === 0) return new Map();
  await tx
    .insert(telemetryCursors)
    .values(sorted.map((key) => ({ ...key, sequence: 0, updatedAtMs: nowMs })))
    .onConflictDoNothing();
  const rows = await tx
    .select()
    .from(telemetryCursors)
    .where(
      sql`(${telemetryCursors.device}, ${telemetryCursors.streamId}, ${telemetryCursors.kind}) in (
        select * from unnest(${param(sorted.map((key) => key.device))}::text[], ${param(sorted.map((key) => key.streamId))}::text[],
          ${param(sorted.map((key) => key.kind))}::text[]))`,
    )
    .orderBy(telemetryCursors.device, telemetryCursors.streamId, telemetryCursors.kind)
    .for('update');
  return new Map(rows.map((row) => [`${row.device} ${row.streamId} ${row.kind}`, row]));
}

export interface StreamOfDevice {
  device: string;
  streamId: string;
}

/** Cursors of many streams; the key of each is that of the stream. */
export async function cursorsOf(
  db: Queryable,
  streams: ReadonlyMap<string, StreamOfDevice>,
): Promise<Map<string, { kind: string; sequence: number }[]>> {
  const { device, streamId, kind, sequence } = telemetryCursors;
  const wanted = [...streams.values()];
  const rows = await db
    .select({ device, streamId, kind, sequence })
    .from(telemetryCursors)
    .where(
      sql`(${device}, ${streamId}) in (select * from unnest(${param(wanted.map((each) => each.device))}::text[],
        ${param(wanted.map((each) => each.streamId))}::text[]))`,
    );
  return Map.groupBy(rows, (row) => `${row.device} ${row.streamId}`);
}

export async function writeCursors(tx: Transaction, cursors: readonly Cursor[], nowMs: number): Promise<void> {
  const column = <Key extends keyof Cursor>(key: Key): SQL => param(cursors.map((cursor) => cursor[key]));
  await tx.execute(sql`
    update telemetry_cursors as c set sequence = n.sequence, stored = n.stored, repeated = n.repeated,
      declared_dropped = n.declared_dropped, lost = n.lost, shed = n.shed, updated_at_ms = ${nowMs}::bigint
    from unnest(${column('device')}::text[], ${column('streamId')}::text[], ${column('kind')}::text[], ${column('sequence')}::bigint[],
      ${column('stored')}::bigint[], ${column('repeated')}::bigint[], ${column('declaredDropped')}::bigint[], ${column('lost')}::bigint[],
      ${column('shed')}::bigint[]) as n(device, stream_id, kind, sequence, stored, repeated, declared_dropped, lost, shed)
    where c.device = n.device and c.stream_id = n.stream_id and c.kind = n.kind`);
}

/** One statement whatever the number of rows. */
export async function insertRecords(tx: Transaction, rows: readonly RecordRow[]): Promise<void> {
  if (rows.length === 0) return;
  const column = (key: keyof RecordRow): SQL => param(rows.map((row) => row[key]));
  await tx.execute(sql`
    insert into telemetry_records (device, stream_id, kind, sequence, boot_id, monotonic_ms, wall_ms, clock, arrived_at_ms, at_ms, payload)
    select * from unnest(${column('device')}::text[], ${column('streamId')}::text[], ${column('kind')}::text[], ${column('sequence')}::bigint[],
      ${column('bootId')}::text[], ${column('monotonicMs')}::float8[], ${column('wallMs')}::bigint[], ${column('clock')}::text[],
      ${column('arrivedAtMs')}::bigint[], ${column('atMs')}::bigint[], ${param(rows.map((row) => JSON.stringify(row.payload)))}::jsonb[])
    on conflict do nothing`);
}

function param(values: readonly unknown[]): SQL {
  return sql`${sql.param(values)}`;
}

export async function deliveryOf(db: Queryable, device: string) {
  const sum = (column: typeof telemetryCursors.stored): SQL<number> => sql<number>`coalesce(sum(${column}), 0)`.mapWith(Number);
  const [row] = await db
    .select({
      stored: sum(telemetryCursors.stored),
      repeated: sum(telemetryCursors.repeated as never),
      declaredDropped: sum(telemetryCursors.declaredDropped as never),
      lost: sum(telemetryCursors.lost as never),
      shed: sum(telemetryCursors.shed as never),
    })
    .from(telemetryCursors)
    .where(eq(telemetryCursors.device, device));
  return row ?? { stored: 0, repeated: 0, declaredDropped: 0, lost: 0, shed: 0 };
}

export interface RecordFilter {
  device?: string | undefined;
  kind?: TelemetryKind | undefined;
  fromMs?: number | undefined;
  toMs?: number | undefined;
}

function conditionOf({ device, kind, fromMs, toMs }: RecordFilter): SQL | undefined {
  return and(
    device === undefined ? undefined : eq(telemetryRecords.device, device),
    kind === undefined ? undefined : eq(telemetryRecords.kind, kind),
    fromMs === undefined ? undefined : gte(telemetryRecords.atMs, fromMs),
    toMs === undefined ? undefined : lt(telemetryRecords.atMs, toMs),
  );
}

export async function selectRecords(db: Queryable, filter: RecordFilter, { limit, offset }: { limit: number; offset: number }) {
  const where = conditionOf(filter);
  const rows = await db.select().from(telemetryRecords).where(where).orderBy(desc(telemetryRecords.atMs)).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(telemetryRecords).where(where);
  return { items: rows.map(toTelemetryRow), total: total?.value ?? 0 };
}

/** Records that are read at once. */
export const RECORDS_MAXIMUM = 20_000;

/** All records of a range, oldest first, up to a bound that a chart never needs more than. */
export async function recordsOfRange(db: Queryable, filter: RecordFilter, maximum: number) {
  const rows = await db.select().from(telemetryRecords).where(conditionOf(filter)).orderBy(desc(telemetryRecords.atMs)).limit(maximum);
  return rows.reverse().map((row) => ({ ...toTelemetryRow(row), device: row.device }));
}

function toTelemetryRow(row: typeof telemetryRecords.$inferSelect): TelemetryRow {
  const { streamId, sequence, atMs, clock, payload } = row;
  return { kind: telemetryKindSchema.parse(row.kind), streamId, sequence, atMs, clock, payload: payload as Record<string, unknown> };
}

/** Takes away all records of devices that are going to be deleted. */
export async function forgetTelemetry(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.delete(telemetryRecords).where(inArray(telemetryRecords.device, [...ids]));
  await db.delete(telemetryCursors).where(inArray(telemetryCursors.device, [...ids]));
  await db.delete(telemetryRollUps).where(inArray(telemetryRollUps.device, [...ids]));
}
