import type { Pipeline } from '@starling/shared';

export interface PlacedNode {
  id: string;
  /** What it is: an operator, a model, or a side of the pipeline. */
  what: string;
  kind: 'operator' | 'model' | 'side';
  isEach: boolean;
  /** Layer from the top and place from the left, in units of nodes. */
  layer: number;
  place: number;
}

export interface PlacedEdge {
  from: string;
  to: string;
  fromPort: string;
  toPort: string;
  /** An edge that passes layers runs beside the nodes, in a lane of its own from 0; others go straight to the next layer. */
  lane: number | undefined;
}

export interface GraphLayout {
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  layers: number;
  places: number;
  lanes: number;
}

type Link = Omit<PlacedEdge, 'lane'>;

/**
 * Layers by the longest way from the input, so that every edge points down; places near the mean of what feeds a node, so that lines
 * cross little. Pipelines were checked to be free of cycles when they were made.
 */
export function layOut({ nodes, edges }: Pick<Pipeline, 'nodes' | 'edges'>): GraphLayout {
  const links = edges.map(toLink);
  const ids = [...new Set(['input', ...Object.keys(nodes), 'output'])];
  const layerOf = longestWays(ids, links);
  const deepest = Math.max(...layerOf.values());
  const placeOf = new Map<string, number>();
  for (let layer = 0; layer <= deepest; layer += 1) {
    const here = ids.filter((id) => layerOf.get(id) === layer).map((id) => ({ id, wish: meanPlace(id, links, placeOf) }));
    let free = 0;
    for (const { id, wish } of here.toSorted((a, b) => a.wish - b.wish)) {
      const place = Math.max(free, Math.round(wish));
      placeOf.set(id, place);
      free = place + 1;
    }
  }
  const placed = ids.map((id): PlacedNode => ({ id, ...describe(id, nodes), layer: layerOf.get(id) ?? 0, place: placeOf.get(id) ?? 0 }));
  const inLanes = giveLanes(links, layerOf);
  const lanes = Math.max(0, ...inLanes.map(({ lane }) => (lane ?? -1) + 1));
  return { nodes: placed, edges: inLanes, layers: deepest + 1, places: Math.max(...placeOf.values()) + 1, lanes };
}

function describe(id: string, nodes: Pipeline['nodes']): Pick<PlacedNode, 'what' | 'kind' | 'isEach'> {
  const node = nodes[id];
  if (node === undefined) return { what: id === 'input' ? 'what comes in' : 'what goes out', kind: 'side', isEach: false };
  if ('model' in node) return { what: node.model, kind: 'model', isEach: node.each };
  if ('op' in node) return { what: node.op, kind: 'operator', isEach: node.each };
  if ('script' in node) return { what: 'script', kind: 'operator', isEach: node.each };
  if ('pipeline' in node) return { what: node.pipeline, kind: 'operator', isEach: node.each };
  return { what: 'source' in node ? node.source : node.sink, kind: 'operator', isEach: false };
}

function longestWays(ids: readonly string[], links: readonly Link[]): Map<string, number> {
  const layerOf = new Map(ids.map((id) => [id, 0]));
  // Without a cycle no way is longer than there are nodes, so this many passes settle all of them.
  for (let pass = 0; pass < ids.length; pass += 1) {
    for (const { from, to } of links) layerOf.set(to, Math.max(layerOf.get(to) ?? 0, (layerOf.get(from) ?? 0) + 1));
  }
  return layerOf;
}

function meanPlace(id: string, links: readonly Link[], placeOf: ReadonlyMap<string, number>): number {
  const places = links.filter(({ to }) => to === id).map(({ from }) => placeOf.get(from) ?? 0);
  return places.length === 0 ? 0 : places.reduce((sum, place) => sum + place, 0) / places.length;
}

/** The lowest lane that is free over all layers that an edge passes; short ones first, so that they stay close to the nodes. */
function giveLanes(links: readonly Link[], layerOf: ReadonlyMap<string, number>): PlacedEdge[] {
  const taken: { lane: number; from: number; to: number }[] = [];
  const span = ({ from, to }: Link): [from: number, to: number] => [layerOf.get(from) ?? 0, layerOf.get(to) ?? 0];
  const lengthOf = (link: Link): number => span(link)[1] - span(link)[0];
  const lanes = new Map<Link, number>();
  for (const link of links.filter((each) => lengthOf(each) > 1).toSorted((a, b) => lengthOf(a) - lengthOf(b))) {
    const [from, to] = span(link);
    let lane = 0;
    while (taken.some((each) => each.lane === lane && each.from <= to && from <= each.to)) lane += 1;
    taken.push({ lane, from, to });
    lanes.set(link, lane);
  }
  return links.map((link) => ({ ...link, lane: lanes.get(link) }));
}

function toLink({ from, to }: { from: string; to: string }): Link {
  const [fromNode, fromPort] = split(from);
  const [toNode, toPort] = split(to);
  return { from: fromNode, to: toNode, fromPort, toPort };
}

function split(reference: string): [node: string, port: string] {
  const dot = reference.indexOf('.');
  return [reference.slice(0, dot), reference.slice(dot + 1)];
}
