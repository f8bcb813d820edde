import { type RolloutState, rolloutStateSchema, StarlingError, type TargetState, targetStateSchema } from '@starling/shared';

/**
 * The two machines of a rollout, as complete tables (SPEC.md draws them). Nothing here reads a clock or a row: what happens is decided in
 * `advance.ts`, and the store moves rows only from the states from which an event leads on.
 */
export const rolloutEvents = ['begin', 'pause', 'resume', 'step', 'finish-steps', 'close', 'abort', 'stop', 'rollback', 'drained'] as const;
export type RolloutMachineEvent = (typeof rolloutEvents)[number];

/** `back`: to the state that was paused. `null`: refused. */
type Next = RolloutState | 'back' | null;

export const rolloutTable: Readonly<Record<RolloutState, Readonly<Record<RolloutMachineEvent, Next>>>> = {
  scheduled: {
    ...{ begin: 'running', pause: 'paused', resume: null, step: null, 'finish-steps': null, close: null },
    ...{ abort: 'aborting', stop: 'stopping', rollback: 'rolling-back', drained: null },
  },
  running: {
    ...{ begin: null, pause: 'paused', resume: null, step: 'running', 'finish-steps': 'following', close: null },
    ...{ abort: 'aborting', stop: 'stopping', rollback: 'rolling-back', drained: null },
  },
  paused: {
    ...{ begin: null, pause: null, resume: 'back', step: 'running', 'finish-steps': 'following', close: null },
    ...{ abort: 'aborting', stop: 'stopping', rollback: 'rolling-back', drained: null },
  },
  following: {
    ...{ begin: null, pause: 'paused', resume: null, step: null, 'finish-steps': null, close: 'succeeded' },
    ...{ abort: 'aborting', stop: 'stopping', rollback: 'rolling-back', drained: null },
  },
  aborting: {
    ...{ begin: null, pause: null, resume: null, step: null, 'finish-steps': null, close: null },
    ...{ abort: null, stop: 'stopping', rollback: 'rolling-back', drained: 'aborted' },
  },
  stopping: {
    ...{ begin: null, pause: null, resume: null, step: null, 'finish-steps': null, close: null },
    ...{ abort: null, stop: null, rollback: 'rolling-back', drained: 'stopped' },
  },
  'rolling-back': {
    ...{ begin: null, pause: null, resume: null, step: null, 'finish-steps': null, close: null },
    ...{ abort: null, stop: null, rollback: null, drained: 'rolled-back' },
  },
  // What is over can still be taken back: nobody finds every fault on the first day.
  succeeded: over('rolling-back'),
  aborted: over('rolling-back'),
  stopped: over('rolling-back'),
  'rolled-back': over(null),
};

function over(rollback: Next): Readonly<Record<RolloutMachineEvent, Next>> {
  return {
    ...{ begin: null, pause: null, resume: null, step: null, 'finish-steps': null, close: null },
    ...{ abort: null, stop: null, rollback, drained: null },
  };
}

export const targetEvents = [
  'assign',
  'verify',
  'fail',
  'time-out',
  'retry',
  'skip',
  'supersede',
  'cancel',
  'return',
  'confirm',
  'give-up',
] as const;
export type TargetEvent = (typeof targetEvents)[number];

const settled = {
  ...{ assign: null, verify: null, fail: null, 'time-out': null, retry: null, skip: null },
  ...{ cancel: null, confirm: null, 'give-up': null },
} as const;

export const targetTable: Readonly<Record<TargetState, Readonly<Record<TargetEvent, TargetState | null>>>> = {
  waiting: {
    // Nothing was sent yet, and somebody that it depends on was not ready in time.
    ...{ assign: 'assigned', verify: null, fail: 'failed', 'time-out': null, retry: null, skip: 'skipped', supersede: 'superseded' },
    ...{ cancel: 'cancelled', return: null, confirm: null, 'give-up': null },
  },
  assigned: {
    ...{ assign: null, verify: 'succeeded', fail: 'failed', 'time-out': 'timed-out', retry: 'waiting', skip: null },
    ...{ supersede: 'superseded', cancel: null, return: 'returning', confirm: null, 'give-up': null },
  },
  // Somebody else has it since: there is nothing of ours to take back.
  succeeded: { ...settled, return: 'returning', supersede: 'superseded' },
  failed: { ...settled, return: 'returning', supersede: 'superseded' },
  'timed-out': { ...settled, return: 'returning', supersede: 'superseded' },
  returning: {
    ...{ assign: null, verify: null, fail: null, 'time-out': null, retry: null, skip: null, supersede: 'superseded' },
    ...{ cancel: null, return: null, confirm: 'returned', 'give-up': 'unconfirmed' },
  },
  returned: { ...settled, return: null, supersede: null },
  unconfirmed: { ...settled, return: null, supersede: null },
  skipped: { ...settled, return: null, supersede: null },
  unchanged: { ...settled, return: null, supersede: null },
  superseded: { ...settled, return: null, supersede: null },
  cancelled: { ...settled, return: null, supersede: null },
};

/** States from which an event leads on: what a statement may move. */
export function statesBefore(event: TargetEvent): TargetState[] {
  return targetStateSchema.options.filter((state) => targetTable[state][event] !== null);
}

/** @throws StarlingError `not-possible` if nothing happens there */
export function nextTarget(state: TargetState, event: TargetEvent): TargetState {
  const next = targetTable[state][event];
  if (next === null) throw new StarlingError('not-possible', `${event} means nothing to a target that is ${state}`);
  return next;
}

export function nextRollout(state: RolloutState, event: RolloutMachineEvent, pausedFrom: RolloutState | null): RolloutState | null {
  const next = rolloutTable[state][event];
  return next === 'back' ? (pausedFrom ?? 'running') : next;
}

/** Rollouts that are over: nothing of theirs is under way. */
export function isOver(state: RolloutState): boolean {
  return rolloutTable[state].abort === null && rolloutTable[state].drained === null;
}

/** Rollouts that the runner looks after. */
export const openStates: readonly RolloutState[] = rolloutStateSchema.options.filter((state) => !isOver(state));

/** Targets that have not ended. */
export const openTargets: readonly TargetState[] = ['waiting', 'assigned', 'returning'];
export const inFlightTargets: readonly TargetState[] = ['assigned', 'returning'];
/** Targets of which one knows how it went. */
export const executedTargets: readonly TargetState[] = ['succeeded', 'failed', 'timed-out'];
/** Targets that a rollout is about: the others never were, or are somebody else's. */
export const countedTargets: readonly TargetState[] = targetStateSchema.options.filter(
  (state) => state !== 'unchanged' && state !== 'skipped' && state !== 'superseded',
);
