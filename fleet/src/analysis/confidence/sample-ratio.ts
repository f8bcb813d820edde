import { logGamma } from './special-functions.ts';

/** Devices that the prior around the expected shares is worth: few, so that a handful that is missing on one side is seen. */
const CONCENTRATION = 10;

/**
 * Always-valid p-value for counts that should come in given shares: the inverse of the Bayes factor of a Dirichlet mixture against them,
 * a martingale while the shares hold (Lindon & Malek 2022, "Anytime-valid inference for multinomial count data", section 3).
 */
export function multinomialP(counts: readonly number[], shares: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 1;
  let logFactor = logGamma(CONCENTRATION) - logGamma(CONCENTRATION + total);
  for (const [index, count] of counts.entries()) {
    const share = shares[index] ?? 0;
    if (share === 0) {
      if (count > 0) return 0;
      continue;
    }
    logFactor += logGamma(CONCENTRATION * share + count) - logGamma(CONCENTRATION * share) - count * Math.log(share);
  }
  return Math.min(1, Math.exp(-logFactor));
}
