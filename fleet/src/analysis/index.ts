/** Objectives, cohorts and what devices counted -> intervals that hold at every look -> successful, failed or inconclusive. */
export { type Analysis, alphaOf, createAnalysis, type JudgeQuestion } from './analysis.ts';
export { logGamma, mixtureRadius, multinomialP, proportionBounds, scaleFor } from './confidence/index.ts';
export { type DeviceRollUps, figuresOfDevices, type MeasureSource, sourceOf } from './device-figures.ts';
export { type Cohort, figuresQuery, type ProfilePrice } from './figures-sql.ts';
export { judgeMetric, type MetricInput } from './judge-metric.ts';
export { quantileOfBins } from './quantiles.ts';
export { requireMeasurable } from './require-measurable.ts';
export { deleteOldMeasurements, readFigures } from './store.ts';
export { sampleRatioOf, verdictOf } from './verdict.ts';
export { createWebhooks, type WebhookAnswer, type WebhookCall, type Webhooks } from './webhooks.ts';
