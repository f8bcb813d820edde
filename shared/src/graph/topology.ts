import type { Edge, Pipeline } from '../documents/pipeline.ts';

/** Reserved node names: ports of `input` are the pipeline's inputs, ports of `output` its outputs. */
export const INPUT_NODE = 'input';
export const OUTPUT_NODE = 'output';

export interface PortReference {
  node: string;
  port: string;
}

/** Splits `node.port` at the first dot: node names hold none, port names (ONNX value names) may. */
export function parsePortReference(reference: string): PortReference {
  const dot = reference.indexOf('.');
  return { node: reference.slice(0, dot), port: reference.slice(dot + 1) };
}

export interface Topology {
  /** Nodes so that each comes after all that feed it; empty nodes of a cycle are missing from it. */
  order: string[];
  /** Nodes that lie on a cycle, or behind one. */
  cyclic: string[];
}

/** Kahn's algorithm over the nodes of a pipeline; `input` and `output` are left out. */
export function orderNodes(pipeline: Pick<Pipeline, 'nodes' | 'edges'>): Topology {
  const names = Object.keys(pipeline.nodes);
  const waiting = new Map(names.map((name) => [name, 0]));
  const next = new Map<string, string[]>();
  for (const edge of pipeline.edges) {
    const [from, to] = [parsePortReference(edge.from).node, parsePortReference(edge.to).node];
    if (!waiting.has(from) || !waiting.has(to)) continue;
    waiting.set(to, (waiting.get(to) ?? 0) + 1);
    next.set(from, [...(next.get(from) ?? []), to]);
  }
  const ready = names.filter((name) => waiting.get(name) === 0);
  const order: string[] = [];
  for (let node = ready.shift(); node !== undefined; node = ready.shift()) {
    order.push(node);
    for (const follower of next.get(node) ?? []) {
      const left = (waiting.get(follower) ?? 0) - 1;
      waiting.set(follower, left);
      if (left === 0) ready.push(follower);
    }
  }
  const placed = new Set(order);
  return { order, cyclic: names.filter((name) => !placed.has(name)) };
}

/** Nodes from which no path leads to a pipeline output: work that nobody would see. */
export function uselessNodes(pipeline: Pick<Pipeline, 'nodes' | 'edges'>): string[] {
  const feeds = new Map<string, string[]>();
  for (const edge of pipeline.edges) {
    const [from, to] = [parsePortReference(edge.from).node, parsePortReference(edge.to).node];
    feeds.set(to, [...(feeds.get(to) ?? []), from]);
  }
  const useful = new Set<string>();
  const open = [OUTPUT_NODE];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (useful.has(node)) continue;
    useful.add(node);
    open.push(...(feeds.get(node) ?? []));
  }
  return Object.keys(pipeline.nodes).filter((name) => !useful.has(name));
}

/** The edges that end at a node. */
export function edgesInto(pipeline: Pick<Pipeline, 'edges'>, node: string): Edge[] {
  return pipeline.edges.filter((edge) => parsePortReference(edge.to).node === node);
}
