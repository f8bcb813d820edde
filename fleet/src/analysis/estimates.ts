import type { AnalysisMeasure, IntervalEstimate } from '@starling/shared';
import { informationFor, levelBounds, mixtureRadius, proportionBounds, scaleFor } from './confidence/index.ts';
import { effectiveDevices, ratioOf, ratioVariance, type SideMoments } from './moments.ts';
import { quantileOfBins } from './quantiles.ts';

/**
 * Correlation of two inferences of one device that is reckoned with at least, unless the share itself is smaller: where nothing failed
 * yet, the data cannot tell how alike the inferences of a device are. A correlation of a share p is one where the rates of devices
 * spread by as much as they are (coefficient of variation 1).
 */
const CORRELATION_MINIMUM = 0.01;

/** Differences for which intervals are made narrow: wide enough to hold while few devices are known, at little cost later. */
export const LOG_DIFFERENCE = Math.log(1.3);
export const LEVEL_DIFFERENCE = 0.2;

/** Degrees of freedom with which the variance over the devices of a side is known. */
export function degreesOfFreedomOf(side: SideMoments): number {
  return Math.max(0, Math.min(side.devices, effectiveDevices(side)) - 1);
}

/** Independent inferences that those of a side are worth at most, for a share of about this size. */
function largestSample({ b, bb }: SideMoments, share: number): number {
  return b / (1 + Math.max(0, bb / b - 1) * Math.min(CORRELATION_MINIMUM, share));
}

/** A variance of few devices is often too small: its expected inverse is larger by this much. */
function doubtOf(side: SideMoments): number {
  const freedom = degreesOfFreedomOf(side);
  return freedom > 2 ? freedom / (freedom - 2) : Number.POSITIVE_INFINITY;
}

export interface EffectiveSample {
  hits: number;
  trials: number;
  /** The share, drawn a little from its ends: none of many is not never. */
  smoothed: number;
}

/**
 * A share as if its inferences were independent: both counts divided by the design effect (Kish 1965; Rao & Scott 1992), so that
 * methods for counts, which are exact for rare events too, can be used.
 * @param expected a share that is to be told from it
 */
export function effectiveSample({ kind }: AnalysisMeasure, side: SideMoments, expected: number): EffectiveSample {
  const smoothed = (side.a + 0.5) / (side.b + 1);
  // A device is in or out: devices are what is counted.
  if (kind === 'devices') return { hits: side.a, trials: side.b, smoothed };
  const seen = (ratioVariance(side) * doubtOf(side) * side.b) / (smoothed * (1 - smoothed));
  const trials = Math.min(largestSample(side, Math.max(smoothed, expected)), side.b / Math.max(1, seen));
  return { hits: (side.a / side.b) * trials, trials, smoothed };
}

const open = (value: number): number | null => (Number.isFinite(value) ? value : null);

/**
 * A cohort's own value with the interval that holds it at every look.
 * @param expected the limit, where it is fixed
 * @returns null where there is nothing to estimate from
 */
export function intervalOf(
  measure: AnalysisMeasure,
  side: SideMoments,
  bins: readonly number[] | undefined,
  alpha: number,
  expected = 0,
): IntervalEstimate | null {
  if (side.b <= 0 || side.devices === 0) return null;
  const told = { estimate: ratioOf(side), samples: side.b, devices: side.devices };
  switch (measure.kind) {
    case 'share':
    case 'devices': {
      const { hits, trials } = effectiveSample(measure, side, expected);
      return { ...told, ...proportionBounds(hits, trials, alpha) };
    }
    case 'quantile':
      return quantileInterval(measure.level ?? 0.5, side, bins ?? [], alpha);
    case 'mean': {
      if (told.estimate <= 0) return { ...told, low: 0, high: null };
      const variance = ratioVariance(side) / told.estimate ** 2;
      const radius = mixtureRadius(atLeast(variance), degreesOfFreedomOf(side), scaleFor(informationFor(LOG_DIFFERENCE), alpha), alpha);
      return { ...told, low: told.estimate * Math.exp(-radius), high: open(told.estimate * Math.exp(radius)) };
    }
    case 'level': {
      const scale = scaleFor(informationFor(LEVEL_DIFFERENCE), alpha);
      const radius = mixtureRadius(atLeast(ratioVariance(side)), degreesOfFreedomOf(side), scale, alpha);
      return { ...told, low: open(told.estimate - radius), high: open(told.estimate + radius) };
    }
  }
}

/**
 * A quantile lies between the empirical quantiles of those levels that fit its own (Howard & Ramdas 2022, "Sequential estimation of
 * quantiles", theorem 1 with the beta-binomial mixture): only counts below values are needed, which sketches have.
 */
function quantileInterval(level: number, side: SideMoments, bins: readonly number[], alpha: number): IntervalEstimate | null {
  const estimate = quantileOfBins(bins, level);
  if (estimate === null) return null;
  const variance = ratioVariance(side) * doubtOf(side);
  const trials = Math.min(largestSample(side, 1), variance === 0 ? Number.POSITIVE_INFINITY : (level * (1 - level)) / variance);
  const { low, high } = levelBounds(level, trials, alpha);
  return {
    ...{ estimate, samples: side.b, devices: side.devices },
    // Levels that reach the ends say nothing on how far beyond the quantile may lie.
    low: low <= 0 ? null : quantileOfBins(bins, low),
    high: high >= 1 ? null : quantileOfBins(bins, high),
  };
}

/** No estimate is without any variance: devices that all say the same to the last digit are a coincidence. */
export function atLeast(variance: number): number {
  return Math.max(variance, 1e-12);
}
