import { type TelemetryKind, type TelemetryRow, telemetryKindSchema } from '@starling/shared';
import { and, desc, eq, gte, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { lineColumn, numberColumn, type Queryable, type Transaction, textColumn } from '../db/index.ts';
import { telemetryBatches, telemetryCursors, telemetryRecords, telemetryRollUps } from '../db/schema/index.ts';
import { BATCH_SLOT_MS } from './layers.ts';

export type { StoredRecord } from '../db/schema/index.ts';
export type BatchRow = typeof telemetryBatches.$inferInsert;

/** One statement whatever the number of rows. */
export async function insertBatches(tx: Transaction, rows: readonly BatchRow[]): Promise<void> {
  if (rows.length === 0) return;
  const texts = (key: 'device' | 'streamId' | 'kind' | 'bootId'): SQL => textColumn(rows.map((row) => row[key]));
  const numbers = (key: 'sequence' | 'arrivedAtMs' | 'atMs' | 'lastAtMs' | 'records'): SQL => numberColumn(rows.map((row) => row[key]));
  await tx.execute(sql`
    insert into telemetry_batches (device, stream_id, kind, sequence, boot_id, arrived_at_ms, at_ms, last_at_ms, records, contents)
    select * from unnest(${texts('device')}::text[], ${texts('streamId')}::text[], ${texts('kind')}::text[], ${numbers('sequence')}::bigint[],
      ${texts('bootId')}::text[], ${numbers('arrivedAtMs')}::bigint[], ${numbers('atMs')}::bigint[], ${numbers('lastAtMs')}::bigint[],
      ${numbers('records')}::int[], ${lineColumn(rows.map((row) => JSON.stringify(row.contents)))}::json[])
    on conflict do nothing`);
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

/** Batches that hold something of a stretch of time. The lower bound of their start spares looking into older partitions. */
function batchesOf({ device, kind, fromMs, toMs }: RecordFilter): SQL | undefined {
  return and(
    device === undefined ? undefined : eq(telemetryBatches.device, device),
    kind === undefined ? undefined : eq(telemetryBatches.kind, kind),
    fromMs === undefined ? undefined : gte(telemetryBatches.atMs, fromMs - BATCH_SLOT_MS),
    fromMs === undefined ? undefined : gte(telemetryBatches.lastAtMs, fromMs),
    toMs === undefined ? undefined : lt(telemetryBatches.atMs, toMs),
  );
}

/** The records of the same; it names their batches as well, which have an index. */
function recordsOf({ device, kind, fromMs, toMs }: RecordFilter): SQL | undefined {
  const { batchAtMs, batchLastAtMs, atMs } = telemetryRecords;
  return and(
    device === undefined ? undefined : eq(telemetryRecords.device, device),
    kind === undefined ? undefined : eq(telemetryRecords.kind, kind),
    fromMs === undefined ? undefined : and(gte(batchAtMs, fromMs - BATCH_SLOT_MS), gte(batchLastAtMs, fromMs), gte(atMs, fromMs)),
    toMs === undefined ? undefined : and(lt(batchAtMs, toMs), lt(atMs, toMs)),
  );
}

/** The newest records of a range. Batches that cannot hold one of them are not opened. */
async function newestRecords(db: Queryable, filter: RecordFilter, { limit, offset }: { limit: number; offset: number }) {
  const { atMs, lastAtMs, records } = telemetryBatches;
  const isWhole = filter.toMs === undefined ? sql`true` : lt(lastAtMs, filter.toMs);
  const ranked = db
    .select({
      atMs: sql<number>`${atMs}`.as('start_ms'),
      // Of batches that reach over the end nobody knows how many count: none, then some more are opened.
      newer: sql<number>`coalesce(sum(case when ${isWhole} then ${records} else 0 end) over (order by ${atMs} desc rows between unbounded
        preceding and 1 preceding), 0)`.as('newer'),
    })
    .from(telemetryBatches)
    .where(batchesOf(filter))
    .as('ranked');
  const [oldest] = await db
    .select({ atMs: sql<number | null>`min(${ranked.atMs})`.mapWith(Number) })
    .from(ranked)
    .where(lt(ranked.newer, limit + offset));
  const fromMs = Math.max(filter.fromMs ?? 0, oldest?.atMs ?? 0);
  return db
    .select()
    .from(telemetryRecords)
    .where(recordsOf({ ...filter, fromMs }))
    .orderBy(desc(telemetryRecords.atMs), desc(telemetryRecords.sequence))
    .limit(limit)
    .offset(offset);
}

/** Batches that lie within the range are not opened for it. */
async function countRecords(db: Queryable, filter: RecordFilter): Promise<number> {
  const { fromMs, toMs } = filter;
  const { atMs, lastAtMs, records, contents, arrivedAtMs } = telemetryBatches;
  const inside =
    and(fromMs === undefined ? undefined : gte(atMs, fromMs), toMs === undefined ? undefined : lt(lastAtMs, toMs)) ?? sql`true`;
  const madeAtMs = sql`case when r.clock = 'implausible' then ${arrivedAtMs} else r."wallMs" end`;
  const counted = sql`(select count(*) from json_to_recordset(${contents}) as r("wallMs" bigint, clock text)
    where ${madeAtMs} >= ${fromMs ?? 0}::bigint and ${madeAtMs} < ${toMs ?? Number.MAX_SAFE_INTEGER}::bigint)`;
  const [row] = await db
    .select({ total: sql<number>`coalesce(sum(case when ${inside} then ${records} else ${counted} end), 0)`.mapWith(Number) })
    .from(telemetryBatches)
    .where(batchesOf(filter));
  return row?.total ?? 0;
}

export async function selectRecords(db: Queryable, filter: RecordFilter, page: { limit: number; offset: number }) {
  const rows = await newestRecords(db, filter, page);
  return { items: rows.map(toTelemetryRow), total: await countRecords(db, filter) };
}

/** Records that are read at once. */
export const RECORDS_MAXIMUM = 20_000;

/** All records of a range, oldest first, up to a bound that a chart never needs more than. */
export async function recordsOfRange(db: Queryable, filter: RecordFilter, maximum: number) {
  const rows = await newestRecords(db, filter, { limit: maximum, offset: 0 });
  return rows.reverse().map((row) => ({ ...toTelemetryRow(row), device: row.device }));
}

function toTelemetryRow(row: typeof telemetryRecords.$inferSelect): TelemetryRow {
  const { streamId, sequence, atMs, clock, payload } = row;
  return { kind: telemetryKindSchema.parse(row.kind), streamId, sequence, atMs, clock, payload: payload as Record<string, unknown> };
}

/** Takes away all records of devices that are going to be deleted. */
export async function forgetTelemetry(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.delete(telemetryBatches).where(inArray(telemetryBatches.device, [...ids]));
  await db.delete(telemetryCursors).where(inArray(telemetryCursors.device, [...ids]));
  await db.delete(telemetryRollUps).where(inArray(telemetryRollUps.device, [...ids]));
}
