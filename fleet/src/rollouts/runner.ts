import { durationMs, messageOf } from '@starling/shared';
import { advance, type Decision, type RolloutFacts } from './advance.ts';
import { applyEvent, eventOf } from './carry-out.ts';
import type { FactGatherer } from './gather-facts.ts';
import {
  JOIN_INTERVAL_MS,
  LEASE_MS,
  LOOK_PATIENCE_MS,
  PASS_INTERVAL_MS,
  PASS_SOON_MS,
  REVOKED_INTERVAL_MS,
  STARTS_PER_PASS_MAXIMUM,
} from './limits.ts';
import type { RolloutPorts } from './ports.ts';
import { createReturner } from './return-devices.ts';
import { createStarter } from './start-devices.ts';
import { skipRevoked } from './starting-store.ts';
import {
  appendEvents,
  claimVersion,
  type NewEvent,
  openRollouts,
  type RolloutRow,
  releaseLeases,
  takeLease,
  writeRollout,
} from './store.ts';
import { adoptEpoch, failuresOf, insertTargets, type Settled, settle } from './targets-store.ts';

/** Steps that one look may take: several that have nothing to do end at once, and no mistake makes it spin. */
const TURNS_MAXIMUM = 60;

export interface Runner {
  /** Looks at every open rollout once. */
  pass(): Promise<void>;
  /** Something has changed that a rollout may wait for. */
  wake(): void;
  start(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Carries rollouts on. Everything stands in rows: it may end at any point, another one goes on from there. What is decided on a row that
 * somebody changes meanwhile is thrown away, by its version.
 */
export function createRunner(ports: RolloutPorts, facts: FactGatherer): Runner {
  const { db, clock, log, events } = ports;
  const { owner } = ports;
  const startDevices = createStarter(ports);
  const returnDevices = createReturner(ports);
  let passing: Promise<void> = Promise.resolve();
  let interval: NodeJS.Timeout | undefined;
  let soon: NodeJS.Timeout | undefined;
  let ignore: () => void = () => undefined;
  let hasOpen = true;
  let turn = 0;
  const adopted = new Set<string>();
  const revokedLookMs = new Map<string, number>();
  let waitingPasses = 0;
  /** Rollouts that are being looked at: a look lasts as long as the server of somebody else does that is asked whether it agrees. */
  const looking = new Map<string, Promise<number>>();
  let isClosed = false;

  const announce = (row: RolloutRow, detail: Record<string, unknown> = {}): void =>
    events.publish({ type: 'rollout', id: row.id, atMs: clock.nowMs(), detail: { name: row.name, ...detail } });

  const settleTargets = async (row: RolloutRow): Promise<boolean> => {
    const nowMs = clock.nowMs();
    const retryAfterMs = durationMs(row.spec.retries.after);
    const isDue = nowMs - (revokedLookMs.get(row.id) ?? 0) >= REVOKED_INTERVAL_MS;
    if (isDue) revokedLookMs.set(row.id, nowMs);
    const settled = await db.transaction(async (tx) => {
      if (!(await claimVersion(tx, row))) return undefined;
      // A restore comes with a start: once for each rollout is enough.
      if (!adopted.has(row.id)) await adoptEpoch(tx, row.id, row.release);
      const outcome = await settle(tx, { rollout: row.id, release: row.release, spec: row.spec, nowMs, retryAfterMs });
      const skipped = isDue ? await skipRevoked(tx, row.id, nowMs) : 0;
      await appendEvents(tx, row.id, nowMs, await linesOf(outcome, row, tx));
      return { ...outcome, skipped };
    });
    if (settled !== undefined) adopted.add(row.id);
    if (settled !== undefined && Object.values(settled).some((devices) => devices > 0)) announce(row);
    return settled !== undefined;
  };
  const joinDevices = async (row: RolloutRow): Promise<boolean> => {
    const nowMs = clock.nowMs();
    const isDue = row.spec.dynamic && ['running', 'following'].includes(row.state) && nowMs - row.joinedAtMs >= JOIN_INTERVAL_MS;
    if (!isDue) return true;
    const where = await ports.matching(row.spec.selector);
    return db.transaction(async (tx) => {
      if (!(await claimVersion(tx, row))) return false;
      const { release, priority, spec } = row;
      const joined = await insertTargets(tx, { rollout: row.id, where, release, priority, spec, joining: true });
      await writeRollout(tx, row.id, { joinedAtMs: nowMs });
      if (joined > 0)
        await appendEvents(tx, row.id, nowMs, [
          { kind: 'joined', actor: 'fleet', text: `${joined} devices that match now have joined`, detail: { devices: joined } },
        ]);
      return true;
    });
  };
  const moveOn = async (row: RolloutRow, decision: Extract<Decision, { do: Parameters<typeof eventOf>[0]['do'] }>): Promise<void> => {
    const nowMs = clock.nowMs();
    const state = await db.transaction(async (tx) =>
      (await claimVersion(tx, row)) ? applyEvent(tx, row, { ...eventOf(decision), actor: 'fleet', nowMs }) : undefined,
    );
    if (state !== undefined) announce(row, { state });
  };
  const wait = async (row: RolloutRow, waiting: RolloutRow['waiting']): Promise<void> => {
    if (row.state === 'paused' || JSON.stringify(row.waiting) === JSON.stringify(waiting)) return;
    await db.transaction(async (tx) => {
      if (await claimVersion(tx, row)) await writeRollout(tx, row.id, { waiting });
    });
    announce(row);
  };
  /** What devices are to be given back, by the state of the rollout. @returns whether there was something */
  const giveBack = async (row: RolloutRow): Promise<boolean> => {
    if (row.state === 'rolling-back') return (await returnDevices(row, 'started')).devices > 0;
    if (row.state === 'stopping' && (await returnDevices(row, 'on-their-way')).devices > 0) return true;
    return row.spec.onDeviceFailure === 'return' && (await returnDevices(row, 'failed')).devices > 0;
  };

  /** One decision, carried out. @returns how many devices were started, and whether there is more to do at once */
  const turnOnce = async (row: RolloutRow, budget: number): Promise<{ started: number; more: boolean }> => {
    if (await giveBack(row)) return { started: 0, more: true };
    const known: RolloutFacts = await facts.gather(row);
    // Who was asked then has not answered.
    if (isClosed) return { started: 0, more: false };
    const decision = advance(known);
    if (decision.do === 'wait') {
      await wait(row, decision.waiting);
      return { started: 0, more: false };
    }
    if (decision.do !== 'admit') {
      await moveOn(row, decision);
      return { started: 0, more: true };
    }
    const { devices, waiting, isStale } = await startDevices(row, known, decision.quota, budget);
    if (devices > 0) announce(row);
    if (devices > 0 || isStale) return { started: devices, more: true };
    await wait(row, waiting ?? decision.waiting);
    return { started: 0, more: false };
  };
  const look = async (id: string, budget: number): Promise<number> => {
    const row = await takeLease(db, id, owner, clock.nowMs(), LEASE_MS);
    if (row === undefined || !(await settleTargets(row))) return 0;
    const settled = await takeLease(db, id, owner, clock.nowMs(), LEASE_MS);
    if (settled === undefined || !(await joinDevices(settled))) return 0;
    let started = 0;
    for (let turns = 0; turns < TURNS_MAXIMUM && !isClosed; turns += 1) {
      const current = await takeLease(db, id, owner, clock.nowMs(), LEASE_MS);
      if (current === undefined) return started;
      const outcome = await turnOnce(current, budget - started);
      started += outcome.started;
      if (!outcome.more || started >= budget) return started;
    }
    return started;
  };
  const lookAt = (id: string, budget: number): Promise<number> => {
    const looked = look(id, budget)
      .catch((error: unknown) => {
        log.warn({ rollout: id, error: messageOf(error) }, 'a rollout was not carried on; the next pass tries again');
        return 0;
      })
      .finally(() => looking.delete(id));
    looking.set(id, looked);
    return looked;
  };
  /** @param patienceMs the others do not wait longer for one of them; it is gone on with meanwhile */
  const passOnce = async (patienceMs: number | undefined): Promise<void> => {
    const open = await openRollouts(db);
    hasOpen = open.length > 0;
    turn += 1;
    let budget = STARTS_PER_PASS_MAXIMUM;
    const inTurn = takeTurns(open, turn);
    for (const [index, { id }] of inTurn.entries()) {
      if (isClosed) return;
      // What one does not use the next may: nobody waits for a rollout that stands still.
      const share = Math.ceil(budget / (inTurn.length - index));
      if (patienceMs === undefined) budget -= await lookAt(id, share);
      else if (!looking.has(id)) budget -= await atMost(patienceMs, lookAt(id, share));
    }
  };
  const pass = (patienceMs?: number): Promise<void> => {
    waitingPasses += 1;
    passing = passing
      .then(() => (isClosed ? undefined : passOnce(patienceMs)))
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'rollouts were not looked at'))
      .finally(() => {
        waitingPasses -= 1;
      });
    return passing;
  };
  const wake = (): void => {
    hasOpen = true;
    if (interval === undefined) return;
    soon ??= setTimeout(() => {
      soon = undefined;
      // One that runs may have passed by what has changed; one that waits has not.
      if (waitingPasses < 2) void pass(LOOK_PATIENCE_MS);
    }, PASS_SOON_MS);
  };
  return {
    pass: () => pass(),
    wake,
    async start() {
      interval = setInterval(() => {
        // One that takes longer than that is not chased by others.
        if (waitingPasses === 0) void pass(LOOK_PATIENCE_MS);
      }, PASS_INTERVAL_MS);
      ignore = events.subscribe(({ type }) => {
        if (hasOpen && (type === 'reported' || type === 'device')) wake();
      });
      wake();
    },
    async close() {
      isClosed = true;
      clearInterval(interval);
      clearTimeout(soon);
      ignore();
      interval = undefined;
      await passing;
      await Promise.all(looking.values());
      await releaseLeases(db, owner).catch(() => undefined);
    },
  };
}

/** @returns what it gives, or 0 where that takes longer */
async function atMost(timeMs: number, result: Promise<number>): Promise<number> {
  const late = Promise.withResolvers<number>();
  const timer = setTimeout(() => late.resolve(0), timeMs);
  try {
    return await Promise.race([result, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The most urgent first; of equals another one each time. */
function takeTurns(open: readonly RolloutRow[], turn: number): RolloutRow[] {
  const byPriority = Map.groupBy(open, ({ priority }) => priority);
  return [...byPriority.values()].flatMap((equals) => {
    const first = turn % equals.length;
    return [...equals.slice(first), ...equals.slice(0, first)];
  });
}

/** What a person wants to find in the timeline: what went wrong. Successes are counted in the waves. */
async function linesOf(settled: Settled, row: RolloutRow, tx: Parameters<typeof failuresOf>[0]): Promise<NewEvent[]> {
  const { failed, timedOut, retried, superseded, unconfirmed } = settled;
  const lines: NewEvent[] = [];
  const say = (kind: string, devices: number, text: string, detail: Record<string, unknown> = {}): void => {
    if (devices > 0)
      lines.push({ kind, actor: 'fleet', text: `${devices} devices ${text}`, detail: { devices, step: row.step, ...detail } });
  };
  const codes = failed + timedOut > 0 ? await failuresOf(tx, row.id, true) : [];
  say('failed', failed + timedOut, `failed or fell silent: ${codes.map(({ code, devices }) => `${code} ${devices}`).join(', ')} so far`, {
    codes,
  });
  say('retried', retried, 'are tried again');
  say('superseded', superseded, 'were given something else by somebody else');
  say('unconfirmed', unconfirmed, 'were told to go back, and have not said that they did');
  return lines;
}
