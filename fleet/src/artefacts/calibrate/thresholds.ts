import type { ValueRange } from '../contracts.ts';
import { coarsened, edgeOf, foldedAtZero, type Histogram, quantileOf, trimmed } from './histogram.ts';

/** What is known of a value when its range is decided. */
export interface Observed {
  /** Of all elements of all samples. */
  minimum: number;
  maximum: number;
  /** Of the elements that were taken. */
  histogram: Histogram;
  /** The range will be -T to T. */
  symmetric: boolean;
  /** Steps that the quantised type has, e.g. 256. */
  levels: number;
}

/**
 * As PercentileCalibrater of onnxruntime's `calibrate.py`: what is outside of the range is cut half at either end; with symmetric ranges it
 * is the percentile of the magnitude. There the threshold is the edge of a bin, here it is interpolated within the bin.
 */
export function percentileRange({ histogram, symmetric, minimum, maximum }: Observed, percentile: number): ValueRange {
  if (symmetric) {
    const threshold = quantileOf(foldedAtZero(histogram), percentile / 100);
    return { minimum: -threshold, maximum: threshold };
  }
  const cut = (100 - percentile) / 200;
  return {
    minimum: cut === 0 ? minimum : quantileOf(histogram, cut),
    maximum: cut === 0 ? maximum : quantileOf(histogram, 1 - cut),
  };
}

/** As in TensorRT; each threshold that is tried looks at all of them. */
const ENTROPY_HALF_BINS_MAXIMUM = 2048;
/** Thresholds that are tried: steps of 0.8 % of the range. Trying every bin would take longer than the runs for many models. */
const ENTROPY_CANDIDATES = 128;

/**
 * The range at which the distribution of the quantised values tells least apart from the true one: Migacz, "8-bit inference with TensorRT"
 * (GTC 2017). Each candidate cuts off what lies beyond a magnitude, and the levels lie evenly over what is left of the values, so that
 * values of one sign, or nearly, have them all on their side. Candidates whose squared error is larger than that of the whole range are not
 * looked at: most results of a hard-swish lie in a narrow peak below zero, for the sake of which the distribution alone would give up the
 * rare large ones, which the next layer lives on.
 *
 * `get_entropy_threshold` of onnxruntime's `calibrate.py` differs in three ways, each of which cuts off far too much where bins are many;
 * its own 128 bins for 128 levels leave it next to no choice. It counts numbers that occur again and again as all others. What is left when bins do not divide by levels all goes to the last level. And it spreads levels over both signs
 * whatever the values are.
 */
export function entropyRange({ histogram, levels, symmetric }: Observed): ValueRange {
  let bins = trimmed(histogram);
  while (bins.counts.length > 2 * ENTROPY_HALF_BINS_MAXIMUM) bins = trimmed(coarsened(bins));
  const { counts } = bins;
  const filled = symmetric ? { first: 0, last: counts.length } : filledPart(counts);
  const stride = Math.ceil(counts.length / 2 / ENTROPY_CANDIDATES);
  const [lowest, highest] = [edgeOf(bins, filled.first), edgeOf(bins, filled.last)];
  const steps = symmetric ? levels - 1 : levels;
  const errorWithin = (limit: number): number => quantisationError(bins, Math.max(lowest, -limit), Math.min(highest, limit), steps);
  const errorOfAll = errorWithin(Number.POSITIVE_INFINITY);
  const isWorthwhile = (limit: number): boolean => errorWithin(limit) <= errorOfAll;
  const threshold = searchThreshold(withoutSpikes(bins, levels), { levels, stride, ...filled, spread: 'even', isWorthwhile });
  return { minimum: -threshold, maximum: threshold };
}

/** A bin stands out that holds so many times what either neighbour does, and more than a level would of values spread evenly. */
const SPIKE_FACTOR = 4;

/**
 * A number that occurs again and again, such as the zeros of Relu or the bias of a convolution over an empty background, makes a bin that
 * stands out. Merging it with its neighbours loses no more than merging any other, but as a part of the whole distribution it would
 * outweigh all that is cut off: it counts as its neighbours do.
 */
function withoutSpikes({ counts, total, width }: Histogram, levels: number): Histogram {
  const levelled = counts.map((count, bin) => {
    const beside = Math.max(counts[bin - 1] ?? 0, counts[bin + 1] ?? 0);
    return count > SPIKE_FACTOR * beside && count > total / levels ? beside : count;
  });
  return { counts: levelled, width, total };
}

/** From the first bin that is not empty, or zero, to behind the last. */
function filledPart(counts: Float64Array): { first: number; last: number } {
  const middle = counts.length / 2;
  let [first, last] = [0, counts.length];
  while (first < middle && counts[first] === 0) first += 1;
  while (last > middle + 1 && counts[last - 1] === 0) last -= 1;
  return { first, last };
}

/**
 * `get_entropy_threshold` of `calibrate.py`: for each symmetric part of the histogram, what is outside of it is added to its last bins (p),
 * it is expanded again from `quantisedBins` bins (q), and the part with the smallest Kullback-Leibler divergence of p from q is taken.
 * @returns the threshold; that of the whole histogram if it has no more bins than quantised ones
 */
export function entropyThreshold(histogram: Histogram, quantisedBins: number): number {
  return searchThreshold(histogram, { levels: quantisedBins, stride: 1, first: 0, last: histogram.counts.length, spread: 'whole' });
}

interface ThresholdSearch {
  levels: number;
  /** Bins from one threshold that is tried to the next. */
  stride: number;
  /** The part of the bins over which levels may lie. */
  first: number;
  last: number;
  /** `whole`: each level has as many whole bins as the others, the last one also counts what is left. `even`: all bins have a level. */
  spread: 'whole' | 'even';
  /** Which thresholds are looked at; all if not given. */
  isWorthwhile?: (threshold: number) => boolean;
}

function searchThreshold(
  histogram: Histogram,
  { levels, stride, first, last, spread, isWorthwhile = () => true }: ThresholdSearch,
): number {
  const { counts } = histogram;
  const middle = counts.length / 2;
  let best = edgeOf(histogram, counts.length);
  let smallest = Number.POSITIVE_INFINITY;
  const reference = new Float64Array(counts.length);
  const expanded = new Float64Array(counts.length);
  const expand = spread === 'whole' ? expandWhole : expandEvenly;
  for (let half = Math.floor(levels / 2); half <= middle; half += stride) {
    const start = Math.max(first, middle - half);
    const end = Math.min(last, middle + half + (spread === 'whole' ? 1 : 0));
    if (end - start < levels) continue;
    fillReference(reference, counts, start, end);
    expand(expanded, reference, counts, { start, size: end - start, levels });
    const divergence = smoothedDivergence(reference, expanded, end - start);
    if (divergence >= smallest || !isWorthwhile(half * histogram.width)) continue;
    smallest = divergence;
    best = spread === 'whole' ? edgeOf(histogram, end) : half * histogram.width;
  }
  return best;
}

function fillReference(reference: Float64Array, counts: Float64Array, start: number, end: number): void {
  let left = 0;
  let right = 0;
  for (let bin = 0; bin < start; bin += 1) left += counts[bin] as number;
  for (let bin = end; bin < counts.length; bin += 1) right += counts[bin] as number;
  for (let bin = start; bin < end; bin += 1) reference[bin - start] = counts[bin] as number;
  reference[0] = (reference[0] as number) + left;
  reference[end - start - 1] = (reference[end - start - 1] as number) + right;
}

interface Part {
  start: number;
  size: number;
  levels: number;
}

/** Merges the bins into the levels, and spreads each of these over its bins that are not empty, in whole counts. */
function expandWhole(expanded: Float64Array, reference: Float64Array, counts: Float64Array, { start, size, levels }: Part): void {
  const merged = Math.floor(size / levels);
  expanded.fill(0, 0, size);
  for (let level = 0; level < levels; level += 1) {
    const from = level * merged;
    const to = from + merged;
    // The last level also counts what the division left over, but is spread over its own bins alone.
    const until = level === levels - 1 ? size : to;
    let sum = 0;
    let filled = 0;
    for (let bin = from; bin < until; bin += 1) sum += counts[start + bin] as number;
    for (let bin = from; bin < to; bin += 1) if (reference[bin] !== 0) filled += 1;
    if (filled > 0) expanded.fill(Math.floor(sum / filled), from, to);
  }
}

/** The same with a level for every bin, and nothing in bins that are empty. */
function expandEvenly(expanded: Float64Array, reference: Float64Array, counts: Float64Array, { start, size, levels }: Part): void {
  for (let level = 0; level < levels; level += 1) {
    const from = Math.floor((level * size) / levels);
    const to = Math.floor(((level + 1) * size) / levels);
    let sum = 0;
    let filled = 0;
    for (let bin = from; bin < to; bin += 1) {
      sum += counts[start + bin] as number;
      if (reference[bin] !== 0) filled += 1;
    }
    for (let bin = from; bin < to; bin += 1) expanded[bin] = reference[bin] === 0 ? 0 : sum / filled;
  }
}

const SMOOTHING = 0.0001;

/** Kullback-Leibler divergence of two lists of counts, whose zeros get a little of what the others have. */
function smoothedDivergence(reference: Float64Array, expanded: Float64Array, size: number): number {
  const [takenFromReference, referenceSum] = smoothing(reference, size);
  const [takenFromExpanded, expandedSum] = smoothing(expanded, size);
  if (referenceSum === 0 || expandedSum === 0) return Number.POSITIVE_INFINITY;
  let divergence = 0;
  for (let bin = 0; bin < size; bin += 1) {
    const p = (reference[bin] === 0 ? SMOOTHING : (reference[bin] as number) - takenFromReference) / referenceSum;
    const q = (expanded[bin] === 0 ? SMOOTHING : (expanded[bin] as number) - takenFromExpanded) / expandedSum;
    divergence += p * Math.log(p / q);
  }
  return divergence;
}

/** @returns what each count that is not zero gives away, and the sum, which stays the same */
function smoothing(counts: Float64Array, size: number): [taken: number, sum: number] {
  let zeros = 0;
  let sum = 0;
  for (let bin = 0; bin < size; bin += 1) {
    if (counts[bin] === 0) zeros += 1;
    sum += counts[bin] as number;
  }
  return zeros === size ? [0, 0] : [(SMOOTHING * zeros) / (size - zeros), sum];
}

/** Shares of what was seen that are tried for either end, first coarsely and then finely around the best. */
const COARSE_STEP = 0.05;
const FINE_STEP = 0.01;
const FINE_STEPS = 5;
/** Some bins per level are enough to see the error of rounding. */
const ERROR_BINS_MAXIMUM = 2048;

/**
 * The range with the smallest mean squared error of the quantised values: rounding within it, clipping outside of it. A search over a grid
 * of both ends, as in the white paper of Nagel et al. (2021, section 3.1): one end after the other would stop at a lesser minimum, since
 * each changes the step of the other.
 */
export function meanSquaredErrorRange({ minimum, maximum, symmetric, histogram, levels }: Observed): ValueRange {
  let bins = trimmed(histogram);
  while (bins.counts.length > ERROR_BINS_MAXIMUM) bins = trimmed(coarsened(bins));
  const largest = Math.max(Math.abs(minimum), Math.abs(maximum));
  const whole = symmetric ? { low: -largest, high: largest } : { low: Math.min(0, minimum), high: Math.max(0, maximum) };
  let best = { low: 1, high: 1 };
  let smallest = Number.POSITIVE_INFINITY;
  const tryShares = (low: number, high: number): void => {
    const error = quantisationError(bins, whole.low * low, whole.high * high, symmetric ? levels - 1 : levels);
    if (error >= smallest) return;
    smallest = error;
    best = { low, high };
  };
  const search = (lows: readonly number[], highs: readonly number[]): void => {
    if (symmetric) for (const share of highs) tryShares(share, share);
    else for (const low of whole.low === 0 ? [1] : lows) for (const high of whole.high === 0 ? [1] : highs) tryShares(low, high);
  };
  const coarse = Array.from({ length: Math.round(1 / COARSE_STEP) }, (_, place) => 1 - place * COARSE_STEP);
  search(coarse, coarse);
  const { low, high } = best;
  search(around(low), around(high));
  return { minimum: whole.low * best.low, maximum: whole.high * best.high };
}

function around(share: number): number[] {
  return Array.from({ length: 2 * FINE_STEPS + 1 }, (_, place) => share + (place - FINE_STEPS) * FINE_STEP).filter(
    (each) => each > 0 && each <= 1,
  );
}

/** Sum of squared errors over a histogram, its values at the middles of the bins, when zero is one of the levels. */
function quantisationError(histogram: Histogram, low: number, high: number, levels: number): number {
  const step = (high - low) / (levels - 1);
  if (step === 0) return Number.POSITIVE_INFINITY;
  const zeroPoint = Math.round(-low / step);
  const { counts, width } = histogram;
  const first = edgeOf(histogram, 0) + width / 2;
  let error = 0;
  for (let bin = 0; bin < counts.length; bin += 1) {
    const count = counts[bin] as number;
    if (count === 0) continue;
    const value = first + bin * width;
    const level = Math.min(levels - 1, Math.max(0, Math.round(value / step) + zeroPoint));
    error += count * (value - (level - zeroPoint) * step) ** 2;
  }
  return error;
}
