/** A checked pipeline, loaded models and operators -> a graph that runs items, with a bounded queue in front. */
export { encodeEdgeValue } from './edge-value.ts';
export { createGraph, type Graph } from './graph.ts';
export type { GraphFigures, PortFigures } from './graph-figures.ts';
export { graphWork } from './graph-work.ts';
export type { ItemResult } from './item.ts';
export type { ItemInput } from './item-input.ts';
export { withModelState } from './model-state.ts';
export { type BoundOperator, groupByShape, modelWork, type NodeWork, operatorWork, type Values } from './node-work.ts';
export type { GraphObserver, ObservedItem } from './observe.ts';
export type { OperatorItem } from './operators/index.ts';
export { type BoundNode, type ItemWindow, planGraph } from './plan.ts';
export { createWorkQueue, type WorkQueue } from './queue.ts';
export { createRecentItems, type RecentItems, type ReplayableItem } from './recent-items.ts';
export { replayItem, seeItem, showEdges } from './replay.ts';
export { scriptWork } from './script-work.ts';
export { createTaps, type TapArguments } from './tap.ts';
export { createTraceBatch, createTracer, type TraceBatch, type Tracer } from './trace.ts';
export { createVirtualClock, type VirtualClock } from './virtual-clock.ts';
