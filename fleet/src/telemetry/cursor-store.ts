import { type SQL, sql } from 'drizzle-orm';
import { numberColumn, type Queryable, type Transaction, textColumn } from '../db/index.ts';
import { telemetryCursors } from '../db/schema/index.ts';

export interface StreamKey {
  device: string;
  streamId: string;
  kind: string;
}

/** What is added to a cursor, if it still stands where it stood. */
export interface CursorMove extends StreamKey {
  from: number;
  sequence: number;
  stored: number;
  repeated: number;
  declaredDropped: number;
  lost: number;
  shed: number;
}

/** Reads how far streams are and holds their cursors until the transaction ends; makes those that are not there. */
export async function lockCursors(
  tx: Transaction,
  keys: readonly StreamKey[],
  nowMs: number,
): Promise<(StreamKey & { sequence: number })[]> {
  if (keys.length === 0) return [];
  const { device, streamId, kind, sequence } = telemetryCursors;
  await tx
    .insert(telemetryCursors)
    .values(keys.map((key) => ({ ...key, sequence: 0, updatedAtMs: nowMs })))
    .onConflictDoNothing();
  return tx
    .select({ device, streamId, kind, sequence })
    .from(telemetryCursors)
    .where(
      sql`(${device}, ${streamId}, ${kind}) in (
        select * from unnest(${textColumn(keys.map((key) => key.device))}::text[], ${textColumn(keys.map((key) => key.streamId))}::text[],
          ${textColumn(keys.map((key) => key.kind))}::text[]))`,
    )
    .orderBy(device, streamId, kind)
    .for('update');
}

/** @returns how many stood where they were thought to stand: the others are as they were */
export async function moveCursors(tx: Transaction, moves: readonly CursorMove[], nowMs: number): Promise<number> {
  const texts = (key: keyof StreamKey): SQL => textColumn(moves.map((move) => move[key]));
  const numbers = (key: Exclude<keyof CursorMove, keyof StreamKey>): SQL => numberColumn(moves.map((move) => move[key]));
  const rows = await tx.execute<{ moved: number }>(sql`
    with moved as (
      update telemetry_cursors as c set sequence = n.sequence, stored = c.stored + n.stored, repeated = c.repeated + n.repeated,
        declared_dropped = c.declared_dropped + n.declared_dropped, lost = c.lost + n.lost, shed = c.shed + n.shed,
        updated_at_ms = ${nowMs}::bigint
      from unnest(${texts('device')}::text[], ${texts('streamId')}::text[], ${texts('kind')}::text[], ${numbers('from')}::bigint[],
        ${numbers('sequence')}::bigint[], ${numbers('stored')}::bigint[], ${numbers('repeated')}::bigint[],
        ${numbers('declaredDropped')}::bigint[], ${numbers('lost')}::bigint[], ${numbers('shed')}::bigint[])
        as n(device, stream_id, kind, before, sequence, stored, repeated, declared_dropped, lost, shed)
      where c.device = n.device and c.stream_id = n.stream_id and c.kind = n.kind and c.sequence = n.before
      returning 1)
    select count(*)::int as moved from moved`);
  return Number(rows[0]?.moved ?? 0);
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
      sql`(${device}, ${streamId}) in (select * from unnest(${textColumn(wanted.map((each) => each.device))}::text[],
        ${textColumn(wanted.map((each) => each.streamId))}::text[]))`,
    );
  return Map.groupBy(rows, (row) => `${row.device} ${row.streamId}`);
}
