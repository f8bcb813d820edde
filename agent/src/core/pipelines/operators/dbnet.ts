import type { OperatorParams } from '@starling/shared';
import { convexHull, minimumAreaRectangle, type Rectangle } from './rectangle.ts';
import { type Box, float32Of, imageOf, type Point, type Quad } from './values.ts';

/**
 * Boxes of a DBNet probability map (Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", 2020): threshold,
 * connected regions, minimum-area rectangle, mean probability inside, then the rectangle grows back by area x ratio / perimeter, since
 * the network learns shrunken regions (Vatti clipping of a rectangle is that same offset on each side).
 */
export async function dbnetDecode(inputs: Readonly<Record<string, unknown>>, params: OperatorParams<'dbnet.decode'>) {
  const map = float32Of(inputs, 'map', 4);
  const source = imageOf(inputs, 'source');
  const [, , height = 0, width = 0] = map.shape;
  const scaleX = source.width / width;
  const scaleY = source.height / height;
  const boxes: Box[] = [];
  for (const region of findRegions(map.data, width, height, params.threshold)) {
    const rectangle = minimumAreaRectangle(convexHull(region));
    if (rectangle === undefined || Math.min(rectangle.width, rectangle.height) < params.minimumSide) continue;
    const score = meanInside(map.data, width, height, rectangle);
    // Written so that a NaN in the map drops the box.
    if (!(score >= params.boxThreshold)) continue;
    const grown = unclip(rectangle, params.unclipRatio);
    if (Math.min(grown.width, grown.height) < params.minimumSide + 2) continue;
    boxes.push({ quad: toSource(grown, scaleX, scaleY, source.width, source.height), score: Math.min(1, score) });
    if (boxes.length >= params.maximumBoxes) break;
  }
  return { boxes: inReadingOrder(boxes) };
}

/**
 * Connected regions (8 neighbours) of pixels above a threshold, as the extreme pixels of each row: all that a convex hull needs.
 */
export function findRegions(map: Float32Array, width: number, height: number, threshold: number): Point[][] {
  const seen = new Uint8Array(width * height);
  const regions: Point[][] = [];
  for (let start = 0; start < seen.length; start += 1) {
    if (seen[start] === 1 || !((map[start] as number) > threshold)) continue;
    regions.push(floodFill({ map, seen, width, height, threshold }, start));
  }
  return regions;
}

interface Flood {
  map: Float32Array;
  seen: Uint8Array;
  width: number;
  height: number;
  threshold: number;
}

function floodFill({ map, seen, width, height, threshold }: Flood, start: number): Point[] {
  const rows = new Map<number, [number, number]>();
  const stack = [start];
  seen[start] = 1;
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const y = (at / width) | 0;
    const x = at - y * width;
    extend(rows, x, y);
    const [left, right] = [Math.max(0, x - 1), Math.min(width - 1, x + 1)];
    for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row += 1) {
      for (let next = row * width + left; next <= row * width + right; next += 1) {
        if (seen[next] === 1 || !((map[next] as number) > threshold)) continue;
        seen[next] = 1;
        stack.push(next);
      }
    }
  }
  return [...rows].flatMap(([y, [from, to]]): Point[] =>
    from === to
      ? [[from, y]]
      : [
          [from, y],
          [to, y],
        ],
  );
}

function extend(rows: Map<number, [number, number]>, x: number, y: number): void {
  const row = rows.get(y);
  if (row === undefined) rows.set(y, [x, x]);
  else if (x < row[0]) row[0] = x;
  else if (x > row[1]) row[1] = x;
}

/** Mean of the map over the pixels whose centres lie in a rotated rectangle. */
function meanInside(map: Float32Array, width: number, height: number, rectangle: Rectangle): number {
  const { centreX, centreY, axisX, axisY } = rectangle;
  const halfWidth = rectangle.width / 2 + 0.5;
  const halfHeight = rectangle.height / 2 + 0.5;
  const reachX = Math.abs(axisX) * halfWidth + Math.abs(axisY) * halfHeight;
  const reachY = Math.abs(axisY) * halfWidth + Math.abs(axisX) * halfHeight;
  let sum = 0;
  let count = 0;
  for (let y = Math.max(0, Math.floor(centreY - reachY)); y <= Math.min(height - 1, Math.ceil(centreY + reachY)); y += 1) {
    for (let x = Math.max(0, Math.floor(centreX - reachX)); x <= Math.min(width - 1, Math.ceil(centreX + reachX)); x += 1) {
      const along = (x - centreX) * axisX + (y - centreY) * axisY;
      const across = (y - centreY) * axisX - (x - centreX) * axisY;
      if (Math.abs(along) > halfWidth || Math.abs(across) > halfHeight) continue;
      sum += map[y * width + x] as number;
      count += 1;
    }
  }
  return count === 0 ? 0 : sum / count;
}

/** Grows a rectangle by area x ratio / perimeter on every side. */
export function unclip(rectangle: Rectangle, ratio: number): Rectangle {
  const { width, height } = rectangle;
  const offset = (width * height * ratio) / (2 * (width + height));
  return { ...rectangle, width: width + 2 * offset, height: height + 2 * offset };
}

/** Corners in pixels of the source image, starting at the top-left as the text reads. */
function toSource(rectangle: Rectangle, scaleX: number, scaleY: number, sourceWidth: number, sourceHeight: number): Quad {
  const { centreX, centreY, axisX, axisY } = rectangle;
  const corner = (signX: number, signY: number): Point => {
    const along = (signX * rectangle.width) / 2;
    const across = (signY * rectangle.height) / 2;
    // Pixel indices name centres; half a pixel turns them into positions.
    const x = (centreX + 0.5 + along * axisX - across * axisY) * scaleX;
    const y = (centreY + 0.5 + along * axisY + across * axisX) * scaleY;
    return [Math.min(sourceWidth, Math.max(0, x)), Math.min(sourceHeight, Math.max(0, y))];
  };
  return orderCorners([corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)]);
}

/** Left pair by x, right pair by x, each sorted by y: the order of PaddleOCR's get_mini_boxes. */
export function orderCorners(corners: readonly Point[]): Quad {
  const sorted = [...corners].sort((a, b) => a[0] - b[0]) as [Point, Point, Point, Point];
  const [topLeft, bottomLeft] = sorted[0][1] <= sorted[1][1] ? [sorted[0], sorted[1]] : [sorted[1], sorted[0]];
  const [topRight, bottomRight] = sorted[2][1] <= sorted[3][1] ? [sorted[2], sorted[3]] : [sorted[3], sorted[2]];
  return [topLeft, topRight, bottomRight, bottomLeft];
}

/** Boxes whose tops are closer than this are on one line, in pixels of the source image. */
const LINE_TOLERANCE = 10;

function inReadingOrder(boxes: readonly Box[]): Box[] {
  const byTop = [...boxes].sort((a, b) => a.quad[0][1] - b.quad[0][1]);
  const lines: Box[][] = [];
  for (const box of byTop) {
    const line = lines.at(-1);
    if (line?.[0] !== undefined && box.quad[0][1] - line[0].quad[0][1] < LINE_TOLERANCE) line.push(box);
    else lines.push([box]);
  }
  return lines.flatMap((line) => line.sort((a, b) => a.quad[0][0] - b.quad[0][0]));
}
