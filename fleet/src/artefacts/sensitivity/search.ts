import { type Interval, type SearchStep, StarlingError } from '@starling/shared';
import type { JudgeLoss, SearchResult } from '../contracts.ts';

export interface MixedPrecisionSearch {
  /** Names of the layers, the most harmful first. */
  layers: readonly string[];
  /** What the artefact may lose, in points of the metric. */
  budgetPoints: number;
  /** Builds the artefact with some layers left in float. */
  build: (keepInFloat: readonly string[]) => Promise<string>;
  judge: JudgeLoss;
  /** Each costs a build and a run over the evaluation set. */
  evaluationsMaximum?: number;
  signal?: AbortSignal;
  onStep?: (step: SearchStep) => void;
}

export interface MixedPrecision extends SearchResult {
  /** If not, the result is the set that came nearest. */
  withinBudget: boolean;
}

/** Doubling and bisecting over 250 layers take 17, and leave some to give layers back. */
const EVALUATIONS_MAXIMUM = 24;

/**
 * Looks for a small set of layers to leave in float, so that the upper end of the interval of the loss lies within the budget. The most
 * harmful layers are tried first: none of them, then 1, 2, 4 ... until the budget holds; then the fewest of that order by bisection; then,
 * with the evaluations that are left, layers are given back to the quantiser, the least harmful first, since the order is a guess and
 * layers disturb each other. Only sets that were judged are ever returned.
 */
export async function searchMixedPrecision(search: MixedPrecisionSearch): Promise<MixedPrecision> {
  const trials = createTrials(search);
  const prefix = (length: number): readonly string[] => search.layers.slice(0, length);
  let failed = -1;
  let enough = 0;
  let holds = await trials.holds(prefix(0));
  while (!holds && enough < search.layers.length && trials.left() > 0) {
    failed = enough;
    enough = Math.min(search.layers.length, Math.max(1, 2 * enough));
    holds = await trials.holds(prefix(enough));
  }
  if (!holds) return trials.nearest();
  while (enough - failed > 1 && trials.left() > 0) {
    const middle = Math.floor((failed + enough) / 2);
    if (await trials.holds(prefix(middle))) enough = middle;
    else failed = middle;
  }
  return trials.result(await giveBack(prefix(enough), trials));
}

/** Tries to do without parts of a set that holds, large parts first. */
async function giveBack(set: readonly string[], trials: Trials): Promise<readonly string[]> {
  let kept = set;
  for (let size = Math.floor(kept.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let end = kept.length; end > 0 && kept.length > 1 && trials.left() > 0; end -= size) {
      const rest = [...kept.slice(0, Math.max(0, end - size)), ...kept.slice(end)];
      if (await trials.holds(rest)) kept = rest;
    }
  }
  return kept;
}

interface Trials {
  /** Does the budget hold with these layers in float? A set is judged once; no set holds when no evaluations are left. */
  holds(keepInFloat: readonly string[]): Promise<boolean>;
  left(): number;
  result(keepInFloat: readonly string[]): MixedPrecision;
  nearest(): MixedPrecision;
}

function createTrials(search: MixedPrecisionSearch): Trials {
  const { budgetPoints, build, judge, evaluationsMaximum = EVALUATIONS_MAXIMUM } = search;
  const steps: SearchStep[] = [];
  const judged = new Map<string, SearchStep>();
  const keyOf = (keepInFloat: readonly string[]): string => JSON.stringify(keepInFloat);
  const resultOf = ({ keptInFloat, lossPoints, withinBudget }: SearchStep): MixedPrecision => ({
    keptInFloat,
    loss: lossPoints,
    steps,
    withinBudget,
  });

  const holds = async (keepInFloat: readonly string[]): Promise<boolean> => {
    const known = judged.get(keyOf(keepInFloat));
    if (known !== undefined) return known.withinBudget;
    if (steps.length >= evaluationsMaximum) return false;
    search.signal?.throwIfAborted();
    const lossPoints = await judge(await build(keepInFloat));
    const step: SearchStep = { keptInFloat: [...keepInFloat], lossPoints, withinBudget: isWithin(lossPoints, budgetPoints) };
    steps.push(step);
    judged.set(keyOf(keepInFloat), step);
    search.onStep?.(step);
    return step.withinBudget;
  };
  const nearest = (): MixedPrecision => resultOf(steps.reduce((best, step) => (isNearer(step, best) ? step : best)));
  return {
    holds,
    left: () => evaluationsMaximum - steps.length,
    result: (keepInFloat) => {
      const step = judged.get(keyOf(keepInFloat));
      return step === undefined ? nearest() : resultOf(step);
    },
    nearest,
  };
}

/** The upper end decides: a point within the budget may be luck of the samples. */
function isWithin({ high }: Interval, budgetPoints: number): boolean {
  return high <= budgetPoints;
}

function isNearer(step: SearchStep, best: SearchStep): boolean {
  const difference = step.lossPoints.high - best.lossPoints.high;
  return difference < 0 || (difference === 0 && step.keptInFloat.length < best.keptInFloat.length);
}

/** @throws StarlingError `accuracy-budget-not-met`, which names what came nearest */
export function requireBudget({ withinBudget, loss, keptInFloat, steps }: MixedPrecision, budgetPoints: number): void {
  if (withinBudget) return;
  const kept = `${keptInFloat.length} ${keptInFloat.length === 1 ? 'layer' : 'layers'} in float`;
  throw new StarlingError(
    'accuracy-budget-not-met',
    `none of ${steps.length} builds loses at most ${budgetPoints} points; the nearest, with ${kept}, loses ${loss.value.toFixed(2)} (95 %: ${loss.low.toFixed(2)} to ${loss.high.toFixed(2)})`,
    {
      field: 'recipe.accuracyLossPointsMaximum',
      hint: `allow at least ${(Math.ceil(loss.high * 100) / 100).toFixed(2)} points, give more evaluation samples, which narrows the interval, or choose "fp16" or "weights-int8"`,
    },
  );
}
