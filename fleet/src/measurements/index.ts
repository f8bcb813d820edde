/** `benchmark` records of devices -> the newest of each artefact and device -> medians by profile, and devices that fall out of their class. */
export { aggregate, type Figures } from './aggregate.ts';
export { keepMeasurements } from './keep-measurements.ts';
export { createMeasurements, type Measurements } from './measurements.ts';
export { briefMeasurements, forgetMeasurements, type MeasuredBrief, type MeasuredRow, measurementsOf } from './store.ts';
