import { z } from 'zod';
import { StarlingError } from '../errors.ts';

/**
 * Counts over fixed bins. `edges` are the inner bin edges, ascending; bin i holds values in [edges[i-1], edges[i]), the first bin
 * everything below `edges[0]`, the last everything from the last edge on. Sums of histograms with equal edges are exact.
 */
export const histogramSchema = z
  .object({
    edges: z.array(z.number()).max(256),
    counts: z.array(z.number().int().nonnegative()).max(257),
    count: z.number().int().nonnegative(),
    sum: z.number(),
    minimum: z.number().nullable(),
    maximum: z.number().nullable(),
  })
  .superRefine((histogram, context) => {
    const { edges, counts, count, minimum, maximum } = histogram;
    const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (edges.some((edge, index) => index > 0 && edge <= (edges[index - 1] as number))) refuse('edges', 'bin edges must ascend');
    if (counts.length !== edges.length + 1) refuse('counts', 'counts has one entry more than edges');
    else if (counts.reduce((total, each) => total + each, 0) !== count) refuse('count', 'count must be the sum of counts');
    if (count > 0 && (minimum === null || maximum === null || minimum > maximum)) {
      refuse('minimum', 'a histogram that is not empty has a minimum up to its maximum');
    }
  });
export type Histogram = z.infer<typeof histogramSchema>;

/**
 * Inner edges for latencies in milliseconds: 24 per decade from 0.1 ms to 100 s, so quantiles are within 10.1 %. Rounded, since engines
 * differ in the last bit of a power, and histograms merge only if their edges are equal.
 */
export const latencyEdgesMs: readonly number[] = Array.from({ length: 6 * 24 + 1 }, (_, index) =>
  Number((0.1 * 10 ** (index / 24)).toPrecision(6)),
);

export function createHistogram(edges: readonly number[]): Histogram {
  return { edges: [...edges], counts: new Array(edges.length + 1).fill(0), count: 0, sum: 0, minimum: null, maximum: null };
}

/** Index of the bin that holds `value`. */
export function binOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value < (edges[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Adds one value in place. Values that are not finite are ignored: they belong to no bin. */
export function addToHistogram(histogram: Histogram, value: number): void {
  if (!Number.isFinite(value)) return;
  const bin = binOf(histogram.edges, value);
  histogram.counts[bin] = (histogram.counts[bin] ?? 0) + 1;
  histogram.count += 1;
  histogram.sum += value;
  histogram.minimum = histogram.minimum === null ? value : Math.min(histogram.minimum, value);
  histogram.maximum = histogram.maximum === null ? value : Math.max(histogram.maximum, value);
}

/** The histogram of both samples together. @throws StarlingError `edges-differ` if the edges differ */
export function mergeHistograms(left: Histogram, right: Histogram): Histogram {
  if (left.edges.length !== right.edges.length || left.edges.some((edge, index) => edge !== right.edges[index])) {
    throw new StarlingError('edges-differ', 'histograms with different edges cannot be merged');
  }
  const pick = (choose: (...values: number[]) => number, a: number | null, b: number | null): number | null =>
    a === null ? b : b === null ? a : choose(a, b);
  return {
    edges: left.edges,
    counts: left.counts.map((count, index) => count + (right.counts[index] ?? 0)),
    count: left.count + right.count,
    sum: left.sum + right.sum,
    minimum: pick(Math.min, left.minimum, right.minimum),
    maximum: pick(Math.max, left.maximum, right.maximum),
  };
}

/**
 * Estimates a quantile by linear interpolation inside the bin that holds it.
 * @param fraction 0..1
 * @returns null for an empty histogram
 */
export function quantileOf(histogram: Histogram, fraction: number): number | null {
  if (histogram.count === 0 || histogram.minimum === null || histogram.maximum === null) return null;
  const rank = fraction * histogram.count;
  let below = 0;
  for (let bin = 0; bin < histogram.counts.length; bin += 1) {
    const inBin = histogram.counts[bin] ?? 0;
    if (inBin > 0 && below + inBin >= rank) {
      const from = Math.max(histogram.minimum, histogram.edges[bin - 1] ?? histogram.minimum);
      const to = Math.min(histogram.maximum, histogram.edges[bin] ?? histogram.maximum);
      // Rounding may carry the last value of a bin past its end.
      return Math.min(to, from + ((to - from) * Math.max(0, rank - below)) / inBin);
    }
    below += inBin;
  }
  return histogram.maximum;
}
