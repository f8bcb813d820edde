/**
 * Population stability index of two binned samples: sum over bins of (a - e) ln(a / e), where e and a are the shares of the bin in
 * the reference and in the current sample. Half a count is added to each bin so that an empty one stays finite (Jeffreys prior).
 * Usual reading: below 0.1 stable, above 0.25 moved.
 */
export function populationStabilityIndex(reference: readonly number[], current: readonly number[]): number {
  const bins = reference.length;
  const referenceTotal = totalOf(reference) + bins / 2;
  const currentTotal = totalOf(current) + bins / 2;
  let index = 0;
  for (let bin = 0; bin < bins; bin += 1) {
    const expected = ((reference[bin] ?? 0) + 0.5) / referenceTotal;
    const actual = ((current[bin] ?? 0) + 0.5) / currentTotal;
    index += (actual - expected) * Math.log(actual / expected);
  }
  return index;
}

/** Two-sample Kolmogorov-Smirnov statistic on bin counts: the largest distance of the two cumulative shares at a bin edge. */
export function kolmogorovSmirnov(reference: readonly number[], current: readonly number[]): number {
  const referenceTotal = totalOf(reference);
  const currentTotal = totalOf(current);
  if (referenceTotal === 0 || currentTotal === 0) return 0;
  let cumulativeReference = 0;
  let cumulativeCurrent = 0;
  let largest = 0;
  for (let bin = 0; bin < reference.length; bin += 1) {
    cumulativeReference += (reference[bin] ?? 0) / referenceTotal;
    cumulativeCurrent += (current[bin] ?? 0) / currentTotal;
    largest = Math.max(largest, Math.abs(cumulativeReference - cumulativeCurrent));
  }
  return largest;
}

/**
 * Asymptotic p-value of the two-sample Kolmogorov-Smirnov statistic: 2 sum (-1)^(k-1) exp(-2 k^2 t^2) with
 * t = sqrt(nm/(n+m)) D (Kolmogorov 1933; `kstwobign.sf(t)` of SciPy). Binning makes it conservative.
 */
export function kolmogorovSmirnovPValue(statistic: number, referenceCount: number, currentCount: number): number {
  if (referenceCount === 0 || currentCount === 0) return 1;
  const scaled = Math.sqrt((referenceCount * currentCount) / (referenceCount + currentCount)) * statistic;
  if (scaled < 0.04) return 1;
  let sum = 0;
  for (let term = 1; term <= 100; term += 1) {
    const addend = Math.exp(-2 * term * term * scaled * scaled);
    sum += term % 2 === 1 ? addend : -addend;
    if (addend < 1e-16) break;
  }
  return Math.min(1, Math.max(0, 2 * sum));
}

function totalOf(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
