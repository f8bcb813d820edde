/** A release, a selector and steps -> targets in rows -> devices moved in waves, judged, and taken back where it goes wrong. */
export { type AnalysisQuestion, type Cohort, noAnalysis, type RolloutAnalysis } from './analysis-port.ts';
export { gatesOf } from './gates.ts';
export { createRollouts, type Rollouts } from './rollouts.ts';
export { comingReleases, followDesired } from './targets-store.ts';
export { rolloutsThatUse } from './uses-group.ts';
