import type { Edge, InnerPipeline, ParameterValues, Pipeline, PipelineNode, PipelineReferenceNode } from '../documents/pipeline.ts';
import { StarlingError } from '../errors.ts';
import { EXPANDED_NODES_MAXIMUM } from '../limits.ts';
import { resolveParameters, substitute } from './parameters.ts';
import { INPUT_NODE, OUTPUT_NODE, parsePortReference } from './topology.ts';

/** A graph without plain pipeline nodes: their insides stand in it, as `outer/inner`. */
export interface ExpandedGraph {
  inputs: Pipeline['inputs'];
  outputs: Pipeline['outputs'];
  /** With the values of parameters in their params. */
  nodes: Record<string, PipelineNode>;
  edges: Edge[];
  /** Pipeline nodes that stay, since they run their inside as a whole: each item of a list, again, with a limit of time. */
  inner: Record<string, ExpandedGraph>;
  /** Ports of the pipeline nodes that are gone -> the port that gives their value now. */
  aliases: Record<string, string>;
}
export type ExpandedPipeline = Omit<Pipeline, keyof ExpandedGraph> & ExpandedGraph;

/** Whether the inside of a pipeline node may stand in its place: the node asks nothing of it as a whole. */
export function isPlain(node: PipelineReferenceNode, edges: readonly Edge[], name: string): boolean {
  const { each, join, triggers, retry, timeoutMs, onError, concurrency } = node;
  const asksNothing = !each && join === 'inner' && onError === 'fail';
  const bounds = [triggers, retry, timeoutMs, concurrency].some((value) => value !== undefined);
  return asksNothing && !bounds && !edges.some(({ from }) => from === `${name}.error`);
}

/**
 * Spreads out the pipelines inside a checked pipeline and puts in the values of its parameters.
 * @throws StarlingError `recursive-pipeline`, `unknown-pipeline`, `too-large`, and what {@link resolveParameters} throws
 */
export function expandPipeline(pipeline: Pipeline, values: ParameterValues = resolveParameters(pipeline.parameters)): ExpandedPipeline {
  const count = { nodes: 0 };
  const graph = expandGraph(pipeline, values, { pipelines: pipeline.pipelines, path: [], count });
  const monitors = Object.fromEntries(
    Object.entries(pipeline.monitors).map(([name, monitor]) => [name, { ...monitor, edge: graph.aliases[monitor.edge] ?? monitor.edge }]),
  );
  return { ...pipeline, ...graph, monitors };
}

interface Surroundings {
  pipelines: Readonly<Record<string, InnerPipeline>>;
  /** Names of the pipelines around, outermost first. */
  path: readonly string[];
  count: { nodes: number };
}

type Graph = Pick<InnerPipeline, 'inputs' | 'outputs' | 'parameters' | 'nodes' | 'edges'>;

function expandGraph(graph: Graph, values: ParameterValues, around: Surroundings): ExpandedGraph {
  const expanded: ExpandedGraph = {
    ...{ inputs: graph.inputs, outputs: graph.outputs, nodes: {}, edges: [...graph.edges], inner: {}, aliases: {} },
  };
  for (const [name, declared] of Object.entries(graph.nodes)) {
    const node = withValues(name, declared, values);
    if (!('pipeline' in node)) {
      addNode(expanded, name, node, around);
      continue;
    }
    const inside = expandInner(name, node, around);
    if (isPlain(node, graph.edges, name)) spreadOut(expanded, name, node, inside);
    else {
      addNode(expanded, name, node, around);
      expanded.inner[name] = inside;
    }
  }
  return resolveAliases(expanded);
}

function addNode(expanded: ExpandedGraph, name: string, node: PipelineNode, { count }: Surroundings): void {
  count.nodes += 1;
  if (count.nodes > EXPANDED_NODES_MAXIMUM) {
    throw new StarlingError(
      'too-large',
      `the pipeline has more than ${EXPANDED_NODES_MAXIMUM} nodes when its inner pipelines are spread out`,
      {
        field: 'pipelines',
      },
    );
  }
  expanded.nodes[name] = node;
}

function withValues(name: string, node: PipelineNode, values: ParameterValues): PipelineNode {
  if (!('params' in node)) return node;
  const { params, problems } = substitute(node.params, values, `nodes.${name}.params`);
  const [problem] = problems;
  if (problem !== undefined) throw new StarlingError(problem.code, problem.message, { field: problem.field });
  return { ...node, params: params as Record<string, unknown> };
}

function expandInner(name: string, node: PipelineReferenceNode, around: Surroundings): ExpandedGraph {
  const field = `nodes.${name}.pipeline`;
  const inner = Object.hasOwn(around.pipelines, node.pipeline) ? around.pipelines[node.pipeline] : undefined;
  if (inner === undefined) throw new StarlingError('unknown-pipeline', `there is no pipeline "${node.pipeline}"`, { field });
  if (around.path.includes(node.pipeline)) {
    throw new StarlingError('recursive-pipeline', `"${node.pipeline}" contains itself: ${[...around.path, node.pipeline].join(' > ')}`, {
      field,
    });
  }
  const values = resolveParameters(inner.parameters, {
    by: 'pipeline',
    values: node.params as ParameterValues,
    field: `nodes.${name}.params`,
  });
  return expandGraph(inner, values, { ...around, path: [...around.path, node.pipeline] });
}

/** Puts the nodes of `inside` where `name` stood, and leads the edges to them. */
function spreadOut(expanded: ExpandedGraph, name: string, node: PipelineReferenceNode, inside: ExpandedGraph): void {
  const within = (reference: string): string => `${name}/${reference}`;
  for (const [own, each] of Object.entries(inside.nodes)) {
    const on = node.on !== 'device' && each.on === 'device' ? node.on : each.on;
    const triggers = 'triggers' in each ? each.triggers?.map(within) : undefined;
    expanded.nodes[within(own)] = { ...each, on, ...(triggers === undefined ? {} : { triggers }) };
  }
  for (const [own, each] of Object.entries(inside.inner)) expanded.inner[within(own)] = each;
  for (const [gone, now] of Object.entries(inside.aliases)) expanded.aliases[within(gone)] = within(now);
  expanded.edges.push(...inside.edges.map((edge) => ({ ...edge, from: within(edge.from), to: within(edge.to) })));
  // Ports of the node become relays, `name/input.x` and `name/output.y`: the next step bridges them.
  expanded.edges = expanded.edges.map((edge) => {
    const from = parsePortReference(edge.from);
    const to = parsePortReference(edge.to);
    return {
      ...edge,
      from: from.node === name ? within(`${OUTPUT_NODE}.${from.port}`) : edge.from,
      to: to.node === name ? within(`${INPUT_NODE}.${to.port}`) : edge.to,
    };
  });
  for (const port of Object.keys(inside.outputs)) expanded.aliases[`${name}.${port}`] = within(`${OUTPUT_NODE}.${port}`);
}

/** Bridges the relays: each edge that leaves one starts where the edge ends that enters it. */
function resolveAliases(expanded: ExpandedGraph): ExpandedGraph {
  const entering = new Map<string, Edge[]>();
  for (const edge of expanded.edges) {
    if (isRelay(edge.to)) entering.set(edge.to, [...(entering.get(edge.to) ?? []), edge]);
  }
  const nodes = { ...expanded.nodes };
  const edges: Edge[] = [];
  const merged = new Map<string, string>();
  /** Where the value of a port comes from, with the queue of the last edge on the way. */
  const originOf = (port: string, queue: Edge['queue']): Pick<Edge, 'from' | 'queue'> | undefined => {
    if (!isRelay(port)) return { from: port, queue };
    const sources = entering.get(port) ?? [];
    const [only] = sources;
    if (only === undefined) return undefined;
    if (sources.length === 1) return originOf(only.from, queue ?? only.queue);
    return { from: merged.get(port) ?? mergeAt(port, sources), queue };
  };
  /** Several edges may end at an output of a pipeline: the first value counts. Behind it a node of its own keeps that. */
  const mergeAt = (port: string, sources: readonly Edge[]): string => {
    const { node, port: name } = parsePortReference(port);
    const own = `${node}/${name.replaceAll('.', '-')}-any`;
    merged.set(port, `${own}.value`);
    nodes[own] = mergeNode(sources.length, placeOf(sources.map(({ from }) => originOf(from, undefined)?.from ?? from)));
    for (const [index, edge] of sources.entries()) {
      const origin = originOf(edge.from, edge.queue);
      if (origin !== undefined) edges.push(asEdge(origin, `${own}.${mergePort(index)}`));
    }
    return `${own}.value`;
  };
  /** Where all that it merges comes from, so that nothing goes over a cut edge and back for it. */
  const placeOf = (ports: readonly string[]): string => {
    const places = new Set(ports.map((port) => expanded.nodes[parsePortReference(port).node]?.on ?? 'device'));
    return places.size === 1 ? ([...places][0] as string) : 'device';
  };
  for (const edge of expanded.edges) {
    if (isRelay(edge.to)) continue;
    const origin = originOf(edge.from, edge.queue);
    if (origin !== undefined) edges.push(asEdge(origin, edge.to));
  }
  const now = (port: string): string => originOf(port, undefined)?.from ?? port;
  const aliases = Object.fromEntries(Object.entries(expanded.aliases).map(([gone, port]) => [gone, now(port)]));
  for (const [name, node] of Object.entries(nodes)) {
    if (!('triggers' in node) || node.triggers === undefined) continue;
    nodes[name] = { ...node, triggers: node.triggers.map((port) => now(aliases[port] ?? port)) };
  }
  return { ...expanded, nodes, edges, aliases };
}

function asEdge({ from, queue }: Pick<Edge, 'from' | 'queue'>, to: string): Edge {
  return queue === undefined ? { from, to } : { from, to, queue };
}

/** `outer/input.x` and `outer/output.y`; ports of the graph itself have no slash before. */
function isRelay(reference: string): boolean {
  const { node } = parsePortReference(reference);
  return node.endsWith(`/${INPUT_NODE}`) || node.endsWith(`/${OUTPUT_NODE}`);
}

function mergePort(index: number): string {
  return `value${index}`;
}

function mergeNode(count: number, on: string): PipelineNode {
  const inputs = Array.from({ length: count }, (_, index) => mergePort(index));
  return { op: 'flow.merge', params: { inputs }, each: false, join: 'any', triggersJoin: 'inner', onError: 'fail', on };
}
