import {
  type Edge,
  HOME_PLACE,
  INPUT_NODE,
  OUTPUT_NODE,
  orderNodes,
  type ParameterValues,
  type PipelineNode,
  type PortType,
  parsePortReference,
} from '@starling/shared';
import type { GraphDocument } from './graph-document.ts';
import {
  type Bindings,
  bind,
  ERROR_PORT,
  type NodePorts,
  ofTexts,
  type PortSources,
  statedPorts,
  substitute,
  withPortsOfEdges,
} from './node-ports.ts';
import { badgesOf, type NodeKind, wordsOfNode } from './node-words.ts';
import { openInner } from './open-inner.ts';

export interface DrawnPort {
  name: string;
  type: PortType | undefined;
  isOptional: boolean;
}

export interface DrawnNode {
  id: string;
  kind: NodeKind;
  /** What it is: an operator, a model, a side of the pipeline. */
  what: string;
  isEach: boolean;
  inputs: DrawnPort[];
  outputs: DrawnPort[];
  badges: { text: string; words: string }[];
  /** The opened inner pipeline in which it stands. */
  group: string | undefined;
  /** Names an inner pipeline that can be opened. */
  canOpen: boolean;
}

/** What comes in and what goes out runs nothing of which there could be figures. */
export function canTell({ kind }: Pick<DrawnNode, 'kind'>): boolean {
  return kind !== 'input' && kind !== 'output';
}

export interface DrawnEdge {
  id: string;
  from: string;
  fromPort: string;
  /** `node.port` under which its values are told, watched and allowed: as drawn, but for what leaves a pipeline that runs as a whole. */
  port: string;
  to: string;
  toPort: string;
  /** A trigger gives no value: it only says when. */
  kind: 'value' | 'error' | 'trigger';
  type: PortType | undefined;
  queue: Edge['queue'];
  monitors: string[];
  /** Where both ends run, if on different machines: its values travel. */
  cut: { from: string; to: string } | undefined;
  /** Its place in `edges` of the document; undefined for triggers and inside of opened pipelines. */
  index: number | undefined;
}

export interface DrawnGraph {
  nodes: DrawnNode[];
  edges: DrawnEdge[];
  /** Inner pipelines that are drawn open, by the id of their node. */
  groups: { id: string; name: string }[];
}

/**
 * The nodes, ports and lines of a pipeline, with the types that flow.
 * @param opened ids of nodes whose inner pipeline is drawn in their place
 */
export function drawnGraphOf(document: GraphDocument, models: PortSources['models'], opened: ReadonlySet<string> = new Set()): DrawnGraph {
  const flat = openInner(document, opened);
  const sources: PortSources = { models, pipelines: document.pipelines, values: defaultsOf(document) };
  const ids = [INPUT_NODE, ...inOrder(flat), OUTPUT_NODE];
  const stated = new Map<string, NodePorts>(
    ids.map((id) => {
      const node = flat.nodes[id];
      if (id === INPUT_NODE) return [id, ofTexts({}, document.inputs)];
      if (id === OUTPUT_NODE) return [id, ofTexts(document.outputs, {})];
      const ports = node === undefined ? undefined : statedPorts(node, sources);
      return [id, ports ?? { inputs: new Map(), outputs: new Map(), optional: new Set() }];
    }),
  );
  const ports = withResolvedTypes(withPortsOfEdges(stated, flat.edges), flat);
  const edges = [...valueEdges(flat.edges, ports, document.monitors), ...triggerEdges(flat.nodes, ports)].map((edge) => ({
    ...edge,
    cut: cutOf(edge, flat.nodes),
  }));
  const nodes = ids
    // A side without ports says nothing; a pipeline of sources and sinks alone has none.
    .filter((id) => (id !== INPUT_NODE && id !== OUTPUT_NODE) || countPorts(ports.get(id)) > 0)
    .map((id) => drawnNode(id, flat, ports.get(id), document));
  return { nodes, edges: edges.filter((edge) => ports.has(edge.from) && ports.has(edge.to)), groups: flat.groups };
}

type Flat = ReturnType<typeof openInner>;

/** Each node after those that feed it, however the document lists them. */
function inOrder(flat: Pick<Flat, 'nodes' | 'edges'>): string[] {
  const { order, cyclic } = orderNodes(flat);
  return [...order, ...cyclic];
}

function defaultsOf({ parameters = {} }: GraphDocument): ParameterValues {
  return Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, parameter.default]));
}

function drawnNode(id: string, flat: Flat, ports: NodePorts | undefined, document: GraphDocument): DrawnNode {
  const node = flat.nodes[id];
  const { kind, what } = wordsOfNode(id, node);
  const list = (side: NodePorts['inputs'] | undefined): DrawnPort[] =>
    [...(side ?? [])].map(([name, type]) => ({ name, type, isOptional: ports?.optional.has(name) === true }));
  return {
    ...{ id, kind, what, isEach: node !== undefined && isEach(node), group: flat.groupOf.get(id) },
    ...{ inputs: list(ports?.inputs), outputs: list(ports?.outputs) },
    badges: node === undefined ? [] : badgesOf(node, monitorsAt(id, document.monitors)),
    canOpen: node !== undefined && 'pipeline' in node && document.pipelines[node.pipeline] !== undefined,
  };
}

export function isEach(node: PipelineNode): boolean {
  return 'each' in node && node.each;
}

function countPorts(ports: NodePorts | undefined): number {
  return (ports?.inputs.size ?? 0) + (ports?.outputs.size ?? 0);
}

function monitorsAt(id: string, monitors: GraphDocument['monitors']): string[] {
  return Object.entries(monitors).flatMap(([name, { edge }]) => (parsePortReference(edge).node === id ? [name] : []));
}

/** Letters of signatures replaced by what flows in, and lists where a node runs once for each item. */
function withResolvedTypes(ports: Map<string, NodePorts>, { nodes, edges }: Pick<Flat, 'nodes' | 'edges'>): Map<string, NodePorts> {
  for (const id of inOrder({ nodes, edges })) {
    const node = nodes[id];
    const own = ports.get(id);
    if (node === undefined || own === undefined) continue;
    const bindings: Bindings = new Map();
    for (const { from, to } of edges) {
      const target = parsePortReference(to);
      if (target.node !== id) continue;
      const source = parsePortReference(from);
      const actual = ports.get(source.node)?.outputs.get(source.port);
      bind(own.inputs.get(target.port), isEach(node) && actual?.kind === 'list' ? actual.item : actual, bindings);
    }
    for (const [port, type] of own.inputs) own.inputs.set(port, substitute(type, bindings));
    for (const [port, type] of own.outputs) {
      // A failure is told once, however many items there were.
      if (port === ERROR_PORT) continue;
      const resolved = substitute(type, bindings);
      own.outputs.set(port, isEach(node) && resolved !== undefined ? { kind: 'list', item: resolved } : resolved);
    }
  }
  return ports;
}

/** Inputs and outputs of the pipeline are where the item is. */
function cutOf({ from, to }: Pick<DrawnEdge, 'from' | 'to'>, nodes: Flat['nodes']): DrawnEdge['cut'] {
  const [left, right] = [from, to].map((id) => nodes[id]?.on ?? HOME_PLACE) as [string, string];
  return left === right ? undefined : { from: left, to: right };
}

function valueEdges(
  edges: Flat['edges'],
  ports: ReadonlyMap<string, NodePorts>,
  monitors: GraphDocument['monitors'],
): Omit<DrawnEdge, 'cut'>[] {
  const seen = new Map<string, number>();
  return edges.map(({ from, to, queue, index, port }) => {
    const [source, target] = [parsePortReference(from), parsePortReference(to)];
    const id = `${from} ${to}`;
    const repeats = seen.get(id) ?? 0;
    seen.set(id, repeats + 1);
    return {
      ...{ id: repeats === 0 ? id : `${id} ${repeats}`, queue, index },
      ...{ from: source.node, fromPort: source.port, port, to: target.node, toPort: target.port },
      kind: source.port === ERROR_PORT ? 'error' : 'value',
      type: ports.get(source.node)?.outputs.get(source.port),
      monitors: Object.entries(monitors).flatMap(([name, monitor]) => (monitor.edge === from || monitor.edge === port ? [name] : [])),
    };
  });
}

function triggerEdges(nodes: Flat['nodes'], ports: ReadonlyMap<string, NodePorts>): Omit<DrawnEdge, 'cut'>[] {
  return Object.entries(nodes).flatMap(([id, node]) =>
    ('triggers' in node ? (node.triggers ?? []) : []).map((from): Omit<DrawnEdge, 'cut'> => {
      const source = parsePortReference(from);
      return {
        ...{ id: `${from} triggers ${id}`, from: source.node, fromPort: source.port, port: from, to: id, toPort: '', kind: 'trigger' },
        ...{ type: ports.get(source.node)?.outputs.get(source.port), queue: undefined, monitors: [], index: undefined },
      };
    }),
  );
}
