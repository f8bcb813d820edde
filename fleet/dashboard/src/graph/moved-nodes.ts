import type { DrawnGraph } from './drawn-graph.ts';
import type { Box, PlacedGraph, Point } from './place-graph.ts';

/** Nodes that somebody has put elsewhere -> the corner at the top left. */
export type MovedNodes = Readonly<Record<string, Point>>;

/** Room between a moved node and the frame of its pipeline, in pixels. */
const FRAME = 16;
const FRAME_TOP = 34;

/** The layout with what was moved by hand: lines of moved nodes run straight, frames of opened pipelines reach around their nodes. */
export function withMoved(graph: DrawnGraph, placed: PlacedGraph, moved: MovedNodes): PlacedGraph {
  const isMoved = (id: string): boolean => moved[id] !== undefined && placed.boxes.has(id);
  if (!graph.nodes.some(({ id }) => isMoved(id))) return placed;
  const boxes = new Map([...placed.boxes].map(([id, box]): [string, Box] => [id, { ...box, ...moved[id] }]));
  const ways = new Map(graph.edges.map(({ id, from, to }) => [id, isMoved(from) || isMoved(to) ? [] : (placed.ways.get(id) ?? [])]));
  const groups = new Map(
    [...placed.groups].map(([id, box]): [string, Box] => {
      const inside = graph.nodes.filter(({ id: node, group }) => isMoved(node) && (group === id || group?.startsWith(`${id}/`) === true));
      return [
        id,
        around(
          box,
          inside.map((node) => boxes.get(node.id)).filter((each) => each !== undefined),
        ),
      ];
    }),
  );
  return { ...placed, boxes, ways, groups };
}

function around(box: Box, inside: readonly Box[]): Box {
  const left = Math.min(box.x, ...inside.map(({ x }) => x - FRAME));
  const top = Math.min(box.y, ...inside.map(({ y }) => y - FRAME_TOP));
  const right = Math.max(box.x + box.width, ...inside.map(({ x, width }) => x + width + FRAME));
  const bottom = Math.max(box.y + box.height, ...inside.map(({ y, height }) => y + height + FRAME));
  return { x: left, y: top, width: right - left, height: bottom - top };
}
