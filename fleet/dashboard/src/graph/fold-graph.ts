import type { DrawnEdge, DrawnGraph } from './drawn-graph.ts';
import type { Box, PlacedGraph, Point } from './place-graph.ts';

export interface Room {
  width: number;
  height: number;
}

/** From this size on everything on a node can be read. */
export const READABLE = 0.85;
/** More columns than this are a wall, not a way. */
const COLUMNS_MOST = 6;
const MARGIN = 16;
/** Room beside columns, and between the lines that run there, in pixels. */
const GAP = { beside: 42, above: 24, line: 11, first: 12, step: 6 };

interface Band {
  top: number;
  bottom: number;
}

/** How far the drawing reaches, from its corner at the top left, lines included. */
export function extentOf({ boxes, groups, ways }: PlacedGraph): Room {
  const all = [...boxes.values(), ...groups.values()];
  const points = [...ways.values()].flat();
  return {
    width: Math.max(1, ...all.map(({ x, width }) => x + width), ...points.map(({ x }) => x)) + MARGIN,
    height: Math.max(1, ...all.map(({ y, height }) => y + height), ...points.map(({ y }) => y)) + MARGIN,
  };
}

/** The size at which all of the drawing is in the room. */
export function zoomToFit(placed: PlacedGraph, room: Room): number {
  const { width, height } = extentOf(placed);
  return Math.min(1, room.width / width, room.height / height);
}

/**
 * A graph that is long from top to bottom, laid into columns beside each other, as few as make it readable, or as many as make it largest.
 * Layers and the frames of opened pipelines stay whole; lines from column to column run around the nodes.
 * @param room pixels in which all of it is to be seen
 */
export function foldGraph(graph: DrawnGraph, placed: PlacedGraph, room: Room): PlacedGraph {
  const bands = bandsOf(placed);
  let best = { placed, zoom: zoomToFit(placed, room) };
  for (let count = 2; count <= Math.min(COLUMNS_MOST, bands.length) && best.zoom < READABLE; count += 1) {
    const folded = layColumns(graph, placed, columnsOf(bands, count));
    const zoom = zoomToFit(folded, room);
    if (zoom > best.zoom) best = { placed: folded, zoom };
  }
  return best.placed;
}

/** Heights that cannot be parted, from top to bottom: a layer of nodes, or all layers that a frame holds together. */
function bandsOf({ boxes, groups }: Pick<PlacedGraph, 'boxes' | 'groups'>): Band[] {
  const bands: Band[] = [];
  for (const { y, height } of [...boxes.values(), ...groups.values()].toSorted((a, b) => a.y - b.y)) {
    const last = bands.at(-1);
    if (last !== undefined && y < last.bottom) last.bottom = Math.max(last.bottom, y + height);
    else bands.push({ top: y, bottom: y + height });
  }
  return bands;
}

/** Bands in their order over `count` columns at most, so that the highest column is as low as can be. */
function columnsOf(bands: readonly Band[], count: number): Band[][] {
  const heights = bands.flatMap(({ top }, index) => bands.slice(index).map(({ bottom }) => bottom - top));
  for (const limit of heights.toSorted((a, b) => a - b)) {
    const columns: Band[][] = [];
    for (const band of bands) {
      const column = columns.at(-1);
      if (column?.[0] !== undefined && band.bottom - column[0].top <= limit) column.push(band);
      else columns.push([band]);
    }
    const isWithin = columns.every((column) => (column.at(-1)?.bottom ?? 0) - (column[0]?.top ?? 0) <= limit);
    if (isWithin && columns.length <= count) return columns;
  }
  return [[...bands]];
}

/** Columns beside each other, and the lines that leave them. */
function layColumns(graph: DrawnGraph, placed: PlacedGraph, columns: readonly Band[][]): PlacedGraph {
  const columnOf = (box: Box | undefined): number =>
    columns.findIndex((column) => column.some(({ top, bottom }) => box !== undefined && box.y >= top && box.y < bottom));
  const crossing = graph.edges.flatMap((edge) => {
    const [from, to] = [columnOf(placed.boxes.get(edge.from)), columnOf(placed.boxes.get(edge.to))];
    return from === to ? [] : [{ edge, from, to }];
  });
  const crosses = new Set(crossing.map(({ edge }) => edge.id));
  const tracks = tracksOf(crossing, columns.length);
  const far = crossing.filter(({ from, to }) => Math.abs(from - to) > 1);
  const top = MARGIN + (crossing.length > 0 ? GAP.above : 0) + far.length * GAP.line;

  const shifts: Point[] = [];
  const gaps: number[] = [];
  let right = MARGIN;
  for (const [index, column] of columns.entries()) {
    const inside = [...placed.boxes.values(), ...placed.groups.values()].filter((box) => columnOf(box) === index);
    const ways = graph.edges
      .filter(({ id, from }) => !crosses.has(id) && columnOf(placed.boxes.get(from)) === index)
      .flatMap(({ id }) => placed.ways.get(id) ?? []);
    const left = Math.min(...inside.map(({ x }) => x), ...ways.map(({ x }) => x));
    shifts.push({ x: right - left, y: top - (column[0]?.top ?? 0) });
    right += Math.max(...inside.map(({ x, width }) => x + width), ...ways.map(({ x }) => x)) - left;
    gaps.push(right);
    right += 2 * GAP.beside + Math.max(0, (tracks[index]?.length ?? 0) - 1) * GAP.line;
  }
  const moved = (box: Box): Box => withShift(box, shifts[columnOf(box)]);
  const xOfTrack = (gap: number, id: string): number =>
    (gaps[gap] ?? 0) + GAP.beside + Math.max(0, tracks[gap]?.indexOf(id) ?? 0) * GAP.line;
  const rows = rowsOf(placed);

  const ways = new Map(
    graph.edges.map(({ id, from }): [string, Point[]] => {
      const shift = shifts[columnOf(placed.boxes.get(from))];
      return [id, (placed.ways.get(id) ?? []).map((point) => withShift(point, shift))];
    }),
  );
  for (const { edge, from, to } of crossing) {
    const y1 = rows.below(edge.from) + (shifts[from]?.y ?? 0);
    const y2 = rows.above(edge.to) + (shifts[to]?.y ?? 0);
    const [x1, x2] = [xOfTrack(exitOf({ from, to }), edge.id), xOfTrack(entryOf({ from, to }), edge.id)];
    const over = MARGIN + far.findIndex((each) => each.edge.id === edge.id) * GAP.line;
    const across =
      Math.abs(from - to) > 1
        ? [
            { x: x1, y: over },
            { x: x2, y: over },
          ]
        : [];
    ways.set(edge.id, [{ x: x1, y: y1 }, ...across, { x: x2, y: y2 }]);
  }
  return {
    boxes: new Map([...placed.boxes].map(([id, box]) => [id, moved(box)])),
    ways,
    groups: new Map([...placed.groups].map(([id, box]) => [id, moved(box)])),
    square: crosses,
  };
}

type Way = Record<'from' | 'to', number>;

/** The gap beside a column, counted from the left, through which a line leaves and reaches it. */
const exitOf = ({ from, to }: Way): number => (to > from ? from : from - 1);
const entryOf = ({ from, to }: Way): number => (to > from ? to - 1 : to);

/** For each gap the lines that run in it, side by side. */
function tracksOf(crossing: readonly (Way & { edge: DrawnEdge })[], count: number): string[][] {
  return Array.from({ length: count }, (_, gap) =>
    crossing.filter((each) => exitOf(each) === gap || entryOf(each) === gap).map(({ edge }) => edge.id),
  );
}

/** Heights in the room between layers at which lines leave and reach nodes, each node of a layer its own. */
function rowsOf({ boxes }: PlacedGraph): Record<'below' | 'above', (id: string) => number> {
  const layers = bandsOf({ boxes, groups: new Map() });
  const find = (id: string): { layer: Band; index: number } => {
    const box = boxes.get(id);
    const isIn = ({ top, bottom }: Band, { y }: Box): boolean => y >= top && y < bottom;
    const layer = box === undefined ? undefined : layers.find((each) => isIn(each, box));
    if (layer === undefined) return { layer: { top: 0, bottom: 0 }, index: 0 };
    const beside = [...boxes].filter(([, each]) => isIn(layer, each)).map(([other]) => other);
    return { layer, index: Math.max(0, beside.indexOf(id)) % 4 };
  };
  return {
    below(id) {
      const { layer, index } = find(id);
      return layer.bottom + GAP.first + index * GAP.step;
    },
    above(id) {
      const { layer, index } = find(id);
      return layer.top - GAP.first - index * GAP.step;
    },
  };
}

function withShift<Place extends Point>(place: Place, shift: Point | undefined): Place {
  return { ...place, x: place.x + (shift?.x ?? 0), y: place.y + (shift?.y ?? 0) };
}

const CORNER = 8;

/** A line straight down, to the sides and up, round at its corners, through points of which each is a corner. */
export function squarePath(start: Point, way: readonly Point[], end: Point): string {
  const [first, last] = [way[0], way.at(-1)];
  if (first === undefined || last === undefined) return '';
  const points = [start, { x: start.x, y: first.y }, ...way, { x: end.x, y: last.y }, end];
  const parts = points.slice(1, -1).map((corner, index) => {
    const [before, after] = [points[index] ?? corner, points[index + 2] ?? corner];
    const [into, out] = [towards(corner, before), towards(corner, after)];
    return `L${into.x} ${into.y} Q${corner.x} ${corner.y} ${out.x} ${out.y}`;
  });
  return `M${start.x} ${start.y} ${parts.join(' ')} L${end.x} ${end.y}`;
}

/** A little way from a corner to its neighbour, half of it at most. */
function towards(corner: Point, other: Point): Point {
  const length = Math.hypot(other.x - corner.x, other.y - corner.y);
  const share = length === 0 ? 0 : Math.min(CORNER, length / 2) / length;
  return { x: corner.x + (other.x - corner.x) * share, y: corner.y + (other.y - corner.y) * share };
}
