/**
 * A metric over a set of samples, in the form that resampling needs: each sample counts as often as `counts` says.
 * @returns NaN if those samples hold nothing to score
 */
export type Scorer = (counts: Float64Array) => number;

/** What a metric is named in, and what its predictions amount to. */
export interface Scored {
  scorer: Scorer;
  /** In words, for the report. */
  notes: string[];
}

/** Sum over sum, as most metrics are: right answers over questions, errors over characters. */
export function ratioScorer(numerators: ArrayLike<number>, denominators: ArrayLike<number>, factor: number): Scorer {
  const over = Float64Array.from(numerators);
  const under = Float64Array.from(denominators);
  return (counts) => {
    let numerator = 0;
    let denominator = 0;
    for (let sample = 0; sample < over.length; sample += 1) {
      const count = counts[sample] as number;
      numerator += count * (over[sample] as number);
      denominator += count * (under[sample] as number);
    }
    return denominator === 0 ? Number.NaN : (factor * numerator) / denominator;
  };
}
