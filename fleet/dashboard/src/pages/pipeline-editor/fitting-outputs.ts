import type { DrawnGraph, DrawnNode } from '../../graph/drawn-graph.ts';
import type { Connection } from '../../graph/graph-canvas.tsx';
import { ERROR_PORT, refusalOfTypes } from '../../graph/node-ports.ts';

/** Why a line may not be drawn, or undefined if it may. */
export function refusalOf({ nodes }: DrawnGraph, { from, fromPort, to, toPort }: Connection): string | undefined {
  const [source, target] = [nodes.find(({ id }) => id === from), nodes.find(({ id }) => id === to)];
  if (source === undefined || target === undefined) return 'there is no such node';
  if (from === to) return 'a node cannot wait for itself; flow.delay gives the value of the item before';
  const given = source.outputs.find(({ name }) => name === fromPort);
  const taken = target.inputs.find(({ name }) => name === toPort);
  return refusalOfTypes(given?.type, taken?.type, target.isEach);
}

/** Outputs of other nodes that an input may be fed from, as `node.port`. */
export function fittingOutputs(graph: DrawnGraph, to: DrawnNode, toPort: string): string[] {
  return graph.nodes
    .filter(({ group }) => group === undefined)
    .flatMap(({ id, outputs }) =>
      outputs
        .filter(({ name }) => name !== ERROR_PORT && refusalOf(graph, { from: id, fromPort: name, to: to.id, toPort }) === undefined)
        .map(({ name }) => `${id}.${name}`),
    );
}

/** All ports of the pipeline itself that give values. */
export function outputsOf({ nodes }: Pick<DrawnGraph, 'nodes'>): string[] {
  return nodes.flatMap(({ id, group, outputs }) => (group === undefined ? outputs.map(({ name }) => `${id}.${name}`) : []));
}
