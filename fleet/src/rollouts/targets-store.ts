import { type RolloutSpec, type TargetCounts, type TargetState, targetStateSchema } from '@starling/shared';
import { type SQL, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../db/index.ts';
import { countedTargets, executedTargets, inFlightTargets, nextTarget, openStates, openTargets, statesBefore } from './states.ts';

/** Texts as an array of Postgres. */
const texts = (values: readonly string[]): SQL => sql`${sql.param([...values])}::text[]`;
const before = (event: Parameters<typeof statesBefore>[0]): SQL => texts(statesBefore(event));

/** Failures that come before a device has taken anything. */
const refusals = [
  'agent-too-old',
  'memory-low',
  'disk-full',
  'provider-refused',
  'bad-signature',
  'wrong-fleet',
  'unknown-critical',
  'unknown-key',
  'expired',
];

export interface NewTargets {
  rollout: string;
  /** Condition on rows of `devices`. */
  where: SQL;
  release: string;
  priority: number;
  spec: Pick<RolloutSpec, 'requires'>;
  /** Further ones of a rollout that has some. */
  joining?: boolean;
}

/**
 * Makes a target of every active device that the condition matches, in random order: devices of one site stand apart. One that runs the
 * release already is `unchanged`, one that lacks what the rollout requires `skipped`, one that a rollout of higher priority has `superseded`.
 * @returns how many
 */
export async function insertTargets(
  tx: Transaction,
  { rollout, where, release, priority, spec, joining = false }: NewTargets,
): Promise<number> {
  const { agentVersion, profiles } = spec.requires;
  const isOld =
    agentVersion === undefined
      ? sql`false`
      : sql`not coalesce(case when devices.agent_version ~ '^[0-9]+[.][0-9]+[.][0-9]+' then
          string_to_array(substring(devices.agent_version from '^[0-9]+[.][0-9]+[.][0-9]+'), '.')::int[]
          >= string_to_array(${agentVersion}, '.')::int[] end, false)`;
  const isOther = profiles === undefined ? sql`false` : sql`not (devices.profile = any(${texts(profiles)}))`;
  const others = sql`select id from rollouts where state = any(${texts(openStates)}) and priority > ${priority} and id <> ${rollout}`;
  const isTaken = sql`devices.id in (select o.device from rollout_targets o where o.rollout in (${others}) and o.state = any(${texts(openTargets)}))`;
  const runs = sql`d.release = ${release} and (devices.reported->>'generation')::int = d.generation and (devices.reported->>'epoch')::int = d.epoch
    and devices.reported->'running'->>'release' = ${release} and devices.reported->'running'->>'verified' = 'true'`;
  const start = joining ? sql`(select coalesce(max(position), 0) from rollout_targets where rollout = ${rollout})` : sql`0`;
  const known = joining
    ? sql`and not exists (select 1 from rollout_targets k where k.rollout = ${rollout} and k.device = devices.id)`
    : sql``;
  const rows = await tx.execute(sql`
    insert into rollout_targets (rollout, device, position, state, code, message)
    select ${rollout}, device, ${start} + row_number() over (order by hashtextextended(device, hashtext(${rollout}))), state,
      case state when 'skipped' then 'requirement' when 'superseded' then 'higher-priority' end,
      case state when 'skipped' then 'it does not meet what the rollout requires' when 'superseded' then 'a rollout of higher priority has it' end
    from (
      select devices.id as device, case
        when ${isOther} or ${isOld} then 'skipped' when ${runs} then 'unchanged' when ${isTaken} then 'superseded' else 'waiting' end as state
      from devices left join desired_states d on d.device = devices.id
      where devices.status = 'active' and (${where}) ${known}
    ) as matched
    returning 1`);
  return rows.length;
}

/** Open rollouts that have devices of this one: with which rule, and how many. */
export async function overlapsOf(
  tx: Queryable,
  rollout: string,
): Promise<{ id: string; name: string; priority: number; devices: number }[]> {
  const rows = await tx.execute<{ id: string; name: string; priority: number; devices: number }>(sql`
    select r.id, r.name, r.priority, count(*)::int as devices
    from rollout_targets mine join rollout_targets o on o.device = mine.device and o.rollout <> mine.rollout
    join rollouts r on r.id = o.rollout
    where mine.rollout = ${rollout} and mine.state = 'waiting' and o.state = any(${texts(openTargets)}) and r.state = any(${texts(openStates)})
    group by r.id, r.name, r.priority order by r.priority desc, r.id`);
  return [...rows];
}

/** Takes the devices of this rollout from those that have them now. */
export async function takeOver(tx: Transaction, rollout: string, from: readonly string[], name: string, nowMs: number): Promise<void> {
  // Whoever decides about them at the moment has to look again.
  await tx.execute(sql`update rollouts set version = version + 1 where id = any(${texts(from)})`);
  await tx.execute(sql`
    update rollout_targets o set state = ${nextTarget('waiting', 'supersede')}, finished_at_ms = ${nowMs}, code = 'superseded', message = ${`the rollout ${name} has it`}
    from rollout_targets mine
    where mine.rollout = ${rollout} and mine.state = 'waiting' and o.device = mine.device and o.rollout = any(${texts(from)})
      and o.state = any(${texts(['waiting', 'assigned'])})`);
}

/** What devices have reported of exactly the desired state that is waited for; reports on others change nothing. */
const reportsIt = sql`d.id = t.device and (d.reported->>'epoch')::int = t.epoch and (d.reported->>'generation')::int = t.generation`;

export interface Settled {
  succeeded: number;
  failed: number;
  timedOut: number;
  retried: number;
  superseded: number;
  returned: number;
  unconfirmed: number;
}

/** Moves targets by what devices report and by the time, in a few statements for all of them. */
export async function settle(
  tx: Transaction,
  {
    rollout,
    release,
    spec,
    nowMs,
    retryAfterMs,
  }: { rollout: string; release: string; spec: RolloutSpec; nowMs: number; retryAfterMs: number },
): Promise<Settled> {
  const kinds = texts(spec.retries.kinds);
  const mayRetry = (kind: SQL, code: SQL): SQL =>
    sql`t.attempt < ${spec.retries.count} and (${kind} = any(${kinds}) or ${code} = any(${kinds}) or 'any' = any(${kinds}))`;
  // Somebody else has given the device something newer: whatever it reports from now on is of that.
  const superseded = await tx.execute(sql`
    update rollout_targets t set state = ${nextTarget('assigned', 'supersede')}, finished_at_ms = ${nowMs}, code = 'superseded', message = 'it was given something else since'
    from desired_states s
    where t.rollout = ${rollout} and t.state = any(${texts(inFlightTargets)}) and s.device = t.device and (s.epoch, s.generation) > (t.epoch, t.generation)
    returning 1`);
  const succeeded = await tx.execute(sql`
    update rollout_targets t set state = ${nextTarget('assigned', 'verify')}, finished_at_ms = ${nowMs}, failure_kind = null, code = null, message = null
    from devices d
    where t.rollout = ${rollout} and t.state = 'assigned' and ${reportsIt} and d.reported->>'phase' = 'running'
      and d.reported->'running'->>'release' = ${release} and d.reported->'running'->>'verified' = 'true'
    returning 1`);
  const kind = sql`case when d.reported->'error'->>'code' = any(${texts(refusals)}) then 'refused' else 'failed' end`;
  const code = sql`coalesce(d.reported->'error'->>'code', 'failed')`;
  const failed = await tx.execute<{ state: string }>(sql`
    update rollout_targets t set
      state = case when ${mayRetry(kind, code)} then ${nextTarget('assigned', 'retry')} else ${nextTarget('assigned', 'fail')} end,
      attempt = t.attempt + 1, finished_at_ms = ${nowMs}, not_before_ms = ${nowMs + retryAfterMs},
      failure_kind = ${kind}, code = left(${code}, 100), message = left(d.reported->'error'->>'message', 500)
    from devices d
    where t.rollout = ${rollout} and t.state = 'assigned' and ${reportsIt} and d.reported->>'phase' = 'failed' and d.reported->>'retryAtMs' is null
    returning t.state`);
  const timedOut = await tx.execute<{ state: string }>(sql`
    update rollout_targets t set
      state = case when ${mayRetry(sql`'timed-out'`, sql`'timed-out'`)} then ${nextTarget('assigned', 'retry')} else ${nextTarget('assigned', 'time-out')} end,
      attempt = t.attempt + 1, finished_at_ms = ${nowMs}, not_before_ms = ${nowMs + retryAfterMs},
      failure_kind = 'timed-out', code = 'timed-out', message = ${`it did not run the release within ${spec.deviceTimeout}`}
    where t.rollout = ${rollout} and t.state = 'assigned' and t.deadline_ms < ${nowMs}
    returning t.state`);
  const returned = await tx.execute(sql`
    update rollout_targets t set state = ${nextTarget('returning', 'confirm')}, finished_at_ms = ${nowMs}
    from devices d
    where t.rollout = ${rollout} and t.state = 'returning' and d.id = t.device and (t.generation is null or ${reportsIt} and (
      (t.previous_release is null and d.reported->>'phase' = 'idle' and d.reported->'running' = 'null'::jsonb)
      or (d.reported->>'phase' = 'running' and d.reported->'running'->>'release' = t.previous_release and d.reported->'running'->>'verified' = 'true')))
    returning 1`);
  const unconfirmed = await tx.execute(sql`
    update rollout_targets t set state = ${nextTarget('returning', 'give-up')}, finished_at_ms = ${nowMs},
      message = 'it was told to go back, and has not said that it did'
    where t.rollout = ${rollout} and t.state = 'returning' and t.deadline_ms < ${nowMs}
    returning 1`);
  const retried = [...failed, ...timedOut].filter(({ state }) => state === 'waiting').length;
  const ended = (rows: Iterable<{ state: string }>): number => [...rows].filter(({ state }) => state !== 'waiting').length;
  return {
    ...{ succeeded: succeeded.length, failed: ended(failed), timedOut: ended(timedOut), retried, superseded: superseded.length },
    ...{ returned: returned.length, unconfirmed: unconfirmed.length },
  };
}

export interface Tally {
  counts: TargetCounts;
  total: number;
  started: number;
  /** Those that wait, and were never started. */
  unstarted: number;
  /** By the step that started them. */
  waves: Map<number, { started: number; counts: TargetCounts; startedAtMs: number | null; finishedAtMs: number | null }>;
}

export function noCounts(): TargetCounts {
  return Object.fromEntries(targetStateSchema.options.map((state) => [state, 0])) as TargetCounts;
}

/** How many targets of rollouts stand where: one reading. */
export async function tallyOf(db: Queryable, rollouts: readonly string[]): Promise<Map<string, Tally>> {
  const tallies = new Map<string, Tally>(
    rollouts.map((id) => [id, { counts: noCounts(), total: 0, started: 0, unstarted: 0, waves: new Map() }]),
  );
  if (rollouts.length === 0) return tallies;
  const rows = await db.execute<{
    rollout: string;
    state: TargetState;
    wave: number | null;
    devices: number;
    first: string | null;
    last: string | null;
  }>(sql`
    select rollout, state, wave, count(*)::int as devices, min(started_at_ms) as first, max(finished_at_ms) as last
    from rollout_targets where rollout = any(${texts(rollouts)}) group by rollout, state, wave`);
  for (const { rollout, state, wave, devices, first, last } of rows) {
    const tally = tallies.get(rollout);
    if (tally === undefined) continue;
    tally.counts[state] += devices;
    if (countedTargets.includes(state)) tally.total += devices;
    if (wave === null && state === 'waiting') tally.unstarted += devices;
    if (wave === null) continue;
    if (countedTargets.includes(state)) tally.started += devices;
    const known = tally.waves.get(wave) ?? { started: 0, counts: noCounts(), startedAtMs: null, finishedAtMs: null };
    known.started += devices;
    known.counts[state] += devices;
    known.startedAtMs = least(known.startedAtMs, first, Math.min);
    known.finishedAtMs = least(known.finishedAtMs, last, Math.max);
    tally.waves.set(wave, known);
  }
  return tallies;
}

function least(known: number | null, text: string | number | null, pick: (a: number, b: number) => number): number | null {
  if (text === null) return known;
  return known === null ? Number(text) : pick(known, Number(text));
}

export interface FailureCount {
  [key: string]: unknown;
  kind: string;
  code: string;
  devices: number;
}

/** @param onlyFinal leave out what was tried again, and what was taken back */
export async function failuresOf(db: Queryable, rollout: string, onlyFinal: boolean): Promise<FailureCount[]> {
  const final = onlyFinal ? sql`and state in ('failed', 'timed-out')` : sql``;
  const rows = await db.execute<FailureCount>(sql`
    select failure_kind as kind, coalesce(code, failure_kind) as code, count(*)::int as devices from rollout_targets
    where rollout = ${rollout} and failure_kind is not null ${final} group by 1, 2 order by 3 desc, 2`);
  return [...rows];
}

/** Ends targets that were not started. */
export async function cancelWaiting(tx: Transaction, rollout: string, nowMs: number, why: string): Promise<number> {
  const rows = await tx.execute(sql`
    update rollout_targets set state = ${nextTarget('waiting', 'cancel')}, finished_at_ms = ${nowMs}, message = ${why}
    where rollout = ${rollout} and state = any(${before('cancel')}) returning 1`);
  return rows.length;
}

/**
 * Devices of a rollout as a subquery: those that run the new release verified, those that still run what they had, or all that were told to
 * run the new one, whatever became of it.
 */
export function cohortOf(rollout: string, cohort: 'candidate' | 'assigned' | 'control'): SQL {
  if (cohort === 'assigned') return sql`(select device from rollout_targets where rollout = ${rollout} and started_at_ms is not null)`;
  const state = cohort === 'candidate' ? 'succeeded' : 'waiting';
  return sql`(select device from rollout_targets where rollout = ${rollout} and state = ${state})`;
}

/** The planner learns of many new rows at once, rather than a minute later. */
export async function analyseTargets(db: Queryable): Promise<void> {
  await db.execute(sql`analyze rollout_targets`);
}

/** A fleet that was restored says the same to every device, in a new epoch: what it says still counts as ours. */
export async function adoptEpoch(tx: Transaction, rollout: string, release: string): Promise<void> {
  await tx.execute(sql`
    update rollout_targets t set epoch = s.epoch, generation = s.generation from desired_states s
    where t.rollout = ${rollout} and s.device = t.device and s.epoch > t.epoch and t.state = any(${texts([...inFlightTargets, ...executedTargets])})
      and s.release is not distinct from case when t.state = 'returning' or t.restored then t.previous_release else ${release} end`);
}

/** The desired states of these devices were raised by one, and name the same release: targets that were given them go on. */
export async function followDesired(tx: Transaction, devices: readonly string[]): Promise<void> {
  if (devices.length === 0) return;
  await tx.execute(sql`
    update rollout_targets t set generation = s.generation from desired_states s
    where t.device = any(${texts(devices)}) and s.device = t.device and t.epoch = s.epoch and t.generation = s.generation - 1`);
}

/**
 * Placed releases that are being rolled out to homes, by who works for those: a worker has them before its homes are moved. A look at the
 * releases alone tells nearly always that there are none.
 */
export async function comingReleases(
  db: Queryable,
  isPlaced: (release: string) => Promise<boolean>,
): Promise<{ worker: string; release: string }[]> {
  const open = texts(['running', 'paused', 'following']);
  const known = await db.execute<{ release: string }>(sql`select distinct release from rollouts where state = any(${open})`);
  const placed: string[] = [];
  for (const { release } of known) if (await isPlaced(release)) placed.push(release);
  if (placed.length === 0) return [];
  const rows = await db.execute<{ worker: string; release: string }>(sql`
    select distinct w.value as worker, r.release
    from rollouts r join rollout_targets t on t.rollout = r.id join desired_states s on s.device = t.device
    cross join lateral jsonb_each_text(s.workers) as w
    where r.state = any(${open}) and r.release = any(${texts(placed)}) and t.state in ('waiting', 'assigned') and s.workers <> '{}'::jsonb`);
  return [...rows];
}
