import { INPUT_NODE } from '@starling/shared';
import type { Graph } from './graph.ts';
import type { NodeWork, Values } from './node-work.ts';
import type { OperatorItem } from './operators/index.ts';

/** A graph as a node of another. Items of a list go through it one after the other, so that what it keeps goes along the list. */
export function graphWork(graph: Graph, outputNames: readonly string[]): NodeWork {
  const run = async (inputs: Values, { stream, seenAs, timeMs, signal }: OperatorItem): Promise<Values> => {
    const values = Object.fromEntries(Object.entries(inputs).map(([port, value]) => [`${INPUT_NODE}.${port}`, value]));
    return (await graph.run({ values, stream, timeMs, signal, seenAs })).outputs;
  };
  return {
    outputNames,
    inside: graph,
    run,
    async runEach(items, item) {
      const results: Values[] = [];
      for (const inputs of items) results.push(await run(inputs, item));
      return results;
    },
  };
}
