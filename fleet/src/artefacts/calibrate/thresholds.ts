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
 * (GTC 2017), in the form of EntropyCalibrater of onnxruntime's `calibrate.py`. As in TensorRT each side of zero has half of the levels;
 * values of one sign have all levels on their side.
 */
export function entropyRange({ histogram, levels, minimum, maximum, symmetric }: Observed): ValueRange {
  const oneSided = !symmetric && (minimum >= 0 || maximum <= 0);
  let bins = trimmed(histogram);
  while (bins.counts.length > 2 * ENTROPY_HALF_BINS_MAXIMUM) bins = trimmed(coarsened(bins));
  const stride = Math.ceil(bins.counts.length / 2 / ENTROPY_CANDIDATES);
  const threshold = entropyThreshold(bins, oneSided ? 2 * levels : levels, stride);
  return { minimum: -threshold, maximum: threshold };
}

/**
 * `get_entropy_threshold` of `calibrate.py`: for each symmetric part of the histogram, what is outside of it is added to its last bins (p),
 * it is expanded again from `quantisedBins` bins (q), and the part with the smallest Kullback-Leibler divergence of p from q is taken.
 * @param stride bins from one threshold that is tried to the next; 1 there
 * @returns the threshold; that of the whole histogram if it has no more bins than quantised ones
 */
export function entropyThreshold(histogram: Histogram, quantisedBins: number, stride = 1): number {
  const { counts } = histogram;
  const middle = counts.length / 2;
  const halfQuantised = Math.floor(quantisedBins / 2);
  let best = edgeOf(histogram, counts.length);
  let smallest = Number.POSITIVE_INFINITY;
  const reference = new Float64Array(counts.length);
  const expanded = new Float64Array(counts.length);
  for (let half = halfQuantised; half <= middle; half += stride) {
    const start = middle - half;
    const end = Math.min(middle + half + 1, counts.length);
    const size = end - start;
    fillReference(reference, counts, start, end);
    expandQuantised(expanded, reference, counts, start, size, quantisedBins);
    const divergence = smoothedDivergence(reference, expanded, size);
    if (divergence >= smallest) continue;
    smallest = divergence;
    best = edgeOf(histogram, end);
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

/** Merges the bins into the quantised ones, and spreads each of these over its bins that are not empty, in whole counts. */
function expandQuantised(
  expanded: Float64Array,
  reference: Float64Array,
  counts: Float64Array,
  start: number,
  size: number,
  quantisedBins: number,
): void {
  const merged = Math.floor(size / quantisedBins);
  expanded.fill(0, 0, size);
  for (let index = 0; index < quantisedBins; index += 1) {
    const from = index * merged;
    const to = from + merged;
    // The last quantised bin also counts what the division left over, but is spread over its own bins alone.
    const until = index === quantisedBins - 1 ? size : to;
    let sum = 0;
    let filled = 0;
    for (let bin = from; bin < until; bin += 1) sum += counts[start + bin] as number;
    for (let bin = from; bin < to; bin += 1) if (reference[bin] !== 0) filled += 1;
    if (filled > 0) expanded.fill(Math.floor(sum / filled), from, to);
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
