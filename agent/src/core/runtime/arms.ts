import { type ArmFigures, type InferenceResult, isStarlingError } from '@starling/shared';
import { type ArmGuard, agree, type ChosenArm, createArmGuard, createShadowBudget, type ShadowBudget } from '../experiments/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { HostEvent, HostExperiment, InferInput, InferOptions } from '../ports/runtime-host.ts';
import type { LoadedRelease } from './loaded-release.ts';

export interface ArmsPorts {
  clock: Clock;
  find(key: string): LoadedRelease | undefined;
  emit(event: HostEvent): void;
}

/** What computing took in a window. */
export interface WindowCost {
  busyMs: number;
  agentJoules: number | undefined;
  cores: number;
}

/** The challengers of an experiment inside the runtime host. */
export interface Arms {
  set(experiment: HostExperiment | null): void;
  /** Of the experiment, while there is one. */
  id(): string | undefined;
  /** Releases beside the active one that take items or copies. */
  releases(): LoadedRelease[];
  infer(champion: LoadedRelease, input: InferInput, options: InferOptions & ChosenArm): Promise<InferenceResult>;
  /** What a window of a release was in the experiment; starts again at zero. Undefined where there is none. */
  takeFigures(release: LoadedRelease): ArmFigures | undefined;
  learn(cost: WindowCost): void;
}

/** Items that end so say nothing of the release. */
const noFailure: ReadonlySet<string> = new Set(['dropped', 'overloaded', 'cancelled', 'invalid-input', 'unknown-input', 'no-input']);

interface Counts {
  compared: number;
  agreed: number;
  shed: number;
}

interface State {
  experiment: HostExperiment;
  emit: ArmsPorts['emit'];
  guard: ArmGuard;
  budget: ShadowBudget;
  counts: Map<string, Counts>;
  /** Challengers with a copy under way. */
  busy: Set<string>;
  failing: Set<string>;
}

type Outputs = Readonly<Record<string, unknown>>;

/** @param threads inside one run; 0: as many as there are cores */
export function createArms({ clock, find, emit }: ArmsPorts, threads: number): Arms {
  let state: State | undefined;
  return {
    set(experiment) {
      if (experiment === null) state = undefined;
      else if (state?.experiment.id === experiment.id) state = { ...state, experiment };
      else state = beginning(experiment, clock, emit);
    },
    id: () => state?.experiment.id,
    releases: () => (state?.experiment.arms ?? []).flatMap(({ key }) => (key === null ? [] : (find(key) ?? []))),
    async infer(champion, input, { arm: key, mirrors = [], ...options }) {
      const within = state;
      const arm = key === undefined ? undefined : find(key);
      const answer: { outputs?: Outputs } = {};
      const outputs = (given: Outputs): void => void Object.assign(answer, { outputs: given });
      try {
        const result = await (arm ?? champion).infer(input, { ...options, ...(mirrors.length === 0 ? {} : { outputs }) });
        if (within !== undefined) ended(within, arm);
        if (within !== undefined && answer.outputs !== undefined) {
          // Items come first: nothing is copied while one waits.
          const isBusy = champion.pipelines.some(({ queue }) => queue.waiting > 0);
          for (const shadow of mirrors.flatMap((mirror) => find(mirror) ?? [])) {
            if (isBusy || within.busy.has(shadow.installed.key) || !within.budget.may(clock.monotonicMs()))
              countsOf(within, shadow).shed += 1;
            else void runCopy(within, shadow, input, options, answer.outputs);
          }
        }
        return result;
      } catch (error) {
        if (within !== undefined) ended(within, arm, error);
        throw error;
      }
    },
    takeFigures(release) {
      if (state === undefined) return undefined;
      const { key, isShadow = false } = release.installed;
      const counts = state.counts.get(key) ?? noCounts;
      state.counts.delete(key);
      return { id: state.experiment.id, isShadow, ...counts };
    },
    learn({ busyMs, agentJoules, cores }) {
      const coresPerRun = threads === 0 || cores <= 0 ? 1 : Math.min(1, threads / cores);
      state?.budget.learn({ coresPerRun, joulesPerMs: agentJoules === undefined || busyMs <= 0 ? undefined : agentJoules / busyMs });
    },
  };
}

const noCounts: Readonly<Counts> = { compared: 0, agreed: 0, shed: 0 };

function beginning(experiment: HostExperiment, clock: Clock, emit: ArmsPorts['emit']): State {
  const bounds = experiment.shadow ?? { maxCpuShare: 1 };
  return {
    ...{ experiment, emit, guard: createArmGuard(), budget: createShadowBudget(bounds, clock.monotonicMs()) },
    ...{ counts: new Map(), busy: new Set(), failing: new Set() },
  };
}

function countsOf({ counts }: State, { installed: { key } }: LoadedRelease): Counts {
  const own = counts.get(key) ?? { ...noCounts };
  counts.set(key, own);
  return own;
}

/** An item or a copy has ended. @param arm undefined for the champion */
function ended({ guard, failing, emit }: State, arm: LoadedRelease | undefined, error?: unknown): void {
  const code = error === undefined ? undefined : isStarlingError(error) ? error.code : 'node-failed';
  if (code !== undefined && noFailure.has(code)) return;
  const key = arm?.installed.key;
  if (!guard.ended(key, code !== undefined) || key === undefined || failing.has(key)) return;
  failing.add(key);
  emit({ type: 'arm-failing', key, code: code ?? 'node-failed' });
}

/** Runs a copy, whose answer is held against that of the champion and then forgotten. */
async function runCopy(within: State, shadow: LoadedRelease, input: InferInput, options: InferOptions, champion: Outputs): Promise<void> {
  const { source, timeMs, pipeline } = options;
  const { key } = shadow.installed;
  const answer: { outputs?: Outputs } = {};
  const outputs = (given: Outputs): void => void Object.assign(answer, { outputs: given });
  within.busy.add(key);
  try {
    const { nodesMs } = await shadow.infer(input, { source, timeMs, pipeline, outputs });
    within.budget.spent(Object.values(nodesMs).reduce((sum, ms) => sum + ms, 0));
    const counts = countsOf(within, shadow);
    counts.compared += 1;
    if (agree(champion, answer.outputs ?? {})) counts.agreed += 1;
    ended(within, shadow);
  } catch (error) {
    ended(within, shadow, error);
  } finally {
    within.busy.delete(key);
  }
}
