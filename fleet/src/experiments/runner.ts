import { banditOf, durationMs, messageOf } from '@starling/shared';
import { shareExperiment } from '../desired-state/index.ts';
import { applyChange, type Change } from './change.ts';
import { type Decision, decide, droppedArms } from './decide.ts';
import { joinDevices } from './join-devices.ts';
import { JOINS_PER_PASS_MAXIMUM, LEASE_MS, LOOK_GROWTH, MEASURE_INTERVAL_MS, PASS_INTERVAL_MS, SHARE_STEP } from './limits.ts';
import { type Measured, measure } from './measure.ts';
import { noteLeavers } from './members-store.ts';
import type { ExperimentPorts } from './ports.ts';
import { sharesOf } from './posterior.ts';
import {
  activeExperiments,
  appendEvents,
  claimVersion,
  type ExperimentRow,
  insertLook,
  newestLookMs,
  releaseLeases,
  takeLease,
  writeExperiment,
} from './store.ts';

export interface Runner {
  /** Looks at every running experiment once. */
  pass(): Promise<void>;
  wake(): void;
  start(): void;
  close(): Promise<void>;
}

/**
 * Carries experiments on. Everything stands in rows: it may end at any point, another one goes on from there. What is decided on a row that
 * somebody changes meanwhile is thrown away, by its version.
 */
export function createRunner(ports: ExperimentPorts): Runner {
  const { db, clock, log, events, desiredStates } = ports;
  const owner = ports.ids.next();
  let passing: Promise<void> = Promise.resolve();
  let interval: NodeJS.Timeout | undefined;
  let isClosed = false;
  let waiting = 0;

  const announce = ({ id, name }: ExperimentRow, detail: Record<string, unknown> = {}): void =>
    events.publish({ type: 'experiment', id, atMs: clock.nowMs(), detail: { name, ...detail } });
  const renew = (id: string): Promise<ExperimentRow | undefined> => takeLease(db, id, owner, clock.nowMs(), LEASE_MS);

  const keepDevices = async (row: ExperimentRow): Promise<void> => {
    const nowMs = clock.nowMs();
    const left = await db.transaction(async (tx) => {
      const gone = await noteLeavers(tx, row.id, nowMs);
      if (gone > 0)
        await appendEvents(tx, row.id, nowMs, [
          { kind: 'left', actor: 'fleet', text: `${gone} devices take part no more`, detail: { devices: gone } },
        ]);
      return gone;
    });
    const joined =
      row.state !== 'running' ? [] : await joinDevices(row, await ports.matching(row.spec.selector), JOINS_PER_PASS_MAXIMUM, ports);
    if (left > 0 || (joined?.length ?? 0) > 0) announce(row);
  };
  const keepResult = async (row: ExperimentRow, measured: Measured): Promise<void> => {
    const { arms, sampleRatio, look } = measured;
    const everyMs = Math.max(MEASURE_INTERVAL_MS, (look.atMs - (row.startedAtMs ?? look.atMs)) * LOOK_GROWTH);
    const newest = await newestLookMs(db, row.id);
    if (newest === null || look.atMs - newest >= everyMs) await insertLook(db, row.id, look);
    await writeExperiment(db, row.id, { result: { arms, sampleRatio }, measuredAtMs: look.atMs });
  };
  const moveShares = async (row: ExperimentRow, shares: readonly number[], text: string): Promise<void> => {
    const nowMs = clock.nowMs();
    const devices = await db.transaction(async (tx) => {
      if (!(await claimVersion(tx, row))) return [];
      await writeExperiment(tx, row.id, { shares: [...shares], sharesAtMs: nowMs });
      await appendEvents(tx, row.id, nowMs, [{ kind: 'shares', actor: 'fleet', text, detail: { shares } }]);
      const given = row.state === 'running' ? await shareExperiment(tx, row.id, shares.slice(1)) : [];
      await ports.follow(tx, given);
      return given;
    });
    desiredStates.announce(devices);
    announce(row);
  };
  const carryOut = async (row: ExperimentRow, decision: Exclude<Decision, { do: 'go-on' }>): Promise<void> => {
    const change: Change = { move: decision.do, actor: 'fleet', nowMs: clock.nowMs(), text: decision.reason };
    if (decision.do !== 'pause') {
      const releases = [row.champion, ...row.challengers.map(({ release }) => release)];
      change.winner = decision.winner === null ? null : (releases[decision.winner] ?? null);
    }
    const done = await db.transaction(async (tx) => {
      if (!(await claimVersion(tx, row))) return undefined;
      const applied = await applyChange(tx, row, change);
      await ports.follow(tx, applied.devices);
      return applied;
    });
    if (done === undefined) return;
    desiredStates.announce(done.devices);
    announce(row, { state: done.state });
  };
  const think = async (row: ExperimentRow, measured: Measured): Promise<void> => {
    const { arms, sampleRatio } = measured;
    const known = { spec: row.spec, nowMs: clock.nowMs(), startedAtMs: row.startedAtMs ?? 0, arms, sampleRatio };
    const decision = decide({ ...known, isMismatchAccepted: row.isMismatchAccepted, isPaused: row.state === 'paused' });
    if (decision.do !== 'go-on') return carryOut(row, decision);
    if (row.state !== 'running') return;
    const shares = nextShares(row, measured, clock.nowMs());
    if (shares !== undefined) return moveShares(row, shares.shares, shares.text);
    const reason = sentenceOf(arms);
    if (reason === row.reason) return;
    await writeExperiment(db, row.id, { reason });
    announce(row);
  };
  const look = async (id: string): Promise<void> => {
    const row = await renew(id);
    if (row === undefined) return;
    await keepDevices(row);
    const current = await renew(id);
    if (current === undefined || clock.nowMs() - (current.measuredAtMs ?? 0) < MEASURE_INTERVAL_MS) return;
    const measured = await measure(current, ports, clock.nowMs());
    await keepResult(current, measured);
    await think(current, measured);
  };
  const passOnce = async (): Promise<void> => {
    for (const { id } of await activeExperiments(db)) {
      if (isClosed) return;
      await look(id).catch((error: unknown) =>
        log.warn({ experiment: id, error: messageOf(error) }, 'an experiment was not carried on; the next pass tries again'),
      );
    }
  };
  const pass = (): Promise<void> => {
    waiting += 1;
    passing = passing
      .then(() => (isClosed ? undefined : passOnce()))
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'experiments were not looked at'))
      .finally(() => {
        waiting -= 1;
      });
    return passing;
  };
  return {
    pass,
    wake() {
      if (interval !== undefined && waiting < 2) void pass();
    },
    start() {
      interval = setInterval(() => {
        // One that takes longer than that is not chased by others.
        if (waiting === 0) void pass();
      }, PASS_INTERVAL_MS);
      void pass();
    },
    async close() {
      isClosed = true;
      clearInterval(interval);
      interval = undefined;
      await passing;
      await releaseLeases(db, owner).catch(() => undefined);
    },
  };
}

/** Shares that should be others: of a bandit by what came back, of any by what is surely worse. Undefined while they may stay. */
export function nextShares(
  row: Pick<ExperimentRow, 'spec' | 'shares' | 'sharesAtMs'>,
  { arms, figures }: Pick<Measured, 'arms' | 'figures'>,
  nowMs: number,
): { shares: number[]; text: string } | undefined {
  const dropped = new Set(droppedArms({ spec: row.spec, arms }));
  const isDropped = (arm: number): boolean => dropped.has(arm) || (arm > 0 && (row.shares[arm] ?? 0) === 0);
  const newly = [...dropped].filter((arm) => (row.shares[arm] ?? 0) > 0);
  const { floor, update, minimumOutcomes } = banditOf(row.spec);
  const isDue =
    row.spec.mode === 'bandit' &&
    nowMs - row.sharesAtMs >= durationMs(update) &&
    figures.every(({ rewards }) => rewards.count >= minimumOutcomes);
  if (!isDue && newly.length === 0) return undefined;
  const text =
    newly.length > 0 ? `${newly.map((arm) => arms[arm]?.name).join(', ')} gets nothing more: it is surely worse` : 'by what came back';
  const wanted =
    row.spec.mode === 'bandit' ? banditShares(row, arms, isDropped, floor) : row.shares.map((share, arm) => (isDropped(arm) ? 0 : share));
  // What nobody gets is the champion's.
  const shares = row.spec.mode === 'split' ? [1 - wanted.slice(1).reduce((sum, share) => sum + share, 0), ...wanted.slice(1)] : wanted;
  const moved = shares.some((share, arm) => Math.abs(share - (row.shares[arm] ?? 0)) >= SHARE_STEP);
  return moved ? { shares, text } : undefined;
}

function banditShares(
  row: Pick<ExperimentRow, 'shares'>,
  arms: Measured['arms'],
  isDropped: (arm: number) => boolean,
  floor: number,
): number[] {
  const kept = arms.map((arm, index) => ({ index, chance: arm.probabilityBest })).filter(({ index }) => !isDropped(index));
  if (kept.some(({ chance }) => chance === null)) return row.shares.map((share, arm) => (isDropped(arm) ? 0 : share));
  const total = kept.reduce((sum, { chance }) => sum + (chance ?? 0), 0);
  const shares = sharesOf(
    kept.map(({ chance }) => (total === 0 ? 1 / kept.length : (chance ?? 0) / total)),
    floor,
  );
  return arms.map((_, arm) => shares[kept.findIndex(({ index }) => index === arm)] ?? 0);
}

/** What is known of all challengers, in a sentence. */
function sentenceOf(arms: Measured['arms']): string {
  return arms
    .slice(1)
    .map(({ name, reason }) => `${name}: ${reason}`)
    .join('; ')
    .slice(0, 2000);
}
