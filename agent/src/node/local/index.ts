/** A pipeline file, models, files or sources -> results on a terminal, with no fleet. */
export { type LocalRunOptions, runPipelineLocally } from './run-pipeline.ts';
