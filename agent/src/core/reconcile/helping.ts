import {
  type Assignment,
  type Help,
  installRetryMs,
  messageOf,
  type Problem,
  type ReportedHelp,
  type ReportedState,
  StarlingError,
} from '@starling/shared';
import type { Reload } from '../ports/runtime-host.ts';
import { type Beside, type BesidePorts, installBeside, leaveBeside, supersededBy } from './install-beside.ts';
import { isLoadOf, runsTheSame } from './plan.ts';
import { isRetryable, problemOf, selfTestFailed } from './problems.ts';
import type { ReconcilePorts, Target } from './reconciler.ts';

/**
 * Releases of which a device runs parts for others beside its own: those of homes that a rollout has moved already, or has not moved yet.
 * What it holds of a release outlives that the device itself goes on to another one, so that no item finds it gone.
 */
export interface Helping {
  setTarget(helps: readonly Help[], settings: Pick<Target, 'assignment' | 'profile' | 'telemetryWindowMs'>): void;
  /** Where the release of the device stands: others come and go when that is settled. */
  ownIs(state: ReportedState): void;
  online(): void;
  /** @returns those that are none of its own */
  hostReloaded(releases: readonly Reload[]): Reload[];
  /** The reconciler is done with this load. @returns whether it is needed here, and stays */
  takesOver(key: string): boolean;
  /** Undefined while there are none. */
  reported(): ReportedState['helps'];
  close(): Promise<void>;
}

export type HelpingPorts = BesidePorts & Pick<ReconcilePorts, 'clock' | 'log' | 'onEvent'> & { onChange(): void };

interface Helped extends Beside {
  wanted: Assignment;
  state: ReportedHelp['state'];
  problem?: Problem | undefined;
  attempts: number;
  /** Loads that the device itself had of it. */
  inherited: Set<string>;
}

export function createHelping(ports: HelpingPorts): Helping {
  const { clock, log, host, reconciler } = ports;
  let settings: Parameters<Helping['setTarget']>[1] = { assignment: null, profile: undefined, telemetryWindowMs: 0 };
  let helped: Helped[] = [];
  const leaving: Helped[] = [];
  let isSettled = false;
  let abort = new AbortController();
  let cancelRetry = (): void => undefined;
  let isClosed = false;
  let working: Promise<void> = Promise.resolve();

  const leave = async (each: Helped): Promise<void> => {
    await leaveBeside(each, ports);
    await drop(each.inherited);
  };
  const drop = async (keys: Set<string>): Promise<void> => {
    for (const key of keys) if (!reconciler.holds(key)) await host.unload(key).catch(() => undefined);
    keys.clear();
  };
  const bring = async (each: Helped, signal: AbortSignal): Promise<void> => {
    // What was wrong is told until it is right: whoever asks between two tries would not learn of it.
    Object.assign(each, { state: 'pulling' });
    ports.onChange();
    try {
      await installBeside(each, each.wanted, { ...ports, signal, others: helped, settings });
      signal.throwIfAborted();
      each.inherited.delete(each.key ?? '');
      await drop(each.inherited);
      Object.assign(each, { state: 'running', attempts: 0, problem: undefined });
      const { release, places } = each.wanted;
      ports.onEvent('info', 'helps', `runs parts of another release for others: ${places?.join(', ')}`, { release });
    } catch (error) {
      if (signal.aborted) {
        each.state = 'waiting';
        throw error;
      }
      failed(each, error);
    }
    ports.onChange();
  };
  const failed = (each: Helped, error: unknown): void => {
    each.attempts += 1;
    const problem = problemOf(error);
    // After so many tries it waits for the next session with the fleet.
    const delayMs = isRetryable(error) ? installRetryMs(each.attempts) : undefined;
    Object.assign(each, { state: delayMs === undefined ? 'failed' : 'waiting', problem });
    ports.onEvent('warning', 'help-failed', `parts of another release do not run here: ${problem.message}`, {
      ...{ release: each.wanted.release, code: problem.code },
    });
    if (delayMs !== undefined) cancelRetry = clock.after(delayMs, start);
  };
  const settle = async (): Promise<void> => {
    if (!isSettled) return;
    for (const each of leaving.splice(0)) await leave(each);
    const { signal } = abort;
    for (const each of helped) {
      if (signal.aborted || isClosed) return;
      if (each.state === 'waiting') await bring(each, signal);
    }
  };
  const start = (): void => {
    cancelRetry();
    working = working.then(settle).catch((error: unknown) => log.debug('helping was put off', { reason: messageOf(error) }));
  };
  const byKey = (key: string): Helped | undefined => helped.find((each) => each.key === key);
  return {
    setTarget(helps, next) {
      settings = next;
      const wanted = helps.map(({ release, artefacts, places, fallbacks }): Assignment => {
        return { release, artefacts, places, ...(fallbacks === undefined ? {} : { fallbacks }) };
      });
      const isGone = (each: Helped): boolean => !wanted.some((one) => runsTheSame(one, each.wanted));
      if (helped.some(isGone) || wanted.length !== helped.length) abort = supersededBy(abort);
      leaving.push(...helped.filter(isGone));
      helped = wanted.map(
        (one) =>
          helped.find((each) => runsTheSame(one, each.wanted)) ?? {
            ...{ wanted: one, state: 'waiting', digests: new Set(), attempts: 0, inherited: new Set() },
          },
      );
      // What goes stays until the device has what it is to run itself: that may be the same.
      isSettled = false;
    },
    ownIs({ phase, running }) {
      const { assignment } = settings;
      const isReady = phase === 'running' && running?.verified === true && running.release === assignment?.release;
      const wasSettled = isSettled;
      isSettled = isReady || phase === 'failed' || (phase === 'idle' && assignment === null);
      if (isSettled && !wasSettled) start();
    },
    online() {
      for (const each of helped) {
        each.attempts = 0;
        if (each.state === 'failed') each.state = 'waiting';
      }
      if (helped.some(({ state }) => state === 'waiting')) start();
    },
    hostReloaded(releases) {
      for (const reload of releases) {
        const each = byKey(reload.key);
        if (each === undefined || ('report' in reload && reload.report.passed)) continue;
        each.key = undefined;
        failed(each, 'report' in reload ? selfTestFailed(reload.report) : reload.error);
        ports.onChange();
      }
      return releases.filter(({ key }) => byKey(key) === undefined || reconciler.holds(key));
    },
    takesOver(key) {
      const each = helped.find(({ wanted }) => isLoadOf(key, wanted));
      if (each !== undefined && each.key !== key) each.inherited.add(key);
      return each !== undefined;
    },
    reported() {
      if (helped.length === 0) return undefined;
      return helped.map(({ wanted: { release }, state, problem }) => ({ release, state, ...(problem === undefined ? {} : { problem }) }));
    },
    async close() {
      isClosed = true;
      cancelRetry();
      abort.abort(new StarlingError('closing', 'the agent stops'));
      await working;
    },
  };
}
