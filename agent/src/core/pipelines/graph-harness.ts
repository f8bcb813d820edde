import { type PipelineGraph, pipelineGraphSchema } from '@starling/shared';
import type { z } from 'zod';
import { createGraph, type Graph } from './graph.ts';
import type { NodeWork, Values } from './node-work.ts';
import type { OperatorItem } from './operators/index.ts';
import { type BoundNode, planGraph } from './plan.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

/** What a node does in a test. */
export type Run = (inputs: Values, item: OperatorItem) => Values | Promise<Values>;

export interface TestNode extends Omit<BoundNode, 'work'> {
  run: Run;
  outputs?: readonly string[];
}

export interface GraphUnderTest {
  graph: Graph;
  clock: VirtualClock;
  /** Runs an item; values by input name. */
  push(values: Values, options?: { stream?: string; signal?: AbortSignal; timeMs?: number }): Promise<Values>;
  /** Lets everything happen that needs no time. */
  settle(): Promise<void>;
  /** Lets time pass, timer by timer, for as long as any is set. */
  drain(): Promise<void>;
}

/** A graph with functions for nodes, on a clock that the test drives. */
export function startGraph(
  document: z.input<typeof pipelineGraphSchema>,
  nodes: Readonly<Record<string, TestNode | Run>>,
  options: { deadlineMs?: number } = {},
): GraphUnderTest {
  const parsed: PipelineGraph = pipelineGraphSchema.parse(document);
  const clock = createVirtualClock();
  const plan = planGraph(parsed, (name) => bound(nodes[name] as TestNode | Run));
  const graph = createGraph(plan, { clock, ...options });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
  };
  return {
    graph,
    clock,
    async push(values, { stream = 'test', timeMs = 0, signal } = {}) {
      const named = Object.fromEntries(Object.entries(values).map(([name, value]) => [name.includes('.') ? name : `input.${name}`, value]));
      return (await graph.run({ values: named, stream, timeMs, signal })).outputs;
    },
    settle,
    async drain() {
      do await settle();
      while (clock.advance());
    },
  };
}

function bound(node: TestNode | Run): BoundNode {
  const { run, outputs = ['out'], ...rest } = typeof node === 'function' ? { run: node } : node;
  const work: NodeWork = {
    outputNames: outputs,
    run,
    async runEach(items, item) {
      const results: Values[] = [];
      for (const inputs of items) results.push(await run(inputs, item));
      return results;
    },
  };
  return { work, ...rest };
}
