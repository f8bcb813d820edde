import { type HistoryPoint, historyPointSchema } from '@starling/shared';
import { and, count, eq, gte, lt, type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { devices, telemetryHours, telemetrySums } from '../db/schema/index.ts';
import { EVERY_PROFILE } from './fleet-sums.ts';

export type StoredSum = typeof telemetrySums.$inferSelect;

export interface Span {
  fromMs: number;
  toMs: number;
}

/** Five minutes of all devices together, by release. */
export async function readFleetSums(db: Queryable, { fromMs, toMs }: Span): Promise<StoredSum[]> {
  const { atMs, profile } = telemetrySums;
  return db
    .select()
    .from(telemetrySums)
    .where(and(eq(profile, EVERY_PROFILE), gte(atMs, fromMs), lt(atMs, toMs)))
    .orderBy(atMs);
}

export async function countOnline(db: Queryable): Promise<number> {
  const [row] = await db.select({ value: count() }).from(devices).where(eq(devices.online, true));
  return row?.value ?? 0;
}

export interface DriftedMonitor {
  device: string;
  monitor: string;
  psi: number;
}

/** Monitors that saw drift in the newest five minutes that they spoke of, the farthest first. */
export async function driftedSince(
  db: Queryable,
  fromMs: number,
  limit: number,
): Promise<{ drifted: DriftedMonitor[]; driftedDevices: number }> {
  const rows = await db.execute<{ device: string; subject: string; psi: number; devices: number }>(sql`
    with drifted as (select distinct on (device, subject) device, subject, total / count as psi from telemetry_rollups r
      where kind = 'drift' and at_ms >= ${fromMs}::bigint and hits > 0 and not exists (
        select 1 from telemetry_rollups n where n.device = r.device and n.kind = 'drift' and n.subject = r.subject
          and n.at_ms > r.at_ms and n.hits = 0)
      order by device, subject, at_ms desc)
    select device, subject, psi::float8, (select count(distinct device)::int from drifted) as devices from drifted
    order by psi desc, device, subject limit ${limit}`);
  const drifted = rows.map(({ device, subject, psi }) => ({ device, monitor: subject.slice(subject.indexOf('/') + 1), psi: Number(psi) }));
  return { drifted, driftedDevices: rows[0]?.devices ?? 0 };
}

export type Grouping = 'fleet' | 'release' | 'profile' | 'site';

interface HistoryQuestion extends Span {
  by: Grouping;
  layer: 'sums' | 'hours';
  /** Length of a point: a multiple of that of the layer. */
  widthMs: number;
  limit: number;
  offset: number;
}

/** Sums over time, oldest first. */
export async function selectHistory(db: Queryable, question: HistoryQuestion): Promise<{ items: HistoryPoint[]; total: number }> {
  const { by, layer, widthMs, fromMs, toMs, limit, offset } = question;
  const table = layer === 'sums' ? telemetrySums : telemetryHours;
  const group: Record<Grouping, SQL> = {
    fleet: sql`''::text`,
    release: sql`${table.release}`,
    profile: sql`${table.profile}`,
    site: sql`${table.site}`,
  };
  const whole = by === 'fleet' || by === 'release';
  const isOne = whole ? sql`${table.profile} = ${EVERY_PROFILE}` : sql`${table.profile} <> ${EVERY_PROFILE}`;
  const of = (kind: string, column: SQL): SQL => sql`coalesce(sum(${column}) filter (where ${table.kind} = ${kind}), 0)::float8`;
  const points = sql`
    select (${table.atMs} / ${widthMs}::bigint * ${widthMs}::bigint)::float8 as "atMs", ${group[by]} as "group",
      ${of('inference', sql`${table.count}`)} as items, ${of('inference', sql`${table.hits}`)} as failures,
      ${of('inference', sql`${table.total}`)} as latency, ${of('device-energy', sql`${table.total}`)} as joules,
      ${of('drift', sql`${table.hits}`)} as drifted
    from ${table} where ${table.atMs} >= ${fromMs}::bigint and ${table.atMs} < ${toMs}::bigint and ${isOne} group by 1, 2`;
  const rows = await db.execute(sql`
    select "atMs", "group", items, failures, joules, drifted as "driftedWindows",
      case when items > failures then latency / (items - failures) end as "latencyMsMean", count(*) over () as total
    from (${points}) as points order by "atMs", "group" limit ${limit} offset ${offset}`);
  return { items: rows.map((row) => historyPointSchema.parse(row)), total: Number(rows[0]?.['total'] ?? 0) };
}
