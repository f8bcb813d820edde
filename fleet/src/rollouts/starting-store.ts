import type { RolloutStep } from '@starling/shared';
import { type SQL, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../db/index.ts';
import { HOLD_GAP_MS, REACHABLE_MS } from './limits.ts';
import { nextTarget, statesBefore } from './states.ts';

const texts = (values: readonly string[]): SQL => sql`${sql.param([...values])}::text[]`;
const integers = (values: readonly number[]): SQL => sql`${sql.param([...values])}::int[]`;

const isReachable = (nowMs: number): SQL => sql`(d.online or d.last_seen_at_ms > ${nowMs - REACHABLE_MS})`;

/** The devices that a step takes; a step by label takes those with the label alone. */
function isOfStep(step: RolloutStep | undefined): SQL {
  return step !== undefined && 'setLabel' in step ? sql`d.labels @> ${JSON.stringify(step.setLabel)}::jsonb` : sql`true`;
}

/** Targets that a step could still start, and how many of them can be reached. */
export async function countEligible(
  db: Queryable,
  { rollout, step, nowMs }: { rollout: string; step: RolloutStep | undefined; nowMs: number },
): Promise<{ eligible: number; reachable: number }> {
  const [row] = await db.execute<{ eligible: number; reachable: number }>(sql`
    select count(*)::int as eligible, (count(*) filter (where ${isReachable(nowMs)}))::int as reachable
    from rollout_targets t join devices d on d.id = t.device
    where t.rollout = ${rollout} and t.state = 'waiting' and t.wave is null and d.status = 'active' and ${isOfStep(step)}`);
  return { eligible: row?.eligible ?? 0, reachable: row?.reachable ?? 0 };
}

/** Devices that were revoked are nobody's target any more. */
export async function skipRevoked(tx: Transaction, rollout: string, nowMs: number): Promise<number> {
  const rows = await tx.execute(sql`
    update rollout_targets t set state = ${nextTarget('waiting', 'skip')}, finished_at_ms = ${nowMs}, code = 'revoked', message = 'the device was revoked'
    from devices d where t.rollout = ${rollout} and t.state = any(${texts(statesBefore('skip'))}) and d.id = t.device and d.status <> 'active' returning 1`);
  return rows.length;
}

/** Time zones of the devices that wait. */
export async function timeZonesOf(db: Queryable, rollout: string, usual: string): Promise<string[]> {
  const rows = await db.execute<{ zone: string }>(sql`
    select distinct coalesce(d.labels->>'timezone', ${usual}) as zone
    from rollout_targets t join devices d on d.id = t.device where t.rollout = ${rollout} and t.state = 'waiting'`);
  return rows.map(({ zone }) => zone);
}

export interface CandidateQuery {
  rollout: string;
  step: RolloutStep | undefined;
  nowMs: number;
  limit: number;
  /** Time zones whose window is open; undefined where there are no windows. */
  openZones: { zones: readonly string[]; usual: string } | undefined;
  spread: { label: string; maxInFlight: number } | undefined;
}

export interface Candidate {
  [key: string]: unknown;
  device: string;
  /** Started before, and to be tried again. */
  again: boolean;
}

/** Of so many times what is wanted a part is looked at first: sites stand mixed, so that is nearly always enough. */
const SLICE_FACTOR = 4;
const SLICE_MINIMUM = 2_000;

/** Targets that may be started now, in their order; those that are tried again first. */
export async function candidatesOf(db: Queryable, query: CandidateQuery): Promise<Candidate[]> {
  if (query.spread === undefined) return selectCandidates(db, query, undefined);
  const slice = Math.max(SLICE_MINIMUM, SLICE_FACTOR * query.limit);
  const found = await selectCandidates(db, query, slice);
  // Sites that are full may stand in front of others: then all are looked at.
  return found.length < query.limit ? selectCandidates(db, query, undefined) : found;
}

async function selectCandidates(
  db: Queryable,
  { rollout, step, nowMs, limit, openZones, spread }: CandidateQuery,
  slice: number | undefined,
): Promise<Candidate[]> {
  const inWindow =
    openZones === undefined ? sql`true` : sql`coalesce(d.labels->>'timezone', ${openZones.usual}) = any(${texts(openZones.zones)})`;
  // `not in` is always hashed: what is in flight changes faster than the planner learns of it.
  const may = sql`t.rollout = ${rollout} and t.state = 'waiting' and t.not_before_ms <= ${nowMs} and d.status = 'active' and ${isReachable(nowMs)}
    and ${inWindow} and (t.wave is not null or ${isOfStep(step)})
    and t.device not in (select o.device from rollout_targets o where o.state in ('assigned', 'returning'))`;
  const order = sql`order by again desc, position`;
  const place = sql`coalesce(d.labels->>${spread?.label ?? ''}, '')`;
  const most = spread === undefined ? limit : slice;
  const few = most === undefined ? sql`` : sql`order by t.position limit ${most}`;
  // One after the other, since each walks its index and ends with the last one that is wanted; in the order of both all would be sorted.
  const ofKind = (again: boolean): SQL => sql`(select t.device, ${again}::boolean as again, t.position, ${place} as place
    from rollout_targets t join devices d on d.id = t.device where ${may} and t.wave ${again ? sql`is not null` : sql`is null`} ${few})`;
  const all = sql`select * from (${ofKind(true)} union all ${ofKind(false)}) as both_kinds ${most === undefined ? sql`` : sql`${order} limit ${most}`}`;
  if (spread === undefined) {
    const rows = await db.execute<Candidate>(sql`select device, again from (${all}) as free ${order} limit ${limit}`);
    return [...rows];
  }
  const rows = await db.execute<Candidate>(sql`
    with busy as (
      select ${place} as place, count(*) as devices from rollout_targets t join devices d on d.id = t.device
      where t.rollout = ${rollout} and t.state in ('assigned', 'returning') and t.state = 'assigned' group by 1
    ), free as (${all}),
    ranked as (select device, again, position, place, row_number() over (partition by place ${order}) as rank from free)
    select ranked.device, ranked.again from ranked left join busy on busy.place = ranked.place
    where ranked.rank + coalesce(busy.devices, 0) <= ${spread.maxInFlight} ${order} limit ${limit}`);
  return [...rows];
}

/** What was started since a moment: what rates and bandwidths are counted by. */
export async function startedSince(db: Queryable, rollout: string, sinceMs: number): Promise<{ devices: number; bytes: number }> {
  const [row] = await db.execute<{ devices: number; bytes: string }>(sql`
    select count(*)::int as devices, coalesce(sum(bytes), 0) as bytes from rollout_targets
    where rollout = ${rollout} and started_at_ms is not null and started_at_ms > ${sinceMs}`);
  return { devices: row?.devices ?? 0, bytes: Number(row?.bytes ?? 0) };
}

export interface Generation {
  device: string;
  epoch: number;
  generation: number;
}

/**
 * Puts waiting targets on their way, once their desired state is written, with what each of them goes back to: what it runs, verified,
 * else what it was to run. A target that is tried again keeps what it had before the first time.
 * @returns how many
 */
export async function markAssigned(
  tx: Transaction,
  { rollout, release, wave, nowMs, deadlineMs }: { rollout: string; release: string; wave: number; nowMs: number; deadlineMs: number },
  starts: readonly (Generation & { bytes: number })[],
): Promise<number> {
  const verified = sql`(d.reported->'running'->>'verified' = 'true' and d.reported->'running'->>'release' <> ${release})`;
  const rows = await tx.execute(sql`
    update rollout_targets t set state = ${nextTarget('waiting', 'assign')}, started_at_ms = ${nowMs}, deadline_ms = ${deadlineMs},
      finished_at_ms = null, bytes = given.bytes, restored = false, wave = coalesce(t.wave, ${wave}),
      epoch = given.epoch, generation = given.generation,
      previous_release = case when t.wave is not null then t.previous_release when ${verified} then d.reported->'running'->>'release' else s.previous_release end,
      previous_artefacts = case when t.wave is not null then t.previous_artefacts when ${verified} then d.reported->'running'->'artefacts' else '{}'::jsonb end
    from unnest(${texts(starts.map(({ device }) => device))}, ${sql.param(starts.map(({ bytes }) => bytes))}::bigint[],
      ${integers(starts.map(({ epoch }) => epoch))}, ${integers(starts.map(({ generation }) => generation))}) as given(device, bytes, epoch, generation)
      join devices d on d.id = given.device join desired_states s on s.device = given.device
    where t.rollout = ${rollout} and t.device = given.device and t.state = any(${texts(statesBefore('assign'))})
    returning 1`);
  return rows.length;
}

/** Which desired state targets wait for from now on. */
export async function noteGenerations(tx: Transaction, rollout: string, given: readonly Generation[]): Promise<void> {
  if (given.length === 0) return;
  await tx.execute(sql`
    update rollout_targets t set epoch = given.epoch, generation = given.generation
    from unnest(${texts(given.map(({ device }) => device))}, ${integers(given.map(({ epoch }) => epoch))},
      ${integers(given.map(({ generation }) => generation))}) as given(device, epoch, generation)
    where t.rollout = ${rollout} and t.device = given.device`);
}

export interface Refusal {
  device: string;
  code: string;
  message: string;
  /** When it is asked about again; undefined: it is skipped. */
  againAtMs: number | undefined;
  /** It fails once it was put off for this code, without a break, for so many milliseconds. */
  holdMs?: number | undefined;
}

/**
 * Ends, or puts off, targets for which nothing could be chosen. While a target is put off, its deadline is that of the hold.
 * @returns those that were held for too long, and have failed
 */
export async function refuseTargets(
  tx: Transaction,
  { rollout, wave, nowMs, within }: { rollout: string; wave: number; nowMs: number; within: string },
  refused: readonly Refusal[],
): Promise<{ device: string; code: string; message: string }[]> {
  if (refused.length === 0) return [];
  const isHeld = sql`(given.hold_ms is not null and t.code = given.code and t.deadline_ms is not null and t.not_before_ms > ${nowMs - HOLD_GAP_MS})`;
  const isOver = sql`(${isHeld} and t.deadline_ms <= ${nowMs})`;
  const rows = await tx.execute<{ device: string; state: string; code: string; message: string }>(sql`
    update rollout_targets t set
      state = case when given.again_at_ms is null then ${nextTarget('waiting', 'skip')} when ${isOver} then ${nextTarget('waiting', 'fail')} else t.state end,
      finished_at_ms = case when given.again_at_ms is null or ${isOver} then ${nowMs}::bigint end,
      not_before_ms = coalesce(given.again_at_ms, t.not_before_ms),
      deadline_ms = case when given.hold_ms is null or ${isHeld} then t.deadline_ms else ${nowMs}::bigint + given.hold_ms end,
      wave = case when ${isOver} then coalesce(t.wave, ${wave}) else t.wave end,
      failure_kind = case when ${isOver} then 'refused' else t.failure_kind end,
      code = given.code, message = case when ${isOver} then left(${`not within ${within}: `} || given.message, 500) else given.message end
    from unnest(${texts(refused.map(({ device }) => device))}, ${texts(refused.map(({ code }) => code))},
      ${texts(refused.map(({ message }) => message.slice(0, 500)))}, ${sql.param(refused.map(({ againAtMs }) => againAtMs ?? null))}::bigint[],
      ${sql.param(refused.map(({ holdMs }) => holdMs ?? null))}::bigint[]) as given(device, code, message, again_at_ms, hold_ms)
    where t.rollout = ${rollout} and t.device = given.device and t.state = any(${texts(statesBefore('skip'))})
    returning t.device, t.state, t.code, t.message`);
  return [...rows].filter(({ state }) => state === 'failed');
}

export interface Return {
  device: string;
  /** Undefined where it was never given anything: there is nothing to take back. */
  given: { epoch: number; generation: number } | undefined;
  release: string | null;
  artefacts: Record<string, string> | null;
}

interface ReturnRow extends Omit<Return, 'given'> {
  [key: string]: unknown;
  epoch: number | null;
  generation: number | null;
}

/** Targets to give back what they had. @param of states to take them from; with `failed` alone those that do not have it yet */
export async function pickReturns(
  tx: Queryable,
  rollout: string,
  of: 'started' | 'on-their-way' | 'failed',
  limit: number,
): Promise<Return[]> {
  const states = { started: statesBefore('return'), 'on-their-way': ['assigned'], failed: ['failed', 'timed-out'] }[of];
  const rows = await tx.execute<ReturnRow>(sql`
    select device, epoch, generation, previous_release as release, previous_artefacts as artefacts from rollout_targets
    where rollout = ${rollout} and state = any(${texts(states)}) ${of === 'started' ? sql`` : sql`and generation is not null`} ${of === 'failed' ? sql`and not restored` : sql``}
    order by position limit ${limit}`);
  return [...rows].map(({ device, epoch, generation, release, artefacts }) => {
    return { device, release, artefacts, given: epoch === null || generation === null ? undefined : { epoch, generation } };
  });
}

/** Those of which somebody else has taken care since are his. */
export async function markSuperseded(tx: Transaction, rollout: string, devices: readonly string[], nowMs: number): Promise<void> {
  if (devices.length === 0) return;
  await tx.execute(sql`
    update rollout_targets set state = ${nextTarget('succeeded', 'supersede')}, finished_at_ms = ${nowMs}, code = 'superseded', message = 'it was given something else since'
    where rollout = ${rollout} and device = any(${texts(devices)}) and state = any(${texts(statesBefore('supersede'))})`);
}

export async function markReturning(
  tx: Transaction,
  { rollout, nowMs, deadlineMs }: { rollout: string; nowMs: number; deadlineMs: number },
  devices: readonly string[],
): Promise<void> {
  if (devices.length === 0) return;
  await tx.execute(sql`
    update rollout_targets set state = ${nextTarget('succeeded', 'return')}, started_at_ms = coalesce(started_at_ms, ${nowMs}), deadline_ms = ${deadlineMs}, finished_at_ms = null, restored = true
    where rollout = ${rollout} and device = any(${texts(devices)}) and state = any(${texts(statesBefore('return'))})`);
}

/** Failed ones whose desired state names what they had: they are tried no more. */
export async function markRestored(tx: Transaction, rollout: string, devices: readonly string[]): Promise<void> {
  if (devices.length === 0) return;
  await tx.execute(sql`update rollout_targets set restored = true where rollout = ${rollout} and device = any(${texts(devices)})`);
}
