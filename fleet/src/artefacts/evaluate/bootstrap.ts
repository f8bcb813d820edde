import type { Interval } from '@starling/shared';
import { inverseNormal, normalProbability } from './normal.ts';

/** A figure of the samples, each counted as often as `counts` says; NaN if those hold nothing to score. */
export type Statistic = (counts: Float64Array) => number;

export interface BootstrapOptions {
  resamples?: number;
  seed?: number;
  /** `bca`: bias-corrected and accelerated. */
  method?: 'percentile' | 'bca';
}

const CONFIDENCE = 0.95;
const RESAMPLES = 2000;
/** Beyond so many samples the jackknife leaves out groups of them, not each by itself. */
const JACKKNIFE_GROUPS_MAXIMUM = 400;

/**
 * 95 % intervals by the bootstrap: samples are drawn again with replacement, and all statistics are computed on the same draws, so that a
 * difference is paired. Efron and Tibshirani, "An Introduction to the Bootstrap", chapters 13 and 14; conventions of scipy.stats.bootstrap.
 * Draws on which a statistic is undefined are left out.
 *
 * BCa is taken unless it is undefined, as for a statistic that no draw puts on the other side of the observed one; then percentiles are.
 */
export function bootstrapIntervals(statistics: readonly Statistic[], samples: number, options: BootstrapOptions = {}): Interval[] {
  const { resamples = RESAMPLES, seed = 1, method = 'bca' } = options;
  const draw = uniformIntegers(seed);
  const draws = statistics.map(() => new Float64Array(resamples));
  const counts = new Float64Array(samples);
  for (let resample = 0; resample < resamples; resample += 1) {
    counts.fill(0);
    for (let index = 0; index < samples; index += 1) {
      const sample = draw(samples);
      counts[sample] = (counts[sample] as number) + 1;
    }
    for (const [place, statistic] of statistics.entries()) (draws[place] as Float64Array)[resample] = statistic(counts);
  }
  return statistics.map((statistic, place) => {
    const value = statistic(counts.fill(1));
    const sorted = (draws[place] as Float64Array).filter((each) => !Number.isNaN(each)).sort();
    if (sorted.length === 0) return { value, low: value, high: value };
    const [low, high] = method === 'bca' ? correctedEnds(statistic, value, sorted, samples) : plainEnds();
    return { value, low: percentileOf(sorted, low), high: percentileOf(sorted, high) };
  });
}

function plainEnds(): [low: number, high: number] {
  return [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2];
}

/** Which percentiles of the draws are the ends of the interval, corrected for bias and skew. */
function correctedEnds(statistic: Statistic, value: number, sorted: Float64Array, samples: number): [low: number, high: number] {
  const below = sorted.reduce((sum, each) => sum + (each < value ? 1 : 0) + (each <= value ? 1 : 0), 0) / (2 * sorted.length);
  const bias = inverseNormal(below);
  const acceleration = accelerationOf(statistic, samples);
  const ends = plainEnds().map((share) => {
    const shifted = bias + inverseNormal(share);
    return normalProbability(bias + shifted / (1 - acceleration * shifted));
  });
  const [low = Number.NaN, high = Number.NaN] = ends;
  return Number.isFinite(low) && Number.isFinite(high) ? [low, high] : plainEnds();
}

/** Skew of the statistic by the jackknife; NaN if leaving samples out changes nothing. */
function accelerationOf(statistic: Statistic, samples: number): number {
  const groups = Math.min(samples, JACKKNIFE_GROUPS_MAXIMUM);
  const counts = new Float64Array(samples);
  const without = Array.from({ length: groups }, (_, group) => {
    for (let sample = 0; sample < samples; sample += 1) counts[sample] = sample % groups === group ? 0 : 1;
    return statistic(counts);
  }).filter((each) => !Number.isNaN(each));
  const mean = without.reduce((sum, each) => sum + each, 0) / without.length;
  const squares = without.reduce((sum, each) => sum + (mean - each) ** 2, 0);
  const cubes = without.reduce((sum, each) => sum + (mean - each) ** 3, 0);
  return cubes / (6 * squares ** 1.5);
}

/** Linear between neighbours, as NumPy's default. */
function percentileOf(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const before = sorted[Math.floor(place)] as number;
  const after = sorted[Math.ceil(place)] as number;
  return before + (after - before) * (place - Math.floor(place));
}

/** mulberry32 (Tommy Ettinger, public domain): the same draws for the same seed, on every machine. */
function uniformIntegers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
