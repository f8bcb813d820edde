import { logBeta } from './special-functions.ts';

/** Jeffreys' prior as mixing distribution: narrow for rare and for usual events alike. */
const PRIOR = 0.5;

export interface Bounds {
  low: number;
  high: number;
}

/**
 * Logarithm of the beta-binomial mixture of likelihood ratios against one proportion. Under that proportion it is a martingale that
 * starts at 1, so it ever passes 1 / alpha with a chance of at most alpha (Ville; Robbins 1970; Howard et al. 2021, section 3.4).
 * @param hits and `trials` may be fractions: a sample that is worth less than its count
 */
export function logBetaBinomialMixture(hits: number, trials: number, proportion: number): number {
  return logMixture(hits, trials) - logLikelihood(hits, trials, proportion);
}

function logMixture(hits: number, trials: number): number {
  return logBeta(PRIOR + hits, PRIOR + trials - hits) - logBeta(PRIOR, PRIOR);
}

function logLikelihood(hits: number, trials: number, proportion: number): number {
  const misses = trials - hits;
  return (hits === 0 ? 0 : hits * Math.log(proportion)) + (misses === 0 ? 0 : misses * Math.log1p(-proportion));
}

/** Proportions that are not refuted at any look so far, with a chance of `alpha` to ever miss the true one. Exact at every sample size. */
export function proportionBounds(hits: number, trials: number, alpha: number): Bounds {
  if (trials <= 0) return { low: 0, high: 1 };
  // The same in every step: only the likelihood depends on the proportion.
  const limit = logMixture(hits, trials) - Math.log(1 / alpha);
  const isOut = (proportion: number): boolean => logLikelihood(hits, trials, proportion) <= limit;
  const centre = hits / trials;
  return {
    low: hits === 0 ? 0 : bisect(0, centre, isOut),
    high: hits === trials ? 1 : bisect(1, centre, isOut),
  };
}

/** Empirical levels that fit a true level: how far the share below a true quantile may be off. */
export function levelBounds(level: number, trials: number, alpha: number): Bounds {
  if (trials <= 0) return { low: 0, high: 1 };
  const limit = Math.log(1 / alpha);
  const isOut = (seen: number): boolean => logBetaBinomialMixture(seen * trials, trials, level) >= limit;
  return { low: isOut(0) ? bisect(0, level, isOut) : 0, high: isOut(1) ? bisect(1, level, isOut) : 1 };
}

const BISECTIONS = 48;

/** Where a condition that holds at `outside` and not at `inside` begins to hold, on its outer side. */
function bisect(outside: number, inside: number, isOut: (value: number) => boolean): number {
  let out = outside;
  let within = inside;
  for (let step = 0; step < BISECTIONS; step += 1) {
    const middle = (out + within) / 2;
    if (isOut(middle)) out = middle;
    else within = middle;
  }
  return out;
}
