/** Objectives, cohorts and what devices counted -> intervals that hold at every look -> successful, failed or inconclusive. */
export { type Analysis, alphaOf, createAnalysis, type JudgeQuestion, type KeptMetric } from './analysis.ts';
export { type DeviceRollUps, figuresOfDevices, sourceOf } from './device-figures.ts';
export type { Cohort, ProfilePrice } from './figures-sql.ts';
export { judgeMetric, type MetricInput } from './judge-metric.ts';
export { sampleRatioOf, verdictOf } from './verdict.ts';
