import type { Edge, PipelineGraph, PipelineNode } from '../documents/pipeline.ts';

/** Reserved node names: ports of `input` are the pipeline's inputs, ports of `output` its outputs. */
export const INPUT_NODE = 'input';
export const OUTPUT_NODE = 'output';

/** Operator that gives the value of the item before: what it takes now does not hold up what it gives now. */
export const DELAY_OPERATOR = 'flow.delay';

/** The part of a graph that says what comes after what. */
export type Wiring = Pick<PipelineGraph, 'nodes' | 'edges'>;

export interface PortReference {
  node: string;
  port: string;
}

/** Splits `node.port` at the first dot: node names hold none, port names (ONNX value names) may. */
export function parsePortReference(reference: string): PortReference {
  const dot = reference.indexOf('.');
  return { node: reference.slice(0, dot), port: reference.slice(dot + 1) };
}

/** Nodes that wait for others, from first to second: edges and triggers. */
export function dependencies({ nodes, edges }: Wiring): [from: string, to: string][] {
  const triggers = Object.entries(nodes).flatMap(([name, node]) =>
    triggersOf(node).map((trigger): [string, string] => [parsePortReference(trigger).node, name]),
  );
  return [...edges.map(({ from, to }): [string, string] => [parsePortReference(from).node, parsePortReference(to).node]), ...triggers];
}

export function triggersOf(node: PipelineNode): readonly string[] {
  return 'triggers' in node ? (node.triggers ?? []) : [];
}

export function isDelay(node: PipelineNode | undefined): boolean {
  return node !== undefined && 'op' in node && node.op === DELAY_OPERATOR;
}

export interface Topology {
  /** Nodes so that each comes after all that it waits for; those of a cycle are missing from it. */
  order: string[];
  /** Nodes that lie on a cycle, or behind one. */
  cyclic: string[];
}

/** Kahn's algorithm over the nodes of a pipeline; `input` and `output` are left out, and a delay waits for nothing. */
export function orderNodes(graph: Wiring): Topology {
  return orderOf(Object.keys(graph.nodes), waysIn(graph));
}

type Way = readonly [from: string, to: string];

function waysIn(graph: Wiring): Way[] {
  const isHere = (name: string): boolean => Object.hasOwn(graph.nodes, name);
  return dependencies(graph).filter(([from, to]) => isHere(from) && isHere(to) && !isDelay(graph.nodes[to]));
}

function orderOf(names: readonly string[], ways: readonly Way[]): Topology {
  const waiting = new Map(names.map((name) => [name, 0]));
  const next = new Map<string, string[]>();
  for (const [from, to] of ways) {
    waiting.set(to, (waiting.get(to) ?? 0) + 1);
    const followers = next.get(from) ?? [];
    followers.push(to);
    next.set(from, followers);
  }
  const order = names.filter((name) => waiting.get(name) === 0);
  for (const node of order) {
    for (const follower of next.get(node) ?? []) {
      const left = (waiting.get(follower) ?? 0) - 1;
      waiting.set(follower, left);
      if (left === 0) order.push(follower);
    }
  }
  const placed = new Set(order);
  return { order, cyclic: names.filter((name) => !placed.has(name)) };
}

/**
 * Circles, each of its nodes in the order in which values would go, without those that only lie behind it. As many as need mending: with
 * the way from the last node of each to its first cut, none is left.
 */
export function circlesIn(graph: Wiring): string[][] {
  const names = Object.keys(graph.nodes);
  const circles: string[][] = [];
  let ways = waysIn(graph);
  for (let circle = circleIn(names, ways); circle.length > 0; circle = circleIn(names, ways)) {
    circles.push(circle);
    ways = ways.filter(([from, to]) => from !== circle.at(-1) || to !== circle[0]);
  }
  return circles;
}

function circleIn(names: readonly string[], ways: readonly Way[]): string[] {
  const { cyclic } = orderOf(names, ways);
  const among = new Set(cyclic);
  const before = new Map<string, string>();
  for (const [from, to] of ways) if (among.has(from) && among.has(to)) before.set(to, from);
  // Each of them waits for another of them, so the way back comes to where it was.
  const way: string[] = [];
  let node = cyclic[0];
  while (node !== undefined && !way.includes(node)) {
    way.push(node);
    node = before.get(node);
  }
  const circle = node === undefined ? [] : way.slice(way.indexOf(node)).toReversed();
  const first = circle.indexOf(cyclic.find((name) => circle.includes(name)) ?? '');
  return first < 0 ? [] : [...circle.slice(first), ...circle.slice(0, first)];
}

/** Nodes from which no path leads to a pipeline output, a sink or one of `ends`: work that nobody would see. */
export function uselessNodes(graph: Wiring, ends: readonly string[] = []): string[] {
  const feeds = new Map<string, string[]>();
  for (const [from, to] of dependencies(graph)) feeds.set(to, [...(feeds.get(to) ?? []), from]);
  const useful = new Set<string>();
  const sinks = Object.entries(graph.nodes).flatMap(([name, node]) => ('sink' in node ? [name] : []));
  const open = [OUTPUT_NODE, ...sinks, ...ends];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (useful.has(node)) continue;
    useful.add(node);
    open.push(...(feeds.get(node) ?? []));
  }
  return Object.keys(graph.nodes).filter((name) => !useful.has(name));
}

/** The edges that end at a node. */
export function edgesInto(graph: Pick<PipelineGraph, 'edges'>, node: string): Edge[] {
  return graph.edges.filter((edge) => parsePortReference(edge.to).node === node);
}
