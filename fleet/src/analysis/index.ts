/** Objectives, cohorts and what devices counted -> intervals that hold at every look -> successful, failed or inconclusive. */
export { type DeviceRollUps, figuresOfDevices, sourceOf } from './device-figures.ts';
export { judgeMetric, type MetricInput } from './judge-metric.ts';
export { sampleRatioOf, verdictOf } from './verdict.ts';
