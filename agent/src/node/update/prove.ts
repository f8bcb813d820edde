import process from 'node:process';
import type { AgentStatus } from '../../core/index.ts';
import type { Trial } from '../config.ts';
import { readUpdateState, sayHealthy, writeUpdateState } from './state.ts';

const LOOK_MS = 1000;

/** Well: connected to the fleet, and where a release ran under the agent of before, one runs now and has passed its tests. */
export function isWell({ link, reported }: Pick<AgentStatus, 'link' | 'reported'>, hasRelease: boolean): boolean {
  return link === 'online' && reported.phase !== 'failed' && (!hasRelease || reported.running?.verified === true);
}

/**
 * Watches how a build does: on trial it says so when it was well for the whole probation; later, its starts are counted no longer.
 * @returns a function that ends it
 */
export async function proveItself(
  directory: string,
  version: string | undefined,
  options: { trial: Trial | undefined; probationMs: number; status: () => Pick<AgentStatus, 'link' | 'reported'> },
): Promise<() => void> {
  if (version === undefined) return () => undefined;
  const { trial, probationMs, status } = options;
  const hasRelease = trial !== undefined && (await readUpdateState(directory)).trial?.hasRelease === true;
  let wellSinceMs: number | undefined;
  let isSaid = false;
  const timer = setInterval(() => {
    requireWatched(trial);
    if (!isWell(status(), hasRelease)) wellSinceMs = undefined;
    else wellSinceMs ??= performance.now();
    if (isSaid || wellSinceMs === undefined || performance.now() - wellSinceMs < probationMs) return;
    isSaid = true;
    if (trial === undefined) void forgetStarts(directory);
    else void sayHealthy(directory, trial.mark);
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Ends a build on trial that nobody watches any more: another one starts it anew, and both cannot have the data directory. */
export function requireWatched(trial: Trial | undefined): void {
  if (trial !== undefined && process.ppid !== trial.parent) process.exit(1);
}

async function forgetStarts(directory: string): Promise<void> {
  const state = await readUpdateState(directory);
  if (state.starts > 0) await writeUpdateState(directory, { ...state, starts: 0 });
}
