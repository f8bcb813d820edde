import { type SQL, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../db/index.ts';
import { devices } from '../db/schema/index.ts';
import type { FleetSum, Place } from './fleet-sums.ts';
import type { RollUp } from './roll-up.ts';

/** Adds rows to those that are there. A statement may not touch one row twice: keys of `rows` differ, and are in order. */
export async function addRollUps(tx: Transaction, rows: readonly RollUp[]): Promise<void> {
  await mergeInto(
    tx,
    'telemetry_rollups',
    { device: 'text', release: 'text', kind: 'text', subject: 'text', at_ms: 'bigint' },
    rows,
    'int',
  );
}

/** As `addRollUps`, for the fleet: its sums outgrow 32 bits. */
export async function addFleetSums(tx: Transaction, table: 'telemetry_sums' | 'telemetry_hours', rows: readonly FleetSum[]): Promise<void> {
  const keys = { at_ms: 'bigint', kind: 'text', release: 'text', profile: 'text', site: 'text', subject: 'text' };
  await mergeInto(tx, table, keys, rows, 'bigint');
}

async function mergeInto(
  tx: Transaction,
  table: string,
  keys: Readonly<Record<string, string>>,
  rows: readonly object[],
  binType: 'int' | 'bigint',
): Promise<void> {
  if (rows.length === 0) return;
  const types = { ...keys, count: 'bigint', hits: 'bigint', total: 'float8' };
  const read = rows as readonly Readonly<Record<string, unknown>>[];
  const arrays = Object.entries(types).map(
    ([name, type]) => sql`${param(read.map((row) => row[name === 'at_ms' ? 'atMs' : name]))}::${sql.raw(type)}[]`,
  );
  const bins = param(read.map(({ bins }) => (Array.isArray(bins) ? `{${bins.join(',')}}` : null)));
  const names = sql.raw(Object.keys(types).join(', '));
  await tx.execute(sql`
    insert into ${sql.identifier(table)} as r (${names}, bins)
    select ${names}, n.bins::${sql.raw(binType)}[]
    from unnest(${sql.join(arrays, sql`, `)}, ${bins}::text[]) as n(${names}, bins)
    on conflict (${sql.raw(Object.keys(keys).join(', '))}) do update set count = r.count + excluded.count, hits = r.hits + excluded.hits,
      total = r.total + excluded.total,
      bins = case when r.bins is null then excluded.bins when excluded.bins is null then r.bins
        else (select array_agg(before + added order by bin) from unnest(r.bins, excluded.bins) with ordinality as b(before, added, bin)) end`);
}

/** Where devices belong now; those that are not there are left out. */
export async function placesOf(db: Queryable, ids: readonly string[]): Promise<Map<string, Place>> {
  if (ids.length === 0) return new Map();
  const site = sql<string>`coalesce(${devices.labels} ->> 'site', '')`;
  const rows = await db
    .select({ id: devices.id, profile: devices.profile, site })
    .from(devices)
    .where(sql`${devices.id} = any(${sql.param([...ids])}::text[])`);
  return new Map(rows.map(({ id, ...place }) => [id, place]));
}

function param(values: readonly unknown[]): SQL {
  return sql`${sql.param(values)}`;
}
