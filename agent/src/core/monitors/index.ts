/** Values on edges, latencies and sensor readings -> sketches and records per window. */
export { createDriftWatch, type DriftVerdict, type DriftWatch, JUDGED_MINIMUM, REFERENCE_MINIMUM } from './drift.ts';
export { energyRecord, healthRecord, splitEnergy } from './energy.ts';
export { describeFigures } from './graph-figures.ts';
export { createInferenceWindow, type InferenceWindow } from './inference-window.ts';
export { measure } from './measure.ts';
