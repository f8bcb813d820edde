/** A checked pipeline, loaded models and operators -> a graph that runs items, with a bounded queue in front. */
export { type CompiledNode, type CompiledPipeline, compilePipeline, inputReference, type Wire } from './compile.ts';
export { type BoundOperator, groupByShape, modelWork, operatorWork } from './node-work.ts';
export { createWorkQueue, type QueueOptions, type WorkQueue } from './queue.ts';
export { type ItemRun, type NodeWork, runItem } from './run.ts';
