import { Graph, layout } from '@dagrejs/dagre';
import { StarlingError } from '@starling/shared';
import { canTell, type DrawnEdge, type DrawnGraph, type DrawnNode } from './drawn-graph.ts';

export interface Point {
  x: number;
  y: number;
}

export interface Box extends Point {
  width: number;
  height: number;
}

export interface PlacedGraph {
  /** Node -> its box; x and y are the corner at the top left. */
  boxes: Map<string, Box>;
  /** Edge -> the points between its ends through which it runs, so that it passes beside nodes. */
  ways: Map<string, Point[]>;
  /** Opened pipeline -> the box around its nodes. */
  groups: Map<string, Box>;
  /** Edges whose way is made of corners: from one column of a folded graph to another. */
  square?: ReadonlySet<string>;
}

/** Heights of the rows of a node, in pixels; the style sheet draws them so. */
const ROW = { ports: 20, head: 46, badges: 24, figures: 22 };
const WIDTH = { least: 168, most: 380 };
const LETTER = { title: 7.7, what: 6.5, port: 6.7, badge: 6.4 };
const GAP = { nodes: 28, ranks: 46, edges: 14, margin: 16 };

/** The room that a node needs, from its texts alone, so that a layout needs no window. */
export function sizeOf(node: Pick<DrawnNode, 'id' | 'what' | 'inputs' | 'outputs' | 'badges' | 'canOpen'>, hasFigures: boolean) {
  const rowWidth = (texts: readonly string[], letter: number, around: number): number =>
    // Cells of one row are equally wide: the longest decides for all.
    texts.length * (Math.max(0, ...texts.map(({ length }) => length)) * letter + around) + 8;
  const badgesWidth = node.badges.reduce((sum, { text }) => sum + text.length * LETTER.badge + 18, 16);
  const width = Math.max(
    WIDTH.least,
    node.id.length * LETTER.title + (node.canOpen ? 84 : 58),
    node.what.length * LETTER.what + 28,
    rowWidth(
      node.inputs.map(({ name }) => name),
      LETTER.port,
      14,
    ),
    rowWidth(
      node.outputs.map(({ name }) => name),
      LETTER.port,
      14,
    ),
    badgesWidth,
  );
  const height =
    ROW.head +
    (node.inputs.length > 0 ? ROW.ports : 0) +
    (node.outputs.length > 0 ? ROW.ports : 0) +
    (node.badges.length > 0 ? ROW.badges : 0) +
    (hasFigures ? ROW.figures : 0);
  return { width: Math.round(Math.min(width, WIDTH.most)), height };
}

/** Layers from top to bottom, lines that cross little and run beside the nodes that they pass. */
export function placeGraph(graph: DrawnGraph, { hasFigures = false }: { hasFigures?: boolean } = {}): PlacedGraph {
  const plan = new Graph({ multigraph: true, compound: true });
  plan.setGraph({ rankdir: 'TB', nodesep: GAP.nodes, ranksep: GAP.ranks, edgesep: GAP.edges, marginx: GAP.margin, marginy: GAP.margin });
  const groupKey = (id: string): string => `group ${id}`;
  for (const { id } of graph.groups) plan.setNode(groupKey(id), {});
  for (const node of graph.nodes) {
    plan.setNode(node.id, sizeOf(node, hasFigures && canTell(node)));
    if (node.group !== undefined) plan.setParent(node.id, groupKey(node.group));
  }
  for (const { id } of graph.groups) {
    const around = graph.groups.find((other) => other.id !== id && id.startsWith(`${other.id}/`));
    if (around !== undefined) plan.setParent(groupKey(id), groupKey(around.id));
  }
  for (const edge of graph.edges) if (edge.from !== edge.to) plan.setEdge(edge.from, edge.to, { weight: weightOf(edge) }, edge.id);
  layout(plan);
  const boxOf = (key: string): Box => {
    const placed = plan.node(key) as Partial<Box> | undefined;
    const { x, y, width, height } = placed ?? {};
    if (x === undefined || y === undefined || width === undefined || height === undefined) {
      throw new StarlingError('not-placed', `the node ${key} was not placed`);
    }
    return { x: x - width / 2, y: y - height / 2, width, height };
  };
  return {
    boxes: new Map(graph.nodes.map(({ id }) => [id, boxOf(id)])),
    ways: new Map(graph.edges.map((edge) => [edge.id, wayOf(plan, edge)])),
    groups: new Map(graph.groups.filter(({ id }) => plan.children(groupKey(id)).length > 0).map(({ id }) => [id, boxOf(groupKey(id))])),
  };
}

/** What carries values stays straight; what only says when may bend. */
function weightOf({ kind }: DrawnEdge): number {
  return kind === 'value' ? 2 : 1;
}

function wayOf(plan: Graph, { id, from, to }: DrawnEdge): Point[] {
  if (from === to) return [];
  const { points = [] } = (plan.edge({ v: from, w: to, name: id }) ?? {}) as { points?: Point[] };
  // The first and last lie on the borders of the nodes, where ports take their place; a single one between is that of a label.
  return points.length <= 3 ? [] : points.slice(1, -1);
}

/** A line through points that enters and leaves each of them straight downwards. */
export function pathThrough(points: readonly Point[]): string {
  const [start, ...rest] = points;
  if (start === undefined) return '';
  let before = start;
  const parts = rest.map((point) => {
    const bend = bendBetween(before, point);
    const part = `C${before.x} ${before.y + bend} ${point.x} ${point.y - bend} ${point.x} ${point.y}`;
    before = point;
    return part;
  });
  return `M${start.x} ${start.y} ${parts.join(' ')}`;
}

/** Half the way down; against the flow a fixed swing, so that the line leaves its node before it turns. */
function bendBetween(from: Point, to: Point): number {
  const down = to.y - from.y;
  return down > 0 ? down / 2 : 60;
}

export type Direction = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight';

/** Nodes whose middles differ by less stand in one layer. */
const LAYER = 24;

/** The node that an arrow key leads to: up and down the nearest of the next layer, to the sides the next of the own one. */
export function neighbourOf(boxes: ReadonlyMap<string, Box>, id: string, direction: Direction): string | undefined {
  const from = boxes.get(id);
  if (from === undefined) return undefined;
  const isVertical = direction === 'ArrowUp' || direction === 'ArrowDown';
  const sign = direction === 'ArrowUp' || direction === 'ArrowLeft' ? -1 : 1;
  const ahead = [...boxes].flatMap(([other, box]) => {
    const [dx, dy] = [centreOf(box).x - centreOf(from).x, centreOf(box).y - centreOf(from).y];
    const [along, aside] = isVertical ? [dy * sign, Math.abs(dx)] : [dx * sign, Math.abs(dy)];
    const isInReach = isVertical ? along > LAYER : along > 1 && aside <= LAYER;
    return isInReach ? [{ other, along, aside }] : [];
  });
  const nearest = Math.min(...ahead.map(({ along }) => along));
  const next = ahead.filter(({ along }) => along <= nearest + LAYER);
  return next.toSorted((a, b) => a.aside - b.aside)[0]?.other;
}

function centreOf({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 };
}
