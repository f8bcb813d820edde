/** A float model, names of its values and samples -> the range of each value, and what is wrong with them. */
export { type Calibration, type CalibrationFinding, type CalibrationSettings, calibrate } from './calibrate.ts';
