import type { AnalysisLimit, AnalysisMeasure } from '@starling/shared';
import { informationFor, mixtureRadius, scaleFor } from './confidence/index.ts';
import { atLeast, type Estimate, estimateOf, isLogScale } from './estimates.ts';
import { type CohortFigures, noCross, ratioCovariance, type SideMoments } from './moments.ts';

type Relative = Extract<AnalysisLimit, { kind: 'relative' }>;

/** What is held against a relative limit: at most `bound` (at least, where more is better). */
export interface Contrast {
  estimate: number;
  low: number | null;
  high: number | null;
  bound: number;
  /** `ratio` to what the control would lead to expect, or `excess` over the allowed multiple of the control. */
  kind: 'ratio' | 'excess';
}

export interface Comparison {
  candidate: CohortFigures;
  /** Null: with the own past of the candidate. */
  control: CohortFigures | null;
  /** Both sides against their own past. */
  adjusted: boolean;
}

/** Effective inferences at which shares are best told apart. */
const SHARE_INFORMATION = 1000;

/** Compares two sides at every look together. @returns null where a side has nothing to compare */
export function contrastOf(measure: AnalysisMeasure, limit: Relative, comparison: Comparison, alpha: number): Contrast | null {
  return isLogScale(measure) ? ratioOfSides(measure, limit, comparison, alpha) : excessOfSides(measure, limit, comparison, alpha);
}

interface Changed {
  /** On the scale of the estimates. */
  value: number;
  variance: number;
  degreesOfFreedom: number;
}

const onLog = ({ value }: Estimate): number => Math.log(value);

/** A cohort now, or how it changed against its own past: what devices bring along falls out, as it is on both sides. */
function changeOf(measure: AnalysisMeasure, figures: CohortFigures, againstPast: boolean): Changed | null {
  const now = estimateOf(measure, figures.now, figures.bins?.now);
  if (now === null) return null;
  if (!againstPast) return { value: onLog(now), variance: now.variance, degreesOfFreedom: now.degreesOfFreedom };
  const past = estimateOf(measure, figures.past, figures.bins?.past);
  if (past === null) return null;
  const covariance = now.slope * past.slope * ratioCovariance(figures.now, figures.past, figures.cross);
  return {
    value: onLog(now) - onLog(past),
    variance: Math.max(now.variance + past.variance - 2 * covariance, now.varianceFloor + past.varianceFloor),
    degreesOfFreedom: Math.min(now.degreesOfFreedom, past.degreesOfFreedom),
  };
}

function ratioOfSides(
  measure: AnalysisMeasure,
  limit: Relative,
  { candidate, control, adjusted }: Comparison,
  alpha: number,
): Contrast | null {
  const first = changeOf(measure, candidate, adjusted || control === null);
  const second =
    control === null ? { value: 0, variance: 0, degreesOfFreedom: Number.POSITIVE_INFINITY } : changeOf(measure, control, adjusted);
  if (first === null || second === null) return null;
  const reference =
    control === null ? estimateOf(measure, candidate.past, candidate.bins?.past) : estimateOf(measure, control.now, control.bins?.now);
  if (reference === null) return null;
  const difference = first.value - second.value;
  const bound = limit.factor + (measure.better === 'lower' ? 1 : -1) * (limit.slack / reference.value);
  const scale = scaleFor(informationFor(Math.max(Math.abs(Math.log(limit.factor)), Math.log(1.05))), alpha);
  const radius = mixtureRadius(atLeast(first.variance + second.variance), jointFreedom(first, second), scale, alpha);
  const high = Math.exp(difference + radius);
  return {
    kind: 'ratio',
    estimate: Math.exp(difference),
    low: Math.exp(difference - radius),
    high: Number.isFinite(high) ? high : null,
    bound,
  };
}

function excessOfSides(measure: AnalysisMeasure, limit: Relative, { candidate, control }: Comparison, alpha: number): Contrast | null {
  const { factor } = limit;
  const other: SideMoments = control === null ? candidate.past : control.now;
  const first = estimateOf(measure, candidate.now, undefined);
  const second = estimateOf(measure, other, undefined);
  if (first === null || second === null) return null;
  const covariance = ratioCovariance(candidate.now, other, control === null ? candidate.cross : noCross);
  const floor = first.varianceFloor + factor ** 2 * second.varianceFloor;
  const variance = Math.max(first.variance + factor ** 2 * second.variance - 2 * factor * covariance, floor);
  // Shares are told apart by the inferences that they are worth; levels in their own unit.
  const isLevel = measure.kind === 'level';
  const pooled = (candidate.now.a + other.a + 1) / (candidate.now.b + other.b + 2);
  const unit = isLevel ? 1 : pooled * (1 - pooled);
  const scale = scaleFor(isLevel ? informationFor(Math.max(limit.slack, 0.02)) : SHARE_INFORMATION, alpha);
  const freedom = jointFreedom(first, { ...second, variance: factor ** 2 * second.variance });
  const radius = Math.sqrt(unit) * mixtureRadius(atLeast(variance / unit), freedom, scale, alpha);
  const estimate = first.value - factor * second.value;
  const bounds = Number.isFinite(radius) ? { low: estimate - radius, high: estimate + radius } : { low: null, high: null };
  return { kind: 'excess', estimate, ...bounds, bound: measure.better === 'lower' ? limit.slack : -limit.slack };
}

/** Of a difference of two independent estimates (Welch 1947, Satterthwaite 1946). */
function jointFreedom(
  first: Pick<Changed, 'variance' | 'degreesOfFreedom'>,
  second: Pick<Changed, 'variance' | 'degreesOfFreedom'>,
): number {
  const part = ({ variance, degreesOfFreedom }: typeof first): number =>
    variance === 0 ? 0 : degreesOfFreedom <= 0 ? Number.POSITIVE_INFINITY : variance ** 2 / degreesOfFreedom;
  const sum = part(first) + part(second);
  if (sum === 0) return Math.min(first.degreesOfFreedom, second.degreesOfFreedom);
  return (first.variance + second.variance) ** 2 / sum;
}
