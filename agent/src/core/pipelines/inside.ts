import type { GraphFigures } from './graph-figures.ts';
import type { GraphObserver, Observable } from './observe.ts';
import type { PlannedNode } from './plan.ts';

/** The graphs that nodes of a graph run as a whole, under the names of those nodes. */
export type GraphsInside = readonly { prefix: string; inside: Observable }[];

export function graphsInside(nodes: readonly PlannedNode[]): GraphsInside {
  return nodes.flatMap(({ name, work: { inside } }) => (inside === undefined ? [] : [{ prefix: `${name}/`, inside }]));
}

export function portsInside(graphs: GraphsInside): string[] {
  return graphs.flatMap(({ prefix, inside }) => inside.ports.map((port) => prefix + port));
}

/** Values only: the items of a graph inside are not those that whoever watches knows, and its nodes take part in the time of their node. */
export function observeInside(graphs: GraphsInside, observer: GraphObserver): () => void {
  const { value } = observer;
  if (value === undefined) return () => undefined;
  const detach = graphs.map(({ prefix, inside }) =>
    inside.observe({ value: (reference, given, item) => value.call(observer, prefix + reference, given, item) }),
  );
  return () => {
    for (const each of detach) each();
  };
}

export function withFiguresInside({ nodes, ports }: GraphFigures, graphs: GraphsInside): GraphFigures {
  for (const { prefix, inside } of graphs) {
    const within = inside.takeFigures();
    for (const [name, figures] of Object.entries(within.nodes)) nodes[prefix + name] = figures;
    for (const [reference, figures] of Object.entries(within.ports)) ports[prefix + reference] = figures;
  }
  return { nodes, ports };
}
