import {
  compareGenerations,
  type DesiredState,
  type Problem,
  type ReconcilePhase,
  type ReportedState,
  type StepReport,
} from '@starling/shared';
import type { Clock } from '../ports.ts';
import type { Behaviour } from './behaviour.ts';
import { createChallengers, type Experiment, MODEL_BYTES } from './challengers.ts';
import type { ReleaseFacts } from './messages.ts';
import { type PullFigures, type PullProgress, type PullRelease, pullCounted } from './pull-release.ts';

/** What a device reports on its way to what it should run, at the times at which a real one would. */
export interface Installer {
  want(desired: DesiredState): void;
  /** A session has begun: it says again where it stands, and tries again what could not be pulled. */
  online(): void;
  running(): ReportedState['running'];
  /** Of the release that runs. */
  facts(): ReleaseFacts | undefined;
  experiment(): Experiment | undefined;
  /** Gives up what is being pulled. */
  stop(): void;
}

interface InstallerParts {
  /** Pulls what an assignment names; without it a pull takes its time, and no bytes. */
  pull?: PullRelease | undefined;
  figures: PullFigures;
  behaviour: Behaviour;
  clock: Clock;
  facts(digest: string): Promise<ReleaseFacts | undefined>;
  after(ms: number, act: () => void, name: string): void;
  report(reported: ReportedState): void;
  /** In which count of the crowd it stands. */
  changed(was: 'running' | 'failed' | undefined, is: 'running' | 'failed' | undefined): void;
}

const STEP = 'installing';

type Assigned = NonNullable<DesiredState['assignment']>;
/** What takes its own time says with a promise whether it was done. */
type Step = [waitMs: number, act: () => unknown];

export function createInstaller(parts: InstallerParts): Installer {
  const { behaviour, clock, facts: look, after, report, changed } = parts;
  let desired: DesiredState | undefined;
  let reported: ReportedState | undefined;
  let running: ReportedState['running'] = null;
  let runningFacts: ReleaseFacts | undefined;
  let previous: string | null = null;
  let counted: 'running' | 'failed' | undefined;
  /** Ends what is on the way now. */
  let underWay = new AbortController();
  /** Tries to pull what it should run, and how to go on with it after one that has failed. */
  let attempts = 0;
  let tryAgain: (() => void) | undefined;

  const challengers = createChallengers({ ...parts, changed: () => say('running') });
  const say = (phase: ReconcilePhase, steps: StepReport[] = [], error: Problem | null = null, retryMs?: number): void => {
    const { epoch = 0, generation = 0 } = desired ?? {};
    const experiment = challengers.reported();
    const atMs = clock.nowMs();
    reported = {
      ...{ schemaVersion: 1, epoch, generation, phase, steps, running, previous, error, refused: [], atMs },
      ...(experiment === undefined ? {} : { experiment }),
      ...(retryMs === undefined ? {} : { retryAtMs: Math.round(atMs + retryMs) }),
    };
    const count = phase === 'running' || phase === 'failed' ? phase : undefined;
    if (count !== counted) changed(counted, count);
    counted = count;
    report(reported);
  };
  const finish = (assignment: Assigned, facts: ReleaseFacts | undefined): void => {
    if (running !== null && running.release !== assignment.release) previous = running.release;
    running = { release: assignment.release, artefacts: assignment.artefacts, verified: true, since: clock.nowMs(), providers: {} };
    runningFacts = facts;
    challengers.want(desired?.experiment);
    say('running');
  };
  /** @returns whether all of it is there */
  const pullReally = async (assignment: Assigned, pull: PullRelease, again: () => void): Promise<boolean> => {
    const { signal } = underWay;
    const step = { step: 'pull-blob', subject: assignment.release, state: 'running' } as const;
    let last: PullProgress = { doneBytes: 0, totalBytes: 0 };
    say('pulling', [step]);
    const begin = (onProgress: (progress: PullProgress) => void): Promise<void> =>
      pull(assignment, signal, (progress) => {
        last = progress;
        onProgress(progress);
      });
    attempts += 1;
    const counted = { figures: parts.figures, clock, attempt: attempts };
    const failure = await pullCounted(begin, counted, (progress) => say('pulling', [{ ...step, ...progress }]));
    if (signal.aborted || failure === 'cancelled') return false;
    if (failure === undefined) {
      say('installed', [{ ...step, state: 'done', ...last }]);
      return true;
    }
    const retryMs = failure.retryMs === undefined ? undefined : behaviour.waitMs(failure.retryMs);
    say('failed', [], failure.problem, retryMs);
    tryAgain = again;
    if (retryMs !== undefined) after(retryMs, again, STEP);
    return false;
  };
  const install = (assignment: Assigned, facts: ReleaseFacts | undefined): void => {
    tryAgain = undefined;
    const totalBytes = MODEL_BYTES * Math.max(1, facts?.models ?? 1);
    const plan = behaviour.install(facts?.name ?? '', totalBytes);
    const pull = (state: StepReport['state'], share: number): StepReport[] => [
      { step: 'pull-blob', subject: facts?.name ?? assignment.release, state, doneBytes: Math.round(totalBytes * share), totalBytes },
    ];
    const { signal } = underWay;
    const real = parts.pull;
    const pulling: Step[] =
      real === undefined
        ? [
            [plan.checkingMs, () => say('pulling', pull('running', 0))],
            [plan.pullingMs / 2, () => say('pulling', pull('running', 0.5))],
            [plan.pullingMs / 2, () => say('installed', pull('done', 1))],
          ]
        : [[plan.checkingMs, () => pullReally(assignment, real, () => install(assignment, facts))]];
    const steps: Step[] = [...pulling, [plan.selfTestMs / 2, () => say('self-testing')]];
    if (plan.fails) {
      const error = {
        code: 'self-test-failed',
        message: 'the golden outputs differ from what was computed',
        hint: 'build the model again',
      };
      steps.push([plan.selfTestMs / 2, () => say('failed', [], error)]);
    } else {
      steps.push([plan.selfTestMs / 2, () => say('probation')], [plan.probationMs, () => finish(assignment, facts)]);
    }
    const next = (place: number): void => {
      const step = steps[place];
      if (step === undefined) return;
      const [waitMs, act] = step;
      after(
        waitMs,
        () => {
          const going = act();
          if (going instanceof Promise) void going.then((isDone) => isDone === true && !signal.aborted && next(place + 1));
          else next(place + 1);
        },
        STEP,
      );
    };
    say('checking');
    next(0);
  };
  const hasArtefacts = ({ artefacts }: Assigned): boolean => {
    const own = Object.entries(running?.artefacts ?? {});
    return own.length === Object.keys(artefacts).length && own.every(([model, digest]) => artefacts[model] === digest);
  };
  return {
    want(next) {
      const isNew = desired === undefined || next.epoch !== desired.epoch || next.generation !== desired.generation;
      desired = next;
      if (!isNew) return;
      const { assignment } = next;
      underWay.abort();
      underWay = new AbortController();
      attempts = 0;
      tryAgain = undefined;
      if (assignment === null) {
        running = null;
        challengers.want(undefined);
        after(0, () => say('idle'), STEP);
        return;
      }
      if (assignment.release === running?.release && (parts.pull === undefined || hasArtefacts(assignment))) {
        // In the place of whatever was on the way.
        after(0, () => finish(assignment, runningFacts), STEP);
        return;
      }
      challengers.want(undefined);
      void look(assignment.release).then((facts) => {
        // The same may have come again meanwhile.
        if (desired !== undefined && compareGenerations(desired, next) === 0) install(assignment, facts);
      });
    },
    online() {
      if (reported !== undefined) report({ ...reported, atMs: clock.nowMs() });
      if (tryAgain !== undefined) after(0, tryAgain, STEP);
      challengers.online();
    },
    running: () => running,
    facts: () => runningFacts,
    experiment: challengers.experiment,
    stop() {
      underWay.abort();
      tryAgain = undefined;
      challengers.want(undefined);
    },
  };
}
