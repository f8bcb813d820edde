import { type Edge, INPUT_NODE, isPlain, OUTPUT_NODE, type PipelineNode, parsePortReference } from '@starling/shared';
import type { GraphDocument } from './graph-document.ts';

type FlatEdge = Edge & {
  index: number | undefined;
  /** The port under which its values are told, watched and allowed. */
  port: string;
};

interface FlatGraph {
  nodes: Record<string, PipelineNode>;
  edges: FlatEdge[];
  groups: { id: string; name: string }[];
  /** Node -> the opened pipeline in which it stands. */
  groupOf: Map<string, string>;
}

/** Pipelines in pipelines end somewhere; a document that names itself would not. */
const DEPTH_MAXIMUM = 8;

/** Puts the nodes of opened inner pipelines in the place of their node, named `outer/inner` as they run. */
export function openInner(document: GraphDocument, opened: ReadonlySet<string>): FlatGraph {
  let flat: FlatGraph = {
    nodes: { ...document.nodes },
    edges: document.edges.map((edge, index) => ({ ...edge, index, port: edge.from })),
    groups: [],
    groupOf: new Map(),
  };
  for (let depth = 0; depth < DEPTH_MAXIMUM; depth += 1) {
    const next = Object.entries(flat.nodes).find(
      ([id, node]) => opened.has(id) && 'pipeline' in node && document.pipelines[node.pipeline] !== undefined,
    );
    if (next === undefined) break;
    flat = openOne(flat, next[0], document);
  }
  return flat;
}

function openOne(flat: FlatGraph, id: string, { pipelines }: GraphDocument): FlatGraph {
  const node = flat.nodes[id];
  const inner = node !== undefined && 'pipeline' in node ? pipelines[node.pipeline] : undefined;
  if (node === undefined || inner === undefined || !('pipeline' in node)) return flat;
  const { [id]: _replaced, ...others } = flat.nodes;
  const within = (name: string): string => `${id}/${name}`;
  const inside = Object.entries(inner.nodes).map(([name, each]): [string, PipelineNode] => [within(name), renamedTriggers(each, within)]);
  const edges = [
    ...flat.edges.flatMap((edge) => across(edge, { id, edges: inner.edges, isPlain: isPlain(node, flat.edges, id) }, within)),
    ...inner.edges
      .filter(({ from, to }) => parsePortReference(from).node !== INPUT_NODE && parsePortReference(to).node !== OUTPUT_NODE)
      .map((edge) => ({ ...edge, from: within(edge.from), to: within(edge.to), port: within(edge.from), index: undefined })),
  ];
  const groupOf = new Map(flat.groupOf);
  for (const [name] of inside) groupOf.set(name, id);
  return { nodes: { ...others, ...Object.fromEntries(inside) }, edges, groups: [...flat.groups, { id, name: node.pipeline }], groupOf };
}

interface Opened {
  id: string;
  edges: readonly Edge[];
  isPlain: boolean;
}

/**
 * An edge that ended at the node goes on to all that its input feeds inside; one that began there starts at what gives its output. Of a
 * pipeline that runs as a whole, what leaves is known by the port of its node.
 */
function across(edge: FlatEdge, { id, edges: inner, isPlain: isGone }: Opened, within: (name: string) => string): FlatEdge[] {
  const [source, target] = [parsePortReference(edge.from), parsePortReference(edge.to)];
  const starts =
    source.node === id ? inner.filter(({ to }) => to === `${OUTPUT_NODE}.${source.port}`).map(({ from }) => within(from)) : [edge.from];
  const ends =
    target.node === id ? inner.filter(({ from }) => from === `${INPUT_NODE}.${target.port}`).map(({ to }) => within(to)) : [edge.to];
  return starts.flatMap((from) => ends.map((to) => ({ ...edge, from, to, port: source.node === id && isGone ? from : edge.port })));
}

function renamedTriggers(node: PipelineNode, within: (name: string) => string): PipelineNode {
  if (!('triggers' in node) || node.triggers === undefined) return node;
  return { ...node, triggers: node.triggers.map(within) };
}

/** The ids of all nodes whose inner pipeline runs in their place, however deep. One that runs as a whole is a node while it runs, too. */
export function plainInner(document: GraphDocument): Set<string> {
  const ids = new Set<string>();
  for (let depth = 0; depth < DEPTH_MAXIMUM; depth += 1) {
    const known = ids.size;
    const { nodes, edges, groups } = openInner(document, ids);
    for (const { id } of groups) ids.add(id);
    for (const [id, node] of Object.entries(nodes)) {
      if ('pipeline' in node && document.pipelines[node.pipeline] !== undefined && isPlain(node, edges, id)) ids.add(id);
    }
    if (ids.size === known) break;
  }
  return ids;
}
