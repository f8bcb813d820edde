import type { Edge, OperatorNode, PipelineNode } from '../documents/pipeline.ts';
import type { ExpandedGraph } from './expand.ts';
import { dependencies, INPUT_NODE, OUTPUT_NODE, parsePortReference, triggersOf } from './topology.ts';

/** The place of nodes that say nothing else: the device that has the item. */
export const HOME_PLACE = 'device';

/** A port whose values enter a part. */
export interface PartInput {
  /** Under which the values travel: the port, and a number where edges of different queues start at it. */
  name: string;
  /** The port that gives them. */
  from: string;
  queue: Edge['queue'];
  /** Only that there is a value matters: it is a trigger. */
  isSignal: boolean;
}

/** Nodes of one place that are joined to each other: they run as a graph of their own, and what is between them never travels. */
export interface PipelinePart {
  /** Unique in the pipeline, and a legal segment of a topic. */
  name: string;
  place: string;
  nodes: readonly string[];
  inputs: readonly PartInput[];
  /** Ports whose values others read. */
  outputs: readonly string[];
}

/** Nodes that wait for each other through a delay, and yet are on different machines. */
export interface CycleAcrossPlaces {
  nodes: string[];
  places: string[];
}

type Placed = Pick<ExpandedGraph, 'nodes' | 'edges'>;

function placeOf(node: PipelineNode | undefined): string {
  return node?.on ?? HOME_PLACE;
}

/** Edges and triggers between nodes; those into a delay count, since what it keeps lies on one machine. */
function followersOf(graph: Placed): Map<string, string[]> {
  const next = new Map(Object.keys(graph.nodes).map((name) => [name, [] as string[]]));
  for (const [from, to] of dependencies(graph)) if (next.has(to)) next.get(from)?.push(to);
  return next;
}

/** Groups of nodes that can reach each other, each after all that lead to it (Tarjan, 1972). */
function componentsOf(next: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const components: string[][] = [];
  const open = (name: string): { name: string; at: number } => {
    index.set(name, index.size);
    low.set(name, index.get(name) as number);
    stack.push(name);
    onStack.add(name);
    return { name, at: 0 };
  };
  const lower = (name: string, to: number): void => void low.set(name, Math.min(low.get(name) as number, to));
  const close = (name: string): void => {
    if (low.get(name) !== index.get(name)) return;
    const component = stack.splice(stack.indexOf(name));
    for (const each of component) onStack.delete(each);
    components.push(component);
  };
  for (const start of next.keys()) {
    if (index.has(start)) continue;
    // Without recursion: a pipeline may be a thousand nodes long.
    const path = [open(start)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const follower = next.get(top.name)?.[top.at];
      top.at += 1;
      if (follower === undefined) {
        close(top.name);
        path.pop();
        const above = path.at(-1);
        if (above !== undefined) lower(above.name, low.get(top.name) as number);
      } else if (!index.has(follower)) path.push(open(follower));
      else if (onStack.has(follower)) lower(top.name, index.get(follower) as number);
    }
  }
  return components.reverse();
}

/** Loops through a delay that would have to go from machine to machine for each item: they would wait for themselves. */
export function cyclesAcrossPlaces(graph: Placed): CycleAcrossPlaces[] {
  return componentsOf(followersOf(graph)).flatMap((nodes) => {
    const places = [...new Set(nodes.map((name) => placeOf(graph.nodes[name])))];
    return places.length > 1 ? [{ nodes: nodes.sort(), places }] : [];
  });
}

/**
 * How often the way to each node changes from one machine to another, at most. It never falls along an edge, and rises where an edge goes to
 * another place: so parts of one number and place can be run as wholes, and no two parts wait for each other.
 */
function stagesOf(graph: Placed): Map<string, number> {
  const next = followersOf(graph);
  const stages = new Map<string, number>();
  for (const component of componentsOf(next)) {
    const stage = Math.max(0, ...component.map((name) => stages.get(name) ?? 0));
    for (const name of component) {
      stages.set(name, stage);
      for (const follower of next.get(name) ?? []) {
        if (component.includes(follower)) continue;
        const changes = placeOf(graph.nodes[name]) === placeOf(graph.nodes[follower]) ? 0 : 1;
        stages.set(follower, Math.max(stages.get(follower) ?? 0, stage + changes));
      }
    }
  }
  return stages;
}

/** @returns the parts of a pipeline that other machines run; empty if the device runs all of it */
export function splitByPlace(graph: Placed): PipelinePart[] {
  const stages = stagesOf(graph);
  const away = Object.keys(graph.nodes).filter((name) => placeOf(graph.nodes[name]) !== HOME_PLACE);
  const group = new Map(away.map((name) => [name, name]));
  const headOf = (name: string): string => {
    let head = name;
    while (group.get(head) !== head) head = group.get(head) as string;
    return head;
  };
  for (const [from, to] of dependencies(graph)) {
    if (!group.has(from) || !group.has(to)) continue;
    const areTogether = placeOf(graph.nodes[from]) === placeOf(graph.nodes[to]) && stages.get(from) === stages.get(to);
    if (areTogether) group.set(headOf(to), headOf(from));
  }
  const members = new Map<string, string[]>();
  for (const name of away) members.set(headOf(name), [...(members.get(headOf(name)) ?? []), name]);
  const names = new Set<string>();
  const ordered = [...members.values()].sort(([left = ''], [right = '']) => (stages.get(left) ?? 0) - (stages.get(right) ?? 0));
  return ordered.map((nodes) => {
    const place = placeOf(graph.nodes[nodes[0] as string]);
    const name = freeName(place, names);
    names.add(name);
    return { name, place, nodes, inputs: inputsOf(graph, new Set(nodes)), outputs: outputsOf(graph, new Set(nodes)) };
  });
}

/** `cloud`, `cloud-2`, `group-gpu`: short enough for a topic. */
function freeName(place: string, taken: ReadonlySet<string>): string {
  const base = place.replace(':', '-').slice(0, 56);
  if (!taken.has(base)) return base;
  for (let number = 2; ; number += 1) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`;
}

function inputsOf(graph: Placed, own: ReadonlySet<string>): PartInput[] {
  const inputs: PartInput[] = [];
  const add = (from: string, queue: Edge['queue'], isSignal: boolean): void => {
    const same = inputs.filter((input) => input.from === from);
    const found = isSignal ? same[0] : same.find((input) => JSON.stringify(input.queue) === JSON.stringify(queue));
    if (found === undefined) inputs.push({ name: same.length === 0 ? from : `${from}~${same.length + 1}`, from, queue, isSignal });
  };
  for (const { from, to, queue } of graph.edges) {
    if (own.has(parsePortReference(to).node) && !own.has(parsePortReference(from).node)) add(from, queue, false);
  }
  for (const name of own) {
    for (const from of triggersOf(graph.nodes[name] as PipelineNode))
      if (!own.has(parsePortReference(from).node)) add(from, undefined, true);
  }
  return inputs;
}

function outputsOf(graph: Placed, own: ReadonlySet<string>): string[] {
  const read = new Set<string>();
  for (const { from, to } of graph.edges) {
    if (own.has(parsePortReference(from).node) && !own.has(parsePortReference(to).node)) read.add(from);
  }
  for (const [name, node] of Object.entries(graph.nodes)) {
    if (own.has(name)) continue;
    for (const from of triggersOf(node)) if (own.has(parsePortReference(from).node)) read.add(from);
  }
  return [...read];
}

/** Values of these ports go from one machine to another. */
export function cutPorts(parts: readonly PipelinePart[]): string[] {
  return [...new Set(parts.flatMap(({ inputs, outputs }) => [...inputs.map(({ from }) => from), ...outputs]))];
}

/** The node that stands for a part in the graph of the device that has the item. No node of a pipeline can have this name. */
export function partNodeName(part: Pick<PipelinePart, 'name'>): string {
  return `@${part.name}`;
}

/** The graph as the device with the item runs it: one node in place of each part, with the ports of the part that others read. */
export function graphAtHome<Graph extends ExpandedGraph>(graph: Graph, parts: readonly PipelinePart[]): Graph {
  const away = new Set(parts.flatMap(({ nodes }) => nodes));
  const nodes: Record<string, PipelineNode> = {};
  for (const [name, node] of Object.entries(graph.nodes)) if (!away.has(name)) nodes[name] = node;
  const edges = graph.edges.filter(({ to }) => !away.has(parsePortReference(to).node));
  for (const part of parts) {
    const name = partNodeName(part);
    nodes[name] = standIn(part.place);
    for (const { name: port, from, queue } of part.inputs)
      edges.push({ from, to: `${name}.${port}`, ...(queue === undefined ? {} : { queue }) });
  }
  return { ...graph, nodes, edges };
}

function standIn(on: string): OperatorNode {
  return { op: 'part', params: {}, each: false, join: 'inner', triggersJoin: 'inner', onError: 'fail', on };
}

/** A part as a graph of its own: what enters it comes in at `input.PORT`, what others read goes out at `output.PORT`. */
export function graphOfPart(graph: ExpandedGraph, { nodes, inputs, outputs }: PipelinePart): ExpandedGraph {
  const own = new Set(nodes);
  const entrance = (from: string, queue: Edge['queue'], isSignal = false): string => {
    if (own.has(parsePortReference(from).node)) return from;
    const same = inputs.filter((input) => input.from === from);
    const found = isSignal ? same[0] : same.find((input) => JSON.stringify(input.queue) === JSON.stringify(queue));
    return `${INPUT_NODE}.${found?.name ?? from}`;
  };
  const kept = nodes.map((name): [string, PipelineNode] => {
    const node = graph.nodes[name] as PipelineNode;
    if (!('triggers' in node) || node.triggers === undefined) return [name, node];
    return [name, { ...node, triggers: node.triggers.map((from) => entrance(from, undefined, true)) }];
  });
  const edges = graph.edges
    .filter(({ to }) => own.has(parsePortReference(to).node))
    .map(({ from, to, queue }) => {
      const isInside = own.has(parsePortReference(from).node);
      // The queue of an edge that comes from elsewhere is where the item is.
      return { from: entrance(from, queue), to, ...(isInside && queue !== undefined ? { queue } : {}) };
    });
  return {
    inputs: Object.fromEntries(inputs.map(({ name }) => [name, 'any'])),
    outputs: Object.fromEntries(outputs.map((port) => [port, 'any'])),
    nodes: Object.fromEntries(kept),
    edges: [...edges, ...outputs.map((port) => ({ from: port, to: `${OUTPUT_NODE}.${port}` }))],
    inner: Object.fromEntries(Object.entries(graph.inner).filter(([name]) => own.has(name))),
    aliases: graph.aliases,
  };
}

/** Names of the models that nodes at these places run, those of pipelines that run there as a whole included. */
export function modelsAtPlaces({ nodes, inner }: ExpandedGraph, places: readonly string[]): string[] {
  const insideOf = (graph: ExpandedGraph): string[] => [
    ...Object.values(graph.nodes).flatMap(modelOf),
    ...Object.values(graph.inner).flatMap(insideOf),
  ];
  return [
    ...new Set(
      Object.entries(nodes).flatMap(([name, node]) => {
        if (!places.includes(placeOf(node))) return [];
        const inside = inner[name];
        return inside === undefined ? modelOf(node) : insideOf(inside);
      }),
    ),
  ];
}

function modelOf(node: PipelineNode): string[] {
  return 'model' in node ? [node.model] : [];
}
