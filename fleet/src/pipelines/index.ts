/** Signed pipeline documents -> type-checked against operators and models -> immutable versions. */
export { createPipelines, PipelineProblems, type Pipelines } from './pipelines.ts';
