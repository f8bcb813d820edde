/** A checked pipeline, loaded models and operators -> a graph that runs items, with a bounded queue in front. */
export type { GraphFigures, PortFigures } from './figures.ts';
export { createGraph, type Graph } from './graph.ts';
export { graphWork } from './graph-work.ts';
export type { ItemInput, ItemResult } from './item.ts';
export { type BoundOperator, groupByShape, modelWork, type NodeWork, operatorWork, type Values } from './node-work.ts';
export type { GraphObserver, ObservedItem } from './observe.ts';
export type { OperatorItem } from './operators/index.ts';
export { type BoundNode, planGraph } from './plan.ts';
export { createWorkQueue, type WorkQueue } from './queue.ts';
export { createVirtualClock, type VirtualClock } from './virtual-clock.ts';
