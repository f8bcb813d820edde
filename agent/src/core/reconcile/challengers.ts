import {
  type Assignment,
  type ExperimentAssignment,
  installRetryMs,
  isStarlingError,
  jsonDecode,
  jsonEncode,
  messageOf,
  type Problem,
  problemSchema,
  type ReportedArm,
  type ReportedState,
  StarlingError,
} from '@starling/shared';
import { z } from 'zod';
import type { FileStore } from '../ports/file-store.ts';
import type { HostExperiment, Reload } from '../ports/runtime-host.ts';
import { type Beside, type BesidePorts, installBeside, leaveBeside, supersededBy } from './install-beside.ts';
import { isRetryable, problemOf, selfTestFailed } from './problems.ts';
import type { ReconcilePorts, Target } from './reconciler.ts';

/** Releases that run beside the one that the device is to run, in an experiment. */
export interface Challengers {
  setTarget(experiment: ExperimentAssignment | undefined, target: Pick<Target, 'assignment' | 'profile' | 'telemetryWindowMs'>): void;
  /** Where the champion stands now: challengers come once it runs, and go once something else does. */
  championIs(state: ReportedState): void;
  online(): void;
  /** @param arms load keys of those that had work under way */
  hostCrashed(reason: string, arms: readonly string[]): void;
  failing(key: string, code: string): void;
  /** @returns those that are none of its own */
  hostReloaded(releases: readonly Reload[]): Reload[];
  reported(): ReportedState['experiment'];
  close(): Promise<void>;
}

export type ChallengerPorts = BesidePorts &
  Pick<ReconcilePorts, 'clock' | 'log' | 'onEvent'> & {
    files: FileStore;
    onChange(): void;
  };

interface Challenger extends Beside {
  wanted: ExperimentAssignment['arms'][number];
  state: ReportedArm['state'];
  problem?: Problem | undefined;
  attempts: number;
}

/** What was switched off here stays off for the rest of its experiment, whatever starts again. */
const offSchema = z.object({ id: z.string(), off: z.record(z.string(), problemSchema) });
const FILE = 'experiment-off';
/** Beside the load key: its sinks are closed, so it is not what the device would run. */
const SHADOW = '~shadow';

export function createChallengers(ports: ChallengerPorts): Challengers {
  const { host, clock, log, reconciler } = ports;
  let experiment: ExperimentAssignment | undefined;
  let target: Parameters<Challengers['setTarget']>[1] = { assignment: null, profile: undefined, telemetryWindowMs: 0 };
  let challengers: Challenger[] = [];
  const leaving: Challenger[] = [];
  let isReady = false;
  /** The device has what it is to run, or has given up. */
  let isSettled = false;
  let abort = new AbortController();
  let cancelRetry = (): void => undefined;
  let isClosed = false;
  /** The newest plan of which the host was told. */
  let told = 'null';
  let working: Promise<void> = Promise.resolve();
  const off = openOff(ports);

  const planOf = (): HostExperiment | null => {
    if (experiment === undefined || !isReady) return null;
    const arms = challengers.map(({ wanted: { release, share }, state, key }) => ({
      ...{ release, share, key: state === 'running' ? (key ?? null) : null },
    }));
    const { id, mode, key, shadow } = experiment;
    // Nothing goes to any of them, as in a pause: what the champion does then belongs to no experiment.
    return arms.every((arm) => arm.key === null || arm.share === 0)
      ? null
      : { id, mode, key, arms, ...(shadow === undefined ? {} : { shadow }) };
  };
  const tellHost = async (): Promise<void> => {
    const plan = planOf();
    // Most devices take part in nothing, ever: their host is not asked.
    if (JSON.stringify(plan) === told) return;
    told = JSON.stringify(plan);
    await host.experiment(plan).catch((error: unknown) => log.warn('the arms were not set', { reason: messageOf(error) }));
  };
  /** At once, whatever else is under way: items must not go on to it. */
  const switchOff = (each: Challenger, problem: Problem): void => {
    if (each.state === 'off' || experiment === undefined) return;
    Object.assign(each, { state: 'off', problem });
    const { id } = experiment;
    const { release } = each.wanted;
    ports.onEvent('warning', 'challenger-off', `a challenger runs no more on this device: ${problem.message}`, {
      ...{ experiment: id, release, code: problem.code },
    });
    ports.onChange();
    const told = Promise.all([tellHost(), off.add(id, release, problem)]);
    working = working.then(() => told).then(() => leaveBeside(each, ports));
  };
  /** One after the other: a device has one memory and one link. */
  const bring = async (each: Challenger, signal: AbortSignal): Promise<void> => {
    const known = await off.find(experiment?.id ?? '', each.wanted.release);
    if (known !== undefined) {
      Object.assign(each, { state: 'off', problem: known });
      return;
    }
    try {
      each.state = 'pulling';
      ports.onChange();
      const { release, artefacts, fallbacks } = each.wanted;
      const wanted: Assignment = { release, artefacts, ...(fallbacks === undefined ? {} : { fallbacks }) };
      const shadow = experiment?.mode === 'shadow' ? SHADOW : undefined;
      await installBeside(each, wanted, { ...ports, signal, others: challengers, settings: target, shadow });
      signal.throwIfAborted();
      Object.assign(each, { state: 'running', problem: undefined });
      ports.onEvent('info', 'challenger-runs', 'a challenger runs beside the release: its self-test has passed', {
        ...{ experiment: experiment?.id, release: each.wanted.release },
      });
    } catch (error) {
      if (signal.aborted) throw error;
      failed(each, error);
    }
    ports.onChange();
  };
  const failed = (each: Challenger, error: unknown): void => {
    each.attempts += 1;
    if (!isRetryable(error)) {
      switchOff(each, problemOf(error));
      return;
    }
    Object.assign(each, { state: 'waiting', problem: problemOf(error) });
    // After so many tries it waits for the next session with the fleet.
    const delayMs = installRetryMs(each.attempts);
    if (delayMs !== undefined) cancelRetry = clock.after(delayMs, start);
  };
  const settle = async (): Promise<void> => {
    if (isSettled) for (const each of leaving.splice(0)) await leaveBeside(each, ports);
    const { signal } = abort;
    for (const each of challengers) {
      if (signal.aborted || !isReady || isClosed) return;
      if (each.state === 'waiting') await bring(each, signal);
    }
    if (!signal.aborted) await tellHost();
  };
  const start = (): void => {
    cancelRetry();
    working = working.then(settle).catch((error: unknown) => log.debug('challengers were put off', { reason: messageOf(error) }));
  };
  const byKey = (key: string): Challenger | undefined => challengers.find((each) => each.key === key);
  return {
    setTarget(next, settings) {
      const isSame = next !== undefined && sameArms(next, experiment) && target.assignment?.release === settings.assignment?.release;
      target = settings;
      experiment = next;
      if (isSame) {
        for (const [index, each] of challengers.entries()) each.wanted = next.arms[index] ?? each.wanted;
        working = working.then(tellHost);
        return;
      }
      abort = supersededBy(abort);
      // What they hold is given up once the device has what it is to run: that may be one of them.
      leaving.push(...challengers);
      challengers = (next?.arms ?? []).map((wanted) => ({ wanted, state: 'waiting', digests: new Set(), attempts: 0 }));
      isReady = false;
      isSettled = false;
      working = working.then(tellHost);
    },
    championIs({ phase, running }) {
      const wasReady = isReady;
      isReady = phase === 'running' && running?.verified === true && running.release === target.assignment?.release;
      isSettled = isReady || phase === 'failed' || (phase === 'idle' && target.assignment === null);
      if (isReady !== wasReady || (isSettled && leaving.length > 0)) start();
    },
    online() {
      for (const each of challengers) each.attempts = 0;
      if (challengers.some(({ state }) => state === 'waiting')) start();
    },
    hostCrashed(reason, arms) {
      // Copies run when their item has its answer: what was under way cannot be told, and the items come first.
      const isSuspect = ({ key }: Challenger): boolean => key !== undefined && (experiment?.mode === 'shadow' || arms.includes(key));
      const problem = { code: 'host-crashed', message: `the runtime host ended while it worked: ${reason}` };
      for (const each of challengers.filter(isSuspect)) switchOff(each, problem);
    },
    failing(key, code) {
      const each = byKey(key);
      if (each === undefined) return;
      const problem = { code: 'challenger-fails', message: `most of its items fail (${code}), and those of the champion do not` };
      switchOff(each, problem);
    },
    hostReloaded(releases) {
      for (const reload of releases) {
        const each = byKey(reload.key);
        if (each === undefined || ('report' in reload && reload.report.passed)) continue;
        const problem = 'report' in reload ? problemOf(selfTestFailed(reload.report)) : problemOf(reload.error);
        switchOff(each, problem);
      }
      return releases.filter(({ key }) => byKey(key) === undefined || reconciler.holds(key));
    },
    reported() {
      if (experiment === undefined) return undefined;
      const arms = challengers.map(({ wanted: { release }, state, problem }) => ({
        ...{ release, state, ...(problem === undefined ? {} : { problem }) },
      }));
      return { id: experiment.id, arms };
    },
    async close() {
      isClosed = true;
      cancelRetry();
      abort.abort(new StarlingError('closing', 'the agent stops'));
      await working;
    },
  };
}

function sameArms(one: ExperimentAssignment, other: ExperimentAssignment | undefined): boolean {
  const named = ({ id, mode, arms }: ExperimentAssignment) =>
    JSON.stringify([id, mode, arms.map(({ release, artefacts, fallbacks }) => [release, artefacts, fallbacks])]);
  return other !== undefined && named(one) === named(other);
}

/** What was switched off, on the disk. */
function openOff({ files, log }: Pick<ChallengerPorts, 'files' | 'log'>) {
  const read = async (id: string): Promise<z.infer<typeof offSchema>> => {
    const bytes = await files.read(FILE).catch(() => undefined);
    try {
      const known = bytes === undefined ? undefined : jsonDecode(bytes, offSchema);
      return known?.id === id ? known : { id, off: {} };
    } catch (error) {
      if (!isStarlingError(error)) throw error;
      return { id, off: {} };
    }
  };
  return {
    find: async (id: string, release: string): Promise<Problem | undefined> => (await read(id)).off[release],
    async add(id: string, release: string, problem: Problem): Promise<void> {
      const known = await read(id);
      await files
        .write(FILE, jsonEncode({ id, off: { ...known.off, [release]: problem } }))
        .catch((error: unknown) => log.warn('that a challenger is off was not kept', { reason: messageOf(error) }));
    },
  };
}
