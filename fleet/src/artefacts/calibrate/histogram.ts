/** Bins on either side of zero. */
const HALF_BINS = 4096;

/**
 * Counts of values in bins of equal width that meet at zero, grown while values stream in. The width is the smallest power of two at which
 * all of them fit, and when it grows, pairs of bins become one: so the result does not depend on the order of the values, memory is
 * bounded, and between 2,048 and 4,096 bins lie between zero and the largest magnitude.
 */
export interface Histogram {
  /** Bin i holds the values from (i - counts.length / 2) * width up to, and without, the next edge. */
  counts: Float64Array;
  width: number;
  total: number;
}

export function createHistogram(): Histogram {
  return { counts: new Float64Array(2 * HALF_BINS), width: 0, total: 0 };
}

/**
 * Adds finite values.
 * @param largest a magnitude that none of them exceeds; the bins then cover it
 */
export function addToHistogram(histogram: Histogram, values: Float32Array, largest: number): void {
  if (largest > 0) widen(histogram, largest);
  const { counts, width } = histogram;
  // While there are only zeros there is no width yet; any will do, since zero stays in the first bin above it.
  const perWidth = width === 0 ? 1 : 1 / width;
  for (let index = 0; index < values.length; index += 1) {
    const bin = Math.floor((values[index] as number) * perWidth) + HALF_BINS;
    counts[bin] = (counts[bin] as number) + 1;
  }
  histogram.total += values.length;
}

function widen(histogram: Histogram, largest: number): void {
  if (histogram.width === 0) histogram.width = widthFor(largest);
  while (largest >= histogram.width * HALF_BINS) {
    histogram.width *= 2;
    histogram.counts = halved(histogram.counts);
  }
}

/** The smallest power of two at which `largest` lies below the last edge. A power of two keeps products with it exact. */
function widthFor(largest: number): number {
  let width = 2 ** (Math.floor(Math.log2(largest)) + 1) / HALF_BINS;
  while (largest >= width * HALF_BINS) width *= 2;
  while (largest < (width / 2) * HALF_BINS) width /= 2;
  return width;
}

/** Pairs of bins become one; the range that the bins cover doubles. */
function halved(counts: Float64Array): Float64Array<ArrayBuffer> {
  const middle = counts.length / 2;
  const merged = new Float64Array(counts.length);
  for (let bin = 0; bin < counts.length; bin += 1) {
    const place = ((bin - middle) >> 1) + middle;
    merged[place] = (merged[place] as number) + (counts[bin] as number);
  }
  return merged;
}

/** Lower edge of a bin. */
export function edgeOf({ counts, width }: Histogram, bin: number): number {
  return (bin - counts.length / 2) * width;
}

/** The same values with the sign taken away. */
export function foldedAtZero({ counts, width, total }: Histogram): Histogram {
  const middle = counts.length / 2;
  const folded = new Float64Array(counts.length);
  for (let bin = 0; bin < middle; bin += 1) folded[middle + bin] = (counts[middle + bin] as number) + (counts[middle - 1 - bin] as number);
  return { counts: folded, width, total };
}

/** The middle of a histogram, without the outer bins in which nothing is on either side; the number of bins stays even. */
export function trimmed({ counts, width, total }: Histogram): Histogram {
  const middle = counts.length / 2;
  let half = middle;
  while (half > 1 && counts[middle - half] === 0 && counts[middle + half - 1] === 0) half -= 1;
  return { counts: counts.slice(middle - half, middle + half), width, total };
}

/** A histogram with bins twice as wide. */
export function coarsened({ counts, width, total }: Histogram): Histogram {
  const middle = counts.length / 2;
  const half = Math.ceil(middle / 2);
  const merged = new Float64Array(2 * half);
  for (let bin = 0; bin < counts.length; bin += 1) {
    const place = ((bin - middle) >> 1) + half;
    merged[place] = (merged[place] as number) + (counts[bin] as number);
  }
  return { counts: merged, width: 2 * width, total };
}

/** The value below which a share of the values lies; within a bin they are taken to be spread evenly. */
export function quantileOf(histogram: Histogram, share: number): number {
  const wanted = share * histogram.total;
  let below = 0;
  let last = 0;
  for (let bin = 0; bin < histogram.counts.length; bin += 1) {
    const count = histogram.counts[bin] as number;
    if (count === 0) continue;
    if (below + count >= wanted) return edgeOf(histogram, bin) + Math.max(0, (wanted - below) / count) * histogram.width;
    below += count;
    last = bin;
  }
  return edgeOf(histogram, last + 1);
}
