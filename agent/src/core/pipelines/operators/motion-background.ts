import { type OperatorParams, type Rectangle, StarlingError } from '@starling/shared';
import type { RawImage } from '../../ports/image-codec.ts';
import { isInsidePolygon } from './geometry.ts';

type Params = OperatorParams<'motion.measure'>;

/** Cells along the longer side: a person at the other end of a car park is still some of them, and 14,400 are compared in no time. */
const CELLS_ALONG_SIDE = 160;
/** Pixels of a cell that are read along each side: their mean is a third as noisy as a pixel. */
const SAMPLES_ALONG_CELL = 3;

/** A picture in small: the mean luma of square cells. */
interface Grid {
  columns: number;
  rows: number;
  /** Side of a cell, in pixels. */
  side: number;
  luma: Float32Array;
}

/** What a camera sees when nothing moves. */
export interface Background {
  width: number;
  height: number;
  grid: Grid;
  /** Cells that count; all without a region. */
  counted: readonly number[];
  items: number;
  learntMs: number;
  timeMs: number;
}

export interface Difference {
  /** Share of the counted cells that differ. */
  area: number;
  /** Around them, in pixels. */
  box: Rectangle | null;
  /** Mean of how much the counted cells differ, in grey levels. */
  difference: number;
  /** The background is learnt; before, nothing differs. */
  warm: boolean;
}

/** Where a node keeps the background of a stream. */
export interface BackgroundHolder {
  background: Background | undefined;
}

/**
 * Compares an image with the background of its stream, which then takes the image in. A camera that changes its resolution starts
 * again.
 */
export function compareWithBackground(holder: BackgroundHolder, image: RawImage, params: Params, timeMs: number): Difference {
  const grid = shrink(requirePixels(image));
  const { background } = holder;
  if (background === undefined || background.width !== image.width || background.height !== image.height) {
    const { width, height } = image;
    holder.background = { width, height, grid, counted: countedCells(grid, image, params.region), items: 1, learntMs: 0, timeMs };
    return { area: 0, box: null, difference: 0, warm: params.warmUpMs === 0 };
  }
  // A clock that stands still must not keep the background from being learnt.
  const elapsedMs = Math.max(1, timeMs - background.timeMs);
  background.learntMs += elapsedMs;
  background.timeMs = timeMs;
  background.items += 1;
  const warm = background.learntMs >= params.warmUpMs;
  const difference = warm ? measure(background, grid, params) : { area: 0, box: null, difference: 0 };
  learn(background, grid, warm ? 1 - Math.exp(-elapsedMs / params.adaptMs) : 1 / background.items);
  return { ...difference, warm };
}

function requirePixels(image: RawImage): RawImage {
  const { width, height, data } = image;
  if (Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0 && data.length === 3 * width * height) return image;
  throw new StarlingError('wrong-value', `${width} x ${height} pixels need three bytes each, there are ${data.length}`, {
    field: 'image',
    hint: 'decode the image first, with image.decode',
  });
}

function shrink({ width, height, data }: RawImage): Grid {
  const side = Math.ceil(Math.max(width, height) / CELLS_ALONG_SIDE);
  const step = Math.ceil(side / SAMPLES_ALONG_CELL);
  const [columns, rows] = [Math.ceil(width / side), Math.ceil(height / side)];
  const luma = new Float32Array(columns * rows);
  for (let cell = 0; cell < luma.length; cell += 1) {
    const [left, top] = [(cell % columns) * side, Math.floor(cell / columns) * side];
    const [right, bottom] = [Math.min(width, left + side), Math.min(height, top + side)];
    let [sum, count] = [0, 0];
    // From the corner of each cell, so that the narrow ones at the edges are read too.
    for (let y = top; y < bottom; y += step) {
      for (let at = (y * width + left) * 3; at < (y * width + right) * 3; at += 3 * step) {
        // ITU-R BT.601, in 256ths.
        sum += 77 * (data[at] as number) + 150 * (data[at + 1] as number) + 29 * (data[at + 2] as number);
        count += 1;
      }
    }
    luma[cell] = sum / (256 * count);
  }
  return { columns, rows, side, luma };
}

/** Cells whose middle lies in the region. A region between them all is one cell: the one at its first corner. */
function countedCells({ columns, rows, side }: Grid, { width, height }: RawImage, region: Params['region']): number[] {
  const cells = Array.from({ length: columns * rows }, (_, cell) => cell);
  if (region === undefined) return cells;
  const inside = cells.filter((cell) => {
    const [x, y] = [((cell % columns) + 0.5) * side, (Math.floor(cell / columns) + 0.5) * side];
    return isInsidePolygon([x / width, y / height], region);
  });
  if (inside.length > 0) return inside;
  const [x, y] = region[0] as [number, number];
  const [column, row] = [Math.min(columns - 1, Math.floor((x * width) / side)), Math.min(rows - 1, Math.floor((y * height) / side))];
  return [row * columns + column];
}

function measure({ grid, counted, width, height }: Background, current: Grid, params: Params): Omit<Difference, 'warm'> {
  const change = (cell: number): number => (current.luma[cell] as number) - (grid.luma[cell] as number);
  const light = params.ignoreLight ? medianOf(counted, change) : 0;
  const bounds: Rectangle = [Infinity, Infinity, -Infinity, -Infinity];
  let [moved, sum] = [0, 0];
  for (const cell of counted) {
    const difference = Math.abs(change(cell) - light);
    sum += difference;
    if (difference < params.threshold) continue;
    moved += 1;
    const [column, row] = [cell % grid.columns, Math.floor(cell / grid.columns)];
    bounds[0] = Math.min(bounds[0], column * grid.side);
    bounds[1] = Math.min(bounds[1], row * grid.side);
    bounds[2] = Math.max(bounds[2], Math.min(width, (column + 1) * grid.side));
    bounds[3] = Math.max(bounds[3], Math.min(height, (row + 1) * grid.side));
  }
  return { area: moved / counted.length, box: moved === 0 ? null : bounds, difference: sum / counted.length };
}

/** Median of changes between -255 and 255, to a grey level: what moves is a small part of the picture, so it does not sway it. */
function medianOf(cells: readonly number[], change: (cell: number) => number): number {
  const bins = new Uint32Array(511);
  for (const cell of cells) {
    const bin = Math.round(change(cell)) + 255;
    bins[bin] = (bins[bin] as number) + 1;
  }
  let below = 0;
  for (const [bin, count] of bins.entries()) {
    below += count;
    if (2 * below >= cells.length) return bin - 255;
  }
  return 0;
}

function learn({ grid }: Background, { luma }: Grid, share: number): void {
  for (let cell = 0; cell < luma.length; cell += 1) {
    const known = grid.luma[cell] as number;
    grid.luma[cell] = known + share * ((luma[cell] as number) - known);
  }
}
