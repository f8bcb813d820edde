/** What each profile runs, what was measured, who was asked -> benchmarks of too little measured artefacts on idle devices. */
export { createMeasuring, type Measuring } from './measuring.ts';
