/** Estimates and their variances, counts -> intervals and p-values that hold at every look together. */
export { informationFor, mixtureRadius, scaleFor } from './mixture.ts';
export { type Bounds, levelBounds, logBetaBinomialMixture, proportionBounds } from './proportion.ts';
export { multinomialP } from './sample-ratio.ts';
export { logGamma } from './special-functions.ts';
