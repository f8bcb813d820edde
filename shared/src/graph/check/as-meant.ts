import type { PipelineGraph } from '../../documents/pipeline.ts';
import { nearestName } from '../nearest-name.ts';
import { parsePortReference } from '../topology.ts';
import type { CheckedGraph } from './graph-context.ts';

type Known = Pick<CheckedGraph, 'graph' | 'ports'>;

/**
 * The graph with what was most likely meant in place of each unknown name in its edges: the nearest name, else the only input that nothing
 * else ends at. What cannot be told stays.
 */
export function asMeant(checked: Known): PipelineGraph {
  const { graph } = checked;
  const edges = graph.edges.map((edge) => ({
    ...edge,
    from: nearest(checked, edge.from, 'outputs') ?? edge.from,
    to: nearest(checked, edge.to, 'inputs') ?? edge.to,
  }));
  const taken = new Set(edges.map(({ to }) => to));
  const free = [...checked.ports].flatMap(([node, { inputs }]) =>
    [...inputs.keys()].map((port) => `${node}.${port}`).filter((to) => !taken.has(to)),
  );
  return { ...graph, edges: edges.map((edge) => ({ ...edge, to: onlyFree(checked, edge.to, free) ?? edge.to })) };
}

/** The reference itself where it is known; undefined where no name is near. */
function nearest({ graph, ports }: Known, reference: string, side: 'inputs' | 'outputs'): string | undefined {
  const { node, port } = parsePortReference(reference);
  // A node that is declared, and whose kind is unknown, has ports that nobody knows.
  const isDeclared = Object.hasOwn(graph.nodes, node) || ports.has(node);
  const name = isDeclared ? node : nearestName(node, ports.keys());
  const known = name === undefined ? undefined : ports.get(name)?.[side];
  if (known === undefined) return undefined;
  const near = known.has(port) ? port : nearestName(port, known.keys());
  return near === undefined ? undefined : `${name}.${near}`;
}

function onlyFree({ graph, ports }: Known, to: string, free: readonly string[]): string | undefined {
  const { node, port } = parsePortReference(to);
  const known = ports.get(node);
  if (known?.inputs.has(port) === true || (known === undefined && Object.hasOwn(graph.nodes, node))) return undefined;
  const candidates = free.filter((each) => {
    const place = parsePortReference(each);
    return known === undefined ? place.port === port : place.node === node;
  });
  return candidates.length === 1 ? candidates[0] : undefined;
}
