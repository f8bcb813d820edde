import { type AnalysisMeasure, type IntervalEstimate, latencyEdgesMs } from '@starling/shared';
import { levelBounds, mixtureRadius, proportionBounds, scaleFor } from './confidence/index.ts';
import { informationFor } from './confidence/mixture.ts';
import { type CohortFigures, effectiveDevices, ratioOf, ratioVariance, type SideMoments } from './moments.ts';
import { logSlope, quantileOfBins } from './quantiles.ts';

/**
 * Least correlation of two inferences of one device that is reckoned with. Where nothing failed yet, the data cannot tell how alike
 * the inferences of a device are; at this one a device is never worth more than a hundred independent inferences.
 */
const CORRELATION_MINIMUM = 0.01;

/** Difference from which means and levels are to be told: a tenth, and 0.05 of a PSI. */
const MEAN_DIFFERENCE = Math.log(1.1);
const LEVEL_DIFFERENCE = 0.05;

/** One side of a comparison, as an estimate on the scale on which it is normal: the logarithm of quantiles and means. */
export interface Estimate {
  /** On the natural scale. */
  value: number;
  /** On the scale of the estimate. */
  variance: number;
  /** Least variance that its inferences alone would give it. */
  varianceFloor: number;
  /** Influence of a device on the estimate, per influence on the ratio of its moments: turns covariances of ratios into those of estimates. */
  slope: number;
  degreesOfFreedom: number;
}

export function isLogScale({ kind }: AnalysisMeasure): boolean {
  return kind === 'quantile' || kind === 'mean';
}

export function degreesOfFreedomOf(side: SideMoments): number {
  return Math.max(0, Math.min(side.devices, effectiveDevices(side)) - 1);
}

/** @returns null where there is nothing to estimate from */
export function estimateOf(measure: AnalysisMeasure, side: SideMoments, bins: readonly number[] | undefined): Estimate | null {
  if (side.b <= 0 || side.devices === 0) return null;
  const degreesOfFreedom = degreesOfFreedomOf(side);
  const ratio = ratioOf(side);
  const variance = ratioVariance(side);
  switch (measure.kind) {
    case 'quantile': {
      const level = measure.level ?? 0.5;
      const value = quantileOfBins(bins ?? [], level);
      const slope = logSlope(bins ?? [], level);
      if (value === null || slope === null) return null;
      const floor = (level * (1 - level)) / largestSample(side);
      return {
        value,
        slope: -slope,
        variance: slope ** 2 * Math.max(variance, floor),
        varianceFloor: slope ** 2 * floor,
        degreesOfFreedom,
      };
    }
    case 'share':
    case 'devices': {
      const { trials, smoothed } = effectiveSample(measure, side);
      const floor = smoothed * (1 - smoothed);
      return { value: ratio, slope: 1, variance: floor / trials, varianceFloor: floor / largestSample(side), degreesOfFreedom };
    }
    case 'mean':
      if (ratio <= 0) return null;
      return { value: ratio, slope: 1 / ratio, variance: variance / ratio ** 2, varianceFloor: 0, degreesOfFreedom };
    case 'level':
      return { value: ratio, slope: 1, variance, varianceFloor: 0, degreesOfFreedom };
  }
}

/** Independent inferences that those of a side are worth at most. */
function largestSample({ b, bb }: SideMoments): number {
  return b / (1 + Math.max(0, bb / b - 1) * CORRELATION_MINIMUM);
}

/**
 * A share as if its inferences were independent: both counts divided by the design effect (Kish 1965; Rao & Scott 1992), so that
 * methods for counts, which are exact for rare events too, can be used.
 */
export function effectiveSample({ kind }: AnalysisMeasure, side: SideMoments): { hits: number; trials: number; smoothed: number } {
  const smoothed = (side.a + 0.5) / (side.b + 1);
  if (kind === 'devices') return { hits: side.a, trials: side.b, smoothed };
  const freedom = degreesOfFreedomOf(side);
  // A variance of few devices is often too small: its expected inverse is larger by this much.
  const doubt = freedom > 2 ? freedom / (freedom - 2) : Number.POSITIVE_INFINITY;
  const seen = (ratioVariance(side) * doubt * side.b) / (smoothed * (1 - smoothed));
  const trials = Math.min(largestSample(side), side.b / Math.max(1, seen));
  return { hits: (side.a / side.b) * trials, trials, smoothed };
}

const open = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** A cohort's own value with the interval that holds it at every look. */
export function intervalOf(
  measure: AnalysisMeasure,
  side: SideMoments,
  bins: readonly number[] | undefined,
  alpha: number,
): IntervalEstimate | null {
  const estimate = estimateOf(measure, side, bins);
  if (estimate === null) return null;
  const told = { estimate: estimate.value, samples: side.b, devices: side.devices };
  if (measure.kind === 'share' || measure.kind === 'devices') {
    const { hits, trials } = effectiveSample(measure, side);
    return { ...told, ...proportionBounds(hits, trials, alpha) };
  }
  if (measure.kind === 'quantile') {
    const level = measure.level ?? 0.5;
    const trials = levelSample(side, level);
    const { low, high } = levelBounds(level, trials, alpha);
    // Levels that reach the ends say nothing on how far beyond the quantile may lie.
    return {
      ...told,
      low: low <= 0 ? null : quantileOfBins(bins ?? [], low),
      high: high >= 1 ? null : quantileOfBins(bins ?? [], high),
    };
  }
  const isLog = isLogScale(measure);
  const scale = scaleFor(informationFor(isLog ? MEAN_DIFFERENCE : LEVEL_DIFFERENCE), alpha);
  const radius = mixtureRadius(atLeast(estimate.variance), estimate.degreesOfFreedom, scale, alpha);
  if (isLog) return { ...told, low: estimate.value * Math.exp(-radius), high: open(estimate.value * Math.exp(radius)) };
  return { ...told, low: open(estimate.value - radius), high: open(estimate.value + radius) };
}

/** Independent values that the values of a side are worth, as far as a level is concerned. */
function levelSample(side: SideMoments, level: number): number {
  const freedom = degreesOfFreedomOf(side);
  const doubt = freedom > 2 ? freedom / (freedom - 2) : Number.POSITIVE_INFINITY;
  const variance = ratioVariance(side) * doubt;
  return Math.min(largestSample(side), variance === 0 ? Number.POSITIVE_INFINITY : (level * (1 - level)) / variance);
}

/** No estimate is without any variance: devices that all say the same to the last digit are a coincidence. */
export function atLeast(variance: number): number {
  return Math.max(variance, 1e-12);
}

/** Whether bins can be summed with ours. */
export function hasLatencyBins(figures: CohortFigures): boolean {
  return (figures.bins?.now.length ?? 0) === latencyEdgesMs.length + 1;
}
