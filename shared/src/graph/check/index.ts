/** A pipeline and what there is to name in it -> every mistake, with its place and what to do about it. */
export { checkPipeline, outputPortsOf } from './check-pipeline.ts';
export type { GraphContext, ModelPorts } from './graph-context.ts';
