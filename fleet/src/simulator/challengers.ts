import type { ExperimentAssignment, ReportedState } from '@starling/shared';
import type { Clock } from '../ports.ts';
import type { Behaviour } from './behaviour.ts';
import type { CrowdFigures, ReleaseFacts } from './messages.ts';
import { type PullRelease, pullCounted } from './pull-release.ts';

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
  reported(): ReportedState['experiment'];
  /** Once all of its challengers run. */
  experiment(): Experiment | undefined;
}

interface ChallengersParts {
  behaviour: Behaviour;
  clock: Clock;
  pull?: PullRelease | undefined;
  figures: Pick<CrowdFigures, 'pulling' | 'pulled' | 'problems'>;
  facts(digest: string): Promise<ReleaseFacts | undefined>;
  after(ms: number, act: () => void, name: string): void;
  /** Another one runs. */
  changed(): void;
}

/** Of one model, as far as nobody tells. */
export const MODEL_BYTES = 5_000_000;

export function createChallengers(parts: ChallengersParts): Challengers {
  const { behaviour, facts: look, after, changed } = parts;
  let wanted: ExperimentAssignment | undefined;
  /** Ends what is pulled for it. */
  let underWay = new AbortController();
  /** Challengers of `wanted` that run. */
  const running = new Map<string, ReleaseFacts | undefined>();

  const install = async (id: string, arm: ExperimentAssignment['arms'][number], { signal }: AbortController): Promise<void> => {
    const { release } = arm;
    const facts = await look(release);
    const isWanted = (): boolean => wanted?.id === id && !running.has(release);
    if (!isWanted()) return;
    const plan = behaviour.install(facts?.name ?? '', MODEL_BYTES * Math.max(1, facts?.models ?? 1));
    const { pull } = parts;
    if (pull !== undefined) {
      const problem = await pullCounted(
        (tell) => pull(arm, signal, tell),
        parts.figures,
        parts.clock,
        () => undefined,
      );
      if (problem !== undefined) return;
    }
    const waitMs = plan.checkingMs + plan.selfTestMs + (pull === undefined ? plan.pullingMs : 0);
    after(
      waitMs,
      () => {
        if (!isWanted()) return;
        running.set(release, facts);
        changed();
      },
      `challenger ${release}`,
    );
  };
  return {
    want(experiment) {
      const isOther = experiment?.id !== wanted?.id;
      wanted = experiment;
      if (!isOther) return;
      running.clear();
      underWay.abort();
      underWay = new AbortController();
      for (const arm of experiment?.arms ?? []) void install(experiment?.id ?? '', arm, underWay);
    },
    reported() {
      if (wanted === undefined) return undefined;
      const stateOf = (release: string): 'running' | 'pulling' => (running.has(release) ? 'running' : 'pulling');
      return { id: wanted.id, arms: wanted.arms.map(({ release }) => ({ release, state: stateOf(release) })) };
    },
    experiment() {
      if (wanted === undefined) return undefined;
      const arms = wanted.arms.flatMap(({ release, share }) =>
        running.has(release) ? [{ release, share, facts: running.get(release) }] : [],
      );
      // Before all of them run the champion has items that are not its own, and its share would be found wrong.
      return arms.length < wanted.arms.length ? undefined : { id: wanted.id, isShadow: wanted.mode === 'shadow', arms };
    },
  };
}
