import type { ExperimentAssignment, ReportedArm, ReportedState } from '@starling/shared';
import type { Clock } from '../ports.ts';
import type { Behaviour } from './behaviour.ts';
import type { ReleaseFacts } from './messages.ts';
import { type PullFigures, type PullRelease, pullCounted } from './pull-release.ts';

/** One release that answers a part of the items of a device. */
export interface Arm {
  release: string;
  facts: ReleaseFacts | undefined;
  /** Of the items; of a shadow: of those that are copied. */
  share: number;
}

/** The experiment that a simulated device takes part in, with the challengers that run there. */
export interface Experiment {
  id: string;
  isShadow: boolean;
  arms: readonly Arm[];
}

/** Challengers beside the release of a device: pulled once it runs, and gone when the fleet says so. */
export interface Challengers {
  want(experiment: ExperimentAssignment | undefined): void;
  /** A session has begun: what could not be pulled is tried again. */
  online(): void;
  reported(): ReportedState['experiment'];
  /** Once all of its challengers run. */
  experiment(): Experiment | undefined;
}

interface ChallengersParts {
  behaviour: Behaviour;
  clock: Clock;
  pull?: PullRelease | undefined;
  figures: PullFigures;
  facts(digest: string): Promise<ReleaseFacts | undefined>;
  after(ms: number, act: () => void, name: string): void;
  /** Where one of them stands is another thing now. */
  changed(): void;
}

/** Of one model, as far as nobody tells. */
export const MODEL_BYTES = 5_000_000;

interface Challenger {
  wanted: ExperimentAssignment['arms'][number];
  state: ReportedArm['state'];
  facts: ReleaseFacts | undefined;
  problem: ReportedArm['problem'];
  /** Tries to pull it. */
  attempts: number;
}

export function createChallengers(parts: ChallengersParts): Challengers {
  const { behaviour, facts: look, after, changed, pull } = parts;
  let wanted: ExperimentAssignment | undefined;
  let challengers: Challenger[] = [];
  /** Ends what is pulled for them. */
  let underWay = new AbortController();
  let working: Promise<void> = Promise.resolve();

  /** @returns whether all of it is there */
  const pullReally = async (each: Challenger, { signal }: AbortController): Promise<boolean> => {
    if (pull === undefined) return true;
    each.attempts += 1;
    const counted = { figures: parts.figures, clock: parts.clock, attempt: each.attempts };
    const failure = await pullCounted(
      (tell) => pull(each.wanted, signal, tell),
      counted,
      () => undefined,
    );
    if (failure === undefined) return true;
    if (failure === 'cancelled' || signal.aborted) return false;
    Object.assign(each, { state: 'waiting', problem: failure.problem });
    changed();
    // After so many tries it waits for the next session with the fleet.
    if (failure.retryMs !== undefined) after(behaviour.waitMs(failure.retryMs), () => start(each), timerOf(each));
    return false;
  };
  const bring = async (each: Challenger): Promise<void> => {
    const { release } = each.wanted;
    const isWanted = (): boolean => challengers.includes(each);
    if (!isWanted() || each.state !== 'waiting') return;
    each.state = 'pulling';
    changed();
    each.facts = await look(release);
    if (!isWanted()) return;
    const plan = behaviour.install(each.facts?.name ?? '', MODEL_BYTES * Math.max(1, each.facts?.models ?? 1));
    if (!(await pullReally(each, underWay)) || !isWanted()) return;
    const waitMs = plan.checkingMs + plan.selfTestMs + (pull === undefined ? plan.pullingMs : 0);
    const run = (): void => {
      if (!isWanted()) return;
      Object.assign(each, { state: 'running', problem: undefined });
      changed();
    };
    after(waitMs, run, timerOf(each));
  };
  /** One after the other: a device has one link. */
  const start = (each: Challenger): void => {
    working = working.then(() => bring(each));
  };
  return {
    want(experiment) {
      const isOther = experiment?.id !== wanted?.id;
      wanted = experiment;
      if (!isOther) {
        for (const [index, each] of challengers.entries()) each.wanted = experiment?.arms[index] ?? each.wanted;
        return;
      }
      underWay.abort();
      underWay = new AbortController();
      const news = { state: 'waiting', facts: undefined, problem: undefined, attempts: 0 } as const;
      challengers = (experiment?.arms ?? []).map((arm) => ({ wanted: arm, ...news }));
      for (const each of challengers) start(each);
    },
    online() {
      for (const each of challengers) {
        each.attempts = 0;
        if (each.problem !== undefined) start(each);
      }
    },
    reported() {
      if (wanted === undefined) return undefined;
      const arms = challengers.map(({ wanted: { release }, state, problem }) => ({
        ...{ release, state, ...(problem === undefined ? {} : { problem }) },
      }));
      return { id: wanted.id, arms };
    },
    experiment() {
      // Before all of them run the champion has items that are not its own, and its share would be found wrong.
      if (wanted === undefined || challengers.some(({ state }) => state !== 'running')) return undefined;
      const arms = challengers.map(({ wanted: { release, share }, facts }) => ({ release, share, facts }));
      return { id: wanted.id, isShadow: wanted.mode === 'shadow', arms };
    },
  };
}

function timerOf({ wanted: { release } }: Challenger): string {
  return `challenger ${release}`;
}
