import { type ExperimentDevice, experimentDeviceSchema } from '@starling/shared';
import { type SQL, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../db/index.ts';

const texts = (values: readonly string[]): SQL => sql`${sql.param([...values])}::text[]`;

/** A rollout is about to move it, or does. */
const inRollout = sql`exists (select 1 from rollout_targets t join rollouts r on r.id = t.rollout where t.device = devices.id
  and t.state in ('waiting', 'assigned', 'returning') and r.state not in ('succeeded', 'aborted', 'stopped', 'rolled-back'))`;
const inExperiment = sql`exists (select 1 from experiment_devices m where m.device = devices.id and m.left_at_ms is null)`;
const isPlaced = sql`(s.places is not null or s.workers <> '{}'::jsonb)`;

export interface Matched {
  [key: string]: unknown;
  active: number;
  matched: number;
  free: number;
  other: number;
  rollout: number;
  experiment: number;
  placed: number;
}

/** Devices of a condition, by what keeps them from an experiment with this champion: each counted once, for the first reason. */
export async function countMatches(db: Queryable, where: SQL, champion: string): Promise<Matched> {
  const [row] = await db.execute<Matched>(sql`
    select (select count(*)::int from devices where status = 'active') as active, count(*)::int as matched,
      (count(*) filter (where why = 'free'))::int as free, (count(*) filter (where why = 'other'))::int as other,
      (count(*) filter (where why = 'rollout'))::int as rollout, (count(*) filter (where why = 'experiment'))::int as experiment,
      (count(*) filter (where why = 'placed'))::int as placed
    from (select case when s.release is distinct from ${champion} then 'other' when ${inExperiment} then 'experiment' when ${inRollout} then 'rollout'
        when ${isPlaced} then 'placed' else 'free' end as why
      from devices left join desired_states s on s.device = devices.id where devices.status = 'active' and (${where})) as seen`);
  return row ?? { active: 0, matched: 0, free: 0, other: 0, rollout: 0, experiment: 0, placed: 0 };
}

/** What the devices of a condition are to run, most devices first. */
export async function releasesAmong(db: Queryable, where: SQL): Promise<{ release: string | null; devices: number }[]> {
  const rows = await db.execute<{ release: string | null; devices: number }>(sql`
    select s.release, count(*)::int as devices from devices left join desired_states s on s.device = devices.id
    where devices.status = 'active' and (${where}) group by s.release order by devices desc, s.release limit 20`);
  return [...rows];
}

/** Devices that may come in, in an order by chance that is the same each time. Those that were in it before stay out. */
export async function candidatesOf(db: Queryable, experiment: string, where: SQL, champion: string, limit: number): Promise<string[]> {
  const rows = await db.execute<{ id: string }>(sql`
    select devices.id from devices join desired_states s on s.device = devices.id
    where devices.status = 'active' and (${where}) and s.release = ${champion} and s.experiment is null and not ${isPlaced}
      and not ${inExperiment} and not ${inRollout}
      and not exists (select 1 from experiment_devices k where k.experiment = ${experiment} and k.device = devices.id)
    order by md5(devices.id || ${experiment}), devices.id limit ${limit}`);
  return rows.map(({ id }) => id);
}

export async function insertMembers(
  tx: Transaction,
  experiment: string,
  nowMs: number,
  members: readonly { device: string; refused?: string }[],
): Promise<void> {
  if (members.length === 0) return;
  await tx.execute(sql`
    insert into experiment_devices (experiment, device, joined_at_ms, left_at_ms, reason)
    select ${experiment}, n.device, ${nowMs}, case when n.reason is null then null else ${nowMs}::bigint end, n.reason
    from unnest(${texts(members.map(({ device }) => device))}, ${sql.param(members.map(({ refused }) => refused?.slice(0, 500) ?? null))}::text[])
      as n(device, reason)
    on conflict do nothing`);
}

/** Those whom somebody gave something else, or revoked. @returns how many */
export async function noteLeavers(tx: Transaction, experiment: string, nowMs: number): Promise<number> {
  const rows = await tx.execute(sql`
    update experiment_devices m set left_at_ms = ${nowMs},
      reason = case when d.status <> 'active' then 'it was revoked' else 'it was given another release' end
    from devices d left join desired_states s on s.device = d.id
    where m.experiment = ${experiment} and m.left_at_ms is null and d.id = m.device
      and (d.status <> 'active' or s.experiment is null or s.experiment->>'id' <> ${experiment}) returning 1`);
  return rows.length;
}

/** It is over for all. */
export async function endMembers(tx: Transaction, experiment: string, nowMs: number, reason: string): Promise<void> {
  await tx.execute(sql`
    update experiment_devices set left_at_ms = ${nowMs}, reason = ${reason} where experiment = ${experiment} and left_at_ms is null`);
}

export async function countMembers(db: Queryable, experiments: readonly string[]): Promise<Map<string, number>> {
  const rows = await db.execute<{ experiment: string; devices: number }>(sql`
    select experiment, count(*)::int as devices from experiment_devices
    where experiment = any(${texts(experiments)}) and left_at_ms is null group by experiment`);
  return new Map(rows.map(({ experiment, devices }) => [experiment, devices]));
}

/** Device ids that took part, as a subquery. */
export function membersQuery(experiment: string): SQL {
  return sql`select m.device from experiment_devices m where m.experiment = ${experiment} and (m.left_at_ms is null or m.left_at_ms > m.joined_at_ms)`;
}

/** Where challengers stand on the devices that take part: by release and state, and by the reason where they are off. */
export async function countArms(
  db: Queryable,
  experiment: string,
): Promise<{ release: string; state: string; code: string | null; devices: number }[]> {
  const rows = await db.execute<{ release: string; state: string; code: string | null; devices: number }>(sql`
    select arm->>'release' as release, arm->>'state' as state, arm->'problem'->>'code' as code, count(*)::int as devices
    from experiment_devices m join devices d on d.id = m.device cross join lateral jsonb_array_elements(d.reported->'experiment'->'arms') as arm
    where m.experiment = ${experiment} and m.left_at_ms is null and d.reported->'experiment'->>'id' = ${experiment} group by 1, 2, 3`);
  return [...rows];
}

export async function listMembers(
  db: Queryable,
  experiment: string,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ items: ExperimentDevice[]; total: number }> {
  const rows = await db.execute<Record<string, unknown>>(sql`
    select m.device, coalesce(d.name, m.device) as name, coalesce(d.online, false) as online, m.left_at_ms is null as "takesPart",
      m.joined_at_ms::float8 as "joinedAtMs", m.left_at_ms::float8 as "leftAtMs", m.reason,
      case when m.left_at_ms is null and d.reported->'experiment'->>'id' = ${experiment} then d.reported->'experiment'->'arms' else '[]'::jsonb end as arms
    from experiment_devices m left join devices d on d.id = m.device where m.experiment = ${experiment}
    order by m.left_at_ms is not null, d.name, m.device limit ${limit} offset ${offset}`);
  const [total] = await db.execute<{ value: number }>(
    sql`select count(*)::int as value from experiment_devices where experiment = ${experiment}`,
  );
  return { items: rows.map((row) => experimentDeviceSchema.parse(row)), total: total?.value ?? 0 };
}

/** Running experiments that devices of a condition take part in. */
export async function experimentsAmong(db: Queryable, where: SQL): Promise<{ id: string; name: string; devices: number }[]> {
  const rows = await db.execute<{ id: string; name: string; devices: number }>(sql`
    select e.id, e.name, count(*)::int as devices from devices join experiment_devices m on m.device = devices.id and m.left_at_ms is null
      join experiments e on e.id = m.experiment where devices.status = 'active' and (${where}) group by e.id, e.name order by devices desc`);
  return [...rows];
}

/** Takes away what is known of devices that are going to be deleted. */
export async function forgetMembers(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.execute(sql`delete from experiment_devices where device = any(${texts(ids)})`);
}
