import type { AnalysisLimit, AnalysisMeasure } from '@starling/shared';
import { informationFor, mixtureRadius, scaleFor } from './confidence/index.ts';
import { atLeast, degreesOfFreedomOf, effectiveSample, LEVEL_DIFFERENCE, LOG_DIFFERENCE } from './estimates.ts';
import {
  type CohortFigures,
  type LogMoments,
  meanOf,
  meanVariance,
  noCross,
  ratioCovariance,
  ratioOf,
  ratioVariance,
  type SideMoments,
} from './moments.ts';

type Relative = Extract<AnalysisLimit, { kind: 'relative' }>;

/** What is held against a relative limit: at most `bound` (at least, where more is better). */
export interface Contrast {
  estimate: number;
  low: number | null;
  high: number | null;
  bound: number;
  /** Devices of the candidate that it rests on. */
  devices: number;
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

/** Effective inferences at which shares are told apart with the least. */
const SHARE_INFORMATION = 500;

/** Compares two sides at every look together. @returns null where a side has nothing to compare */
export function contrastOf(measure: AnalysisMeasure, limit: Relative, comparison: Comparison, alpha: number): Contrast | null {
  const isRatio = measure.kind === 'quantile' || measure.kind === 'mean';
  return isRatio ? ratioOfSides(measure, limit, comparison, alpha) : excessOfSides(measure, limit, comparison, alpha);
}

/**
 * Quantiles and means as ratios of a device's own: each device says one number, the logarithm of its own value, or of how that changed
 * against its own past. So a fleet of fast and slow devices is compared as it is, and no device counts for more than another.
 */
function ratioOfSides(
  measure: AnalysisMeasure,
  { factor, slack }: Relative,
  { candidate, control, adjusted }: Comparison,
  alpha: number,
): Contrast | null {
  const side = adjusted || control === null ? 'change' : 'now';
  const first = candidate.logs?.[side];
  const second = control === null ? null : control.logs?.[side];
  if (first === undefined || first.devices < 2 || second === undefined || (second !== null && second.devices < 2)) return null;
  const parts = [first, ...(second === null ? [] : [second])].map((moments) => ({
    variance: meanVariance(moments),
    freedom: moments.devices - 1,
  }));
  const difference = meanOf(first) - (second === null ? 0 : meanOf(second));
  const radius = mixtureRadius(atLeast(sumOf(parts)), jointFreedom(parts), scaleFor(informationFor(LOG_DIFFERENCE), alpha), alpha);
  const ends = Number.isFinite(radius)
    ? { low: Math.exp(difference - radius), high: Math.exp(difference + radius) }
    : { low: null, high: null };
  const bound = factor + (measure.better === 'lower' ? slack : -slack) / typicalOf(candidate, control);
  return { kind: 'ratio', estimate: Math.exp(difference), ...ends, bound, devices: first.devices };
}

/** The value of a typical device of the control: what a slack in units is a part of. */
function typicalOf(candidate: CohortFigures, control: CohortFigures | null): number {
  const { now, change } = (control ?? candidate).logs as { now: LogMoments; change: LogMoments };
  return Math.exp(control === null ? meanOf(now) - meanOf(change) : meanOf(now));
}

/** Shares and levels by what they exceed a multiple of the control: a ratio to nothing would be no number. */
function excessOfSides(
  measure: AnalysisMeasure,
  { factor, slack }: Relative,
  { candidate, control }: Comparison,
  alpha: number,
): Contrast | null {
  const other: SideMoments = control === null ? candidate.past : control.now;
  if (candidate.now.b <= 0 || other.b <= 0) return null;
  const pooled = (candidate.now.a + other.a + 1) / (candidate.now.b + other.b + 2);
  const own = varianceOf(measure, candidate.now, pooled);
  const others = varianceOf(measure, other, pooled);
  const covariance = ratioCovariance(candidate.now, other, control === null ? candidate.cross : noCross);
  const raw = own + factor ** 2 * others;
  // What devices have in common with their past falls out, but never more than nearly all.
  const variance = Math.max(raw - 2 * factor * covariance, raw / 10);
  const isLevel = measure.kind === 'level';
  // Shares are told apart by the inferences that they are worth; levels in their own unit.
  const unit = isLevel ? 1 : pooled * (1 - pooled);
  const scale = scaleFor(isLevel ? informationFor(LEVEL_DIFFERENCE) : SHARE_INFORMATION, alpha);
  const freedom = jointFreedom([
    { variance: own, freedom: degreesOfFreedomOf(candidate.now) },
    { variance: factor ** 2 * others, freedom: degreesOfFreedomOf(other) },
  ]);
  const radius = Math.sqrt(unit) * mixtureRadius(atLeast(variance / unit), freedom, scale, alpha);
  const estimate = ratioOf(candidate.now) - factor * ratioOf(other);
  const ends = Number.isFinite(radius) ? { low: estimate - radius, high: estimate + radius } : { low: null, high: null };
  return { kind: 'excess', estimate, ...ends, bound: measure.better === 'lower' ? slack : -slack, devices: candidate.now.devices };
}

function varianceOf(measure: AnalysisMeasure, side: SideMoments, pooled: number): number {
  if (measure.kind === 'level') return ratioVariance(side);
  const { trials, smoothed } = effectiveSample(measure, side, pooled);
  return (smoothed * (1 - smoothed)) / trials;
}

interface Part {
  variance: number;
  freedom: number;
}

const sumOf = (parts: readonly Part[]): number => parts.reduce((sum, { variance }) => sum + variance, 0);

/** Degrees of freedom of a sum of independent estimates (Welch 1947, Satterthwaite 1946). */
function jointFreedom(parts: readonly Part[]): number {
  const share = parts.reduce((sum, { variance, freedom }) => sum + (variance === 0 ? 0 : variance ** 2 / freedom), 0);
  return share === 0 ? Math.min(...parts.map(({ freedom }) => freedom)) : sumOf(parts) ** 2 / share;
}
