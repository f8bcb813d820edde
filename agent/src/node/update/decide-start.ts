import type { InstalledBuild, UpdateState } from './state.ts';

/** What a start of the program leads to. */
export type Start =
  /** This very program runs. */
  | { kind: 'run' }
  /** Another build takes its place. */
  | { kind: 'hand-over'; build: InstalledBuild }
  /** A build is on trial: this program watches over it. */
  | { kind: 'watch'; trial: NonNullable<UpdateState['trial']> };

/** Starts of a build without it having been well, before the one that was installed by hand takes its place. */
export const STARTS_MAXIMUM = 10;
/** The same of a build on trial, before it has failed. */
export const ATTEMPTS_MAXIMUM = 3;

/**
 * Which agent runs. Pure: every state that a power cut can leave has an answer, and each leads to an agent that works.
 * @param running the build that asks; undefined for the one that was installed by hand
 */
export function decideStart(state: UpdateState, running: string | undefined, isOnTrial: boolean): { start: Start; state: UpdateState } {
  const { current, trial } = state;
  if (trial !== null) return isOnTrial && running === trial.version ? { start: { kind: 'run' }, state } : watch(state, trial);
  if (current === null || current.version === running) return { start: { kind: 'run' }, state };
  if (state.starts < STARTS_MAXIMUM) return { start: { kind: 'hand-over', build: current }, state: { ...state, starts: state.starts + 1 } };
  const failure = `it was started ${state.starts} times and was never well`;
  const last = { command: state.last?.command ?? '', version: current.version, before: null, failure };
  return { start: { kind: 'run' }, state: { current: null, starts: 0, trial: null, last } };
}

function watch(state: UpdateState, trial: NonNullable<UpdateState['trial']>): { start: Start; state: UpdateState } {
  if (trial.attempts < ATTEMPTS_MAXIMUM) {
    const next = { ...trial, attempts: trial.attempts + 1 };
    return { start: { kind: 'watch', trial: next }, state: { ...state, trial: next } };
  }
  const after = failed(state, `it was started ${trial.attempts} times and was never well`);
  return { start: after.current === null ? { kind: 'run' } : { kind: 'hand-over', build: after.current }, state: after };
}

/** The build on trial has not proved itself. */
export function failed(state: UpdateState, failure: string): UpdateState {
  const { trial, current } = state;
  if (trial === null) return state;
  return { ...state, trial: null, last: { command: trial.command, version: trial.version, before: current?.version ?? null, failure } };
}

/** The build on trial has proved itself. */
export function proved(state: UpdateState): UpdateState {
  const { trial, current } = state;
  if (trial === null) return state;
  const { command, version, issuedAtMs, folder } = trial;
  const last = { command, version, before: current?.version ?? null, failure: null };
  return { current: { version, issuedAtMs, folder }, starts: 0, trial: null, last };
}
