import {
  durationMs,
  type FailureAction,
  type RolloutSpec,
  type RolloutState,
  type RolloutWaiting,
  type TargetCounts,
} from '@starling/shared';
import { type PlannedStep, quotaOf } from './plan-waves.ts';

/** Everything that a decision rests on, read from rows at one moment. */
export interface RolloutFacts {
  state: RolloutState;
  spec: RolloutSpec;
  steps: readonly PlannedStep[];
  step: number;
  stepStartedAtMs: number;
  followedSinceMs: number | null;
  nowMs: number;
  counts: TargetCounts;
  /** Targets that it is about. */
  total: number;
  /** Those that were ever started. */
  started: number;
  /** Those that the present step started. */
  wave: TargetCounts;
  /** Those that the present step could still start; a step by label takes only those with the label. */
  eligible: number;
  /** Of them, those that can be reached, in a window or not. */
  reachable: number;
  /** Failures that a person has seen and gone on from. */
  acceptedFailures: number;
  /** Devices had time to come back since this fleet started. */
  graceOver: boolean;
  /** Final failures by kind and code. */
  failures: readonly { kind: string; code: string; devices: number }[];
  approvals: number;
  /** Of those who are asked before it begins: why it may not yet. */
  objection?: string | undefined;
  /** Of the present step, where it is an analysis. */
  judged?: Judged | undefined;
  /** Of the background analysis. */
  background?: Judged | undefined;
}

export interface Judged {
  verdict: 'successful' | 'failed' | 'inconclusive' | 'running';
  reason: string;
}

/** What to do next. The runner carries it out, and looks again. */
export type Decision =
  | { do: 'wait'; waiting: RolloutWaiting | null }
  | { do: 'begin' }
  | { do: 'admit'; quota: number; waiting: RolloutWaiting }
  | { do: 'step'; text: string }
  | { do: 'finish-steps'; text: string }
  | { do: 'close'; text: string }
  | { do: 'pause'; waiting: RolloutWaiting }
  | { do: 'fail'; action: FailureAction; reason: string }
  | { do: 'drained' };

/** What a rollout does next. Pure: time comes in with the facts. */
export function advance(facts: RolloutFacts): Decision {
  return deciders[facts.state](facts);
}

const idle = (): Decision => ({ do: 'wait', waiting: null });

/** One for each state: a missing one does not compile. */
const deciders: Readonly<Record<RolloutState, (facts: RolloutFacts) => Decision>> = {
  scheduled: ({ spec: { startAt }, nowMs, objection }) => {
    const startMs = startOf(startAt);
    if (nowMs >= startMs)
      return objection === undefined ? { do: 'begin' } : { do: 'wait', waiting: { kind: 'confirmation', text: objection } };
    return { do: 'wait', waiting: { kind: 'start', text: `starts at ${new Date(startMs).toISOString()}`, untilMs: startMs } };
  },
  running: (facts) => failureOf(facts) ?? (facts.step >= facts.steps.length ? finished(facts) : ofStep(facts)),
  // A person looks at it, but what goes wrong meanwhile is not left running.
  paused: (facts) => {
    const failure = failureOf(facts);
    return failure?.do === 'fail' && failure.action !== 'pause' ? failure : { do: 'wait', waiting: null };
  },
  following: (facts) => failureOf(facts) ?? follow(facts),
  aborting: ({ counts }) => drainedIf(counts.assigned + counts.returning === 0),
  stopping: ({ counts }) => drainedIf(counts.assigned + counts.returning === 0),
  'rolling-back': ({ counts }) =>
    drainedIf(counts.assigned + counts.returning + counts.succeeded + counts.failed + counts['timed-out'] === 0),
  succeeded: idle,
  aborted: idle,
  stopped: idle,
  'rolled-back': idle,
};

/** When it may begin; 0: at once. */
export function startOf(startAt: string | undefined): number {
  return startAt === undefined ? 0 : Date.parse(startAt);
}

function drainedIf(isDrained: boolean): Decision {
  return isDrained ? { do: 'drained' } : { do: 'wait', waiting: { kind: 'devices', text: 'waits for the devices that are on their way' } };
}

/** A failure threshold that is crossed, or a background analysis that has failed. */
function failureOf({ spec, counts, failures, background, acceptedFailures }: RolloutFacts): Decision | undefined {
  const executed = counts.succeeded + counts.failed + counts['timed-out'];
  for (const { kind, percent, minimumExecuted, action } of spec.failureThresholds) {
    const failed = failures.filter((failure) => isOfKind(failure, kind)).reduce((sum, { devices }) => sum + devices, 0);
    if (failed === 0 || executed < minimumExecuted || (failed * 100) / executed < percent) continue;
    const does = action ?? spec.onFailure;
    if (does === 'pause' && counts.failed + counts['timed-out'] <= acceptedFailures) continue;
    const what = kind === 'any' ? 'failed' : `failed with ${kind}`;
    const reason = `${failed} of ${executed} devices ${what}: ${round((failed * 100) / executed)} %, the limit is ${percent} %${worst(failures)}`;
    return failing(does, reason, 'threshold');
  }
  if (background?.verdict === 'failed') return failing(spec.onFailure, `the analysis failed: ${background.reason}`, 'threshold');
  return undefined;
}

function failing(action: FailureAction, reason: string, kind: RolloutWaiting['kind']): Decision {
  return action === 'pause' ? { do: 'pause', waiting: { kind, text: reason } } : { do: 'fail', action, reason };
}

/** @param kind of the document: a class, or a code */
export function isOfKind(failure: { kind: string; code: string }, kind: string): boolean {
  return kind === 'any' || failure.kind === kind || failure.code === kind;
}

function worst(failures: readonly { code: string; devices: number }[]): string {
  const most = failures.toSorted((a, b) => b.devices - a.devices)[0];
  return most === undefined ? '' : `; most often ${most.code}`;
}

function ofStep(facts: RolloutFacts): Decision {
  const planned = facts.steps[facts.step] as PlannedStep;
  const { step } = planned;
  if ('pause' in step) return pausing(step.pause.for, facts);
  if ('approve' in step) {
    if (facts.approvals >= step.approve) return { do: 'step', text: `${facts.approvals} people have approved` };
    return admitting(facts, 0, { kind: 'approvals', text: `${facts.approvals} of ${step.approve} approvals` });
  }
  if ('analyse' in step) return analysing(durationMs(step.for), facts);
  return moving(facts, quotaOf(step, facts.total) ?? facts.started + facts.eligible);
}

function pausing(length: string | undefined, facts: RolloutFacts): Decision {
  if (length === undefined) return admitting(facts, 0, { kind: 'person', text: 'waits for a person to promote it' });
  const untilMs = facts.stepStartedAtMs + durationMs(length);
  if (facts.nowMs >= untilMs) return { do: 'step', text: `waited ${length}` };
  return admitting(facts, 0, { kind: 'time', text: `waits until ${new Date(untilMs).toISOString()}`, untilMs });
}

function analysing(lengthMs: number, facts: RolloutFacts): Decision {
  const { judged, spec } = facts;
  const untilMs = facts.stepStartedAtMs + lengthMs;
  if (judged?.verdict === 'successful') return { do: 'step', text: `the analysis succeeded: ${judged.reason}` };
  if (judged?.verdict === 'failed') return failing(spec.onFailure, `the analysis failed: ${judged.reason}`, 'threshold');
  if (facts.nowMs < untilMs)
    return admitting(facts, 0, { kind: 'analysis', text: judged?.reason ?? 'the analysis has not looked yet', untilMs });
  return { do: 'pause', waiting: { kind: 'inconclusive', text: `the analysis is not clear: ${judged?.reason ?? 'nothing was measured'}` } };
}

/** A step that starts devices, up to a number of all that were ever started. */
function moving(facts: RolloutFacts, quota: number): Decision {
  const { wave, spec, nowMs, stepStartedAtMs } = facts;
  const missing = Math.max(0, Math.min(quota - facts.started, facts.eligible));
  // Whoever is away is not waited for: it follows when it comes back. Somebody must have shown that the release runs, though.
  const executed = facts.counts.succeeded + facts.counts.failed + facts.counts['timed-out'];
  const exhausted = missing === 0 || (facts.reachable === 0 && facts.graceOver && executed > 0);
  const underWay = wave.assigned + wave.waiting;
  if (exhausted && underWay === 0) return judgeWave(facts);
  if (nowMs - stepStartedAtMs > durationMs(spec.stepTimeout)) {
    const text = `the step did not end within ${spec.stepTimeout}: ${underWay} on their way, ${missing} not started`;
    return { do: 'pause', waiting: { kind: 'step-timeout', text } };
  }
  const waiting: RolloutWaiting =
    underWay > 0
      ? { kind: 'devices', text: `${underWay} devices are on their way, ${missing} are to follow in this step` }
      : { kind: 'reachable', text: `${missing} devices are to be started, ${facts.reachable} can be reached` };
  return admitting(facts, missing, waiting);
}

/** Enough of the wave must run the release. Silence is no failure, and no success either: a person decides. */
function judgeWave({ wave, spec, steps, step }: RolloutFacts): Decision {
  const known = wave.succeeded + wave.failed;
  const ended = known + wave['timed-out'];
  const name = steps[step]?.name ?? '';
  if (ended === 0) return { do: 'step', text: `${name}: nobody was to be started` };
  const percent = (wave.succeeded * 100) / ended;
  if (percent >= spec.successPercent) return { do: 'step', text: `${name}: ${wave.succeeded} of ${ended} devices succeeded` };
  const reason = `${wave.succeeded} of ${ended} devices of the step "${name}" succeeded: ${round(percent)} %, at least ${spec.successPercent} % have to`;
  const isSilence = known === 0 || (wave.succeeded * 100) / known >= spec.successPercent;
  if (isSilence) return { do: 'pause', waiting: { kind: 'inconclusive', text: `${reason}; ${wave['timed-out']} fell silent` } };
  return failing(spec.onFailure, reason, 'threshold');
}

/** Retries and latecomers go on whatever the step waits for. */
function admitting(facts: RolloutFacts, quota: number, waiting: RolloutWaiting): Decision {
  return quota > 0 || facts.counts.waiting > 0 ? { do: 'admit', quota, waiting } : { do: 'wait', waiting };
}

function finished({ started, total }: RolloutFacts): Decision {
  return { do: 'finish-steps', text: `all steps are done: ${started} of ${total} devices were started` };
}

/** All steps are done: devices that were away, or that match since, follow until their time is over. */
function follow(facts: RolloutFacts): Decision {
  const { counts, spec, nowMs, followedSinceMs } = facts;
  const untilMs = (followedSinceMs ?? nowMs) + durationMs(spec.latecomers);
  const isOver = nowMs >= untilMs;
  if (counts.assigned === 0 && (isOver || (counts.waiting === 0 && !spec.dynamic))) {
    const left = counts.waiting === 0 ? '' : `; ${counts.waiting} devices never came back`;
    return { do: 'close', text: `${counts.succeeded} of ${facts.total} devices run the release${left}` };
  }
  const text =
    spec.dynamic && counts.waiting === 0 ? 'new devices that match follow' : `${counts.waiting} devices follow when they come back`;
  return isOver
    ? { do: 'wait', waiting: { kind: 'devices', text: `${counts.assigned} devices are on their way` } }
    : { do: 'admit', quota: counts.waiting, waiting: { kind: 'latecomers', text, untilMs } };
}

function round(percent: number): number {
  return Math.round(percent * 10) / 10;
}

/** Devices that may be started now by the rate; it grows with what succeeded. */
export function allowedPerMinute({ rate }: Pick<RolloutSpec, 'rate'>, succeeded: number): number {
  if (rate === undefined) return Number.POSITIVE_INFINITY;
  const { perMinute, growth } = rate;
  if (growth === undefined) return perMinute;
  const grown = perMinute * growth.factor ** Math.floor(succeeded / growth.everySucceeded);
  return Math.floor(Math.min(grown, Math.max(perMinute, growth.maximumPerMinute)));
}
