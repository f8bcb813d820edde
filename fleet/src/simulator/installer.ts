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
import type { ReleaseFacts } from './messages.ts';

/** What a device reports on its way to what it should run, at the times at which a real one would. */
export interface Installer {
  want(desired: DesiredState): void;
  /** Says again where it stands, as in a new session. */
  repeat(): void;
  running(): ReportedState['running'];
  /** Of the release that runs. */
  facts(): ReleaseFacts | undefined;
}

interface InstallerParts {
  behaviour: Behaviour;
  clock: Clock;
  facts(digest: string): Promise<ReleaseFacts | undefined>;
  after(ms: number, act: () => void, name: string): void;
  report(reported: ReportedState): void;
  /** In which count of the crowd it stands. */
  changed(was: 'running' | 'failed' | undefined, is: 'running' | 'failed' | undefined): void;
}

/** Of one model, as far as nobody tells. */
const MODEL_BYTES = 5_000_000;
const STEP = 'installing';

export function createInstaller({ behaviour, clock, facts: look, after, report, changed }: InstallerParts): Installer {
  let desired: DesiredState | undefined;
  let reported: ReportedState | undefined;
  let running: ReportedState['running'] = null;
  let runningFacts: ReleaseFacts | undefined;
  let previous: string | null = null;
  let counted: 'running' | 'failed' | undefined;

  const say = (phase: ReconcilePhase, steps: StepReport[] = [], error: Problem | null = null): void => {
    const { epoch = 0, generation = 0 } = desired ?? {};
    reported = { schemaVersion: 1, epoch, generation, phase, steps, running, previous, error, refused: [], atMs: clock.nowMs() };
    const count = phase === 'running' || phase === 'failed' ? phase : undefined;
    if (count !== counted) changed(counted, count);
    counted = count;
    report(reported);
  };
  const finish = (assignment: NonNullable<DesiredState['assignment']>, facts: ReleaseFacts | undefined): void => {
    if (running !== null && running.release !== assignment.release) previous = running.release;
    running = { release: assignment.release, artefacts: assignment.artefacts, verified: true, since: clock.nowMs(), providers: {} };
    runningFacts = facts;
    say('running');
  };
  const install = (assignment: NonNullable<DesiredState['assignment']>, facts: ReleaseFacts | undefined): void => {
    const totalBytes = MODEL_BYTES * Math.max(1, facts?.models ?? 1);
    const plan = behaviour.install(facts?.name ?? '', totalBytes);
    const pull = (state: StepReport['state'], share: number): StepReport[] => [
      { step: 'pull-blob', subject: facts?.name ?? assignment.release, state, doneBytes: Math.round(totalBytes * share), totalBytes },
    ];
    const steps: [waitMs: number, act: () => void][] = [
      [plan.checkingMs, () => say('pulling', pull('running', 0))],
      [plan.pullingMs / 2, () => say('pulling', pull('running', 0.5))],
      [plan.pullingMs / 2, () => say('installed', pull('done', 1))],
      [plan.selfTestMs / 2, () => say('self-testing')],
    ];
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
          act();
          next(place + 1);
        },
        STEP,
      );
    };
    say('checking');
    next(0);
  };
  return {
    want(next) {
      const isNew = desired === undefined || next.epoch !== desired.epoch || next.generation !== desired.generation;
      desired = next;
      if (!isNew) return;
      const { assignment } = next;
      if (assignment === null) {
        running = null;
        after(0, () => say('idle'), STEP);
        return;
      }
      if (assignment.release === running?.release) {
        finish(assignment, runningFacts);
        return;
      }
      void look(assignment.release).then((facts) => {
        // The same may have come again meanwhile.
        if (desired !== undefined && compareGenerations(desired, next) === 0) install(assignment, facts);
      });
    },
    repeat() {
      if (reported !== undefined) report({ ...reported, atMs: clock.nowMs() });
    },
    running: () => running,
    facts: () => runningFacts,
  };
}
