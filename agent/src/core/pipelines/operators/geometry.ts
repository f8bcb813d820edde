import type { Detection, Rectangle } from '@starling/shared';
import type { Point, Quad } from './values.ts';

/** A box that may be turned: radians around its centre, clockwise on the screen, as detections state it. */
export type TurnedBox = Pick<Detection, 'box' | 'angle'>;

/** Width times height; 0 where right is not right of left, or bottom not below top. */
export function areaOf([left, top, right, bottom]: Rectangle): number {
  return Math.max(0, right - left) * Math.max(0, bottom - top);
}

export function centreOf([left, top, right, bottom]: Rectangle): Point {
  return [(left + right) / 2, (top + bottom) / 2];
}

/** What two rectangles have in common; its area is 0 where that is nothing. */
export function intersectionOf(a: Rectangle, b: Rectangle): Rectangle {
  return [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
}

/** Intersection over union of two upright rectangles, 0..1; 0 for rectangles without an area. */
export function rectangleIou(a: Rectangle, b: Rectangle): number {
  // Suppression asks this of millions of pairs: no array is made for it.
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return width > 0 && height > 0 ? ratio(width * height, areaOf(a), areaOf(b)) : 0;
}

/** Intersection over union of two boxes, either of which may be turned, 0..1. */
export function boxIou(a: TurnedBox, b: TurnedBox): number {
  if (!isTurned(a) && !isTurned(b)) return rectangleIou(a.box, b.box);
  const [areaA, areaB] = [areaOf(a.box), areaOf(b.box)];
  if (!(areaA > 0 && areaB > 0) || !mayTouch(a.box, b.box)) return 0;
  return ratio(polygonArea(clipPolygon(cornersOf(a), cornersOf(b))), areaA, areaB);
}

/** Corners of a box as it lies in the picture, starting at its own top-left, clockwise on the screen. */
export function cornersOf({ box, angle = 0 }: TurnedBox): Quad {
  const [left, top, right, bottom] = box;
  if (angle === 0) {
    return [
      [left, top],
      [right, top],
      [right, bottom],
      [left, bottom],
    ];
  }
  const [x, y] = centreOf(box);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [halfWidth, halfHeight] = [(right - left) / 2, (bottom - top) / 2];
  const corner = (signX: number, signY: number): Point => {
    const [along, across] = [signX * halfWidth, signY * halfHeight];
    return [x + along * cosine - across * sine, y + along * sine + across * cosine];
  };
  return [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)];
}

/** The upright rectangle around points. @returns a rectangle without an area for no points */
export function boundsOf(points: readonly Point[]): Rectangle {
  if (points.length === 0) return [0, 0, 0, 0];
  const bounds: Rectangle = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    bounds[0] = Math.min(bounds[0], x);
    bounds[1] = Math.min(bounds[1], y);
    bounds[2] = Math.max(bounds[2], x);
    bounds[3] = Math.max(bounds[3], y);
  }
  return bounds;
}

/** The part of a rectangle that lies in a picture. Beside the picture it becomes a rectangle without an area on its border. */
export function clampRectangle([left, top, right, bottom]: Rectangle, picture: { width: number; height: number }): Rectangle {
  const clamp = (value: number, most: number): number => Math.min(most, Math.max(0, value));
  return [clamp(left, picture.width), clamp(top, picture.height), clamp(right, picture.width), clamp(bottom, picture.height)];
}

/** Area of a polygon without self-intersections (shoelace formula), whichever way round it goes. */
export function polygonArea(polygon: readonly Point[]): number {
  return Math.abs(signedArea(polygon));
}

/** Whether a point lies inside a polygon, which need not be convex (even-odd rule). On the border either answer may come. */
export function isInsidePolygon([x, y]: Point, polygon: readonly Point[]): boolean {
  let isInside = false;
  for (let index = 0, before = polygon.length - 1; index < polygon.length; before = index, index += 1) {
    const [x1, y1] = polygon[index] as Point;
    const [x2, y2] = polygon[before] as Point;
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) isInside = !isInside;
  }
  return isInside;
}

/**
 * The part of a polygon inside a convex one (Sutherland and Hodgman, "Reentrant polygon clipping", 1974).
 * @returns no points where they have nothing in common
 */
export function clipPolygon(polygon: readonly Point[], convex: readonly Point[]): Point[] {
  // Which side of an edge is inside depends on the way round.
  const sign = signedArea(convex) < 0 ? -1 : 1;
  let clipped: Point[] = [...polygon];
  for (let index = 0; index < convex.length && clipped.length > 0; index += 1) {
    clipped = clipByEdge(clipped, convex[index] as Point, convex[(index + 1) % convex.length] as Point, sign);
  }
  return clipped;
}

function clipByEdge(polygon: readonly Point[], from: Point, to: Point, sign: number): Point[] {
  const side = ([x, y]: Point): number => sign * ((to[0] - from[0]) * (y - from[1]) - (to[1] - from[1]) * (x - from[0]));
  const kept: Point[] = [];
  let previous = polygon.at(-1) as Point;
  let previousSide = side(previous);
  for (const point of polygon) {
    const pointSide = side(point);
    if (pointSide >= 0 !== previousSide >= 0) kept.push(between(previous, point, previousSide / (previousSide - pointSide)));
    if (pointSide >= 0) kept.push(point);
    previous = point;
    previousSide = pointSide;
  }
  return kept;
}

function between(from: Point, to: Point, share: number): Point {
  return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
}

/** Positive for polygons that go clockwise on the screen, where y points down. */
function signedArea(polygon: readonly Point[]): number {
  let twice = 0;
  for (let index = 0, before = polygon.length - 1; index < polygon.length; before = index, index += 1) {
    const [x1, y1] = polygon[before] as Point;
    const [x2, y2] = polygon[index] as Point;
    twice += x1 * y2 - x2 * y1;
  }
  return twice / 2;
}

function isTurned({ angle = 0 }: TurnedBox): boolean {
  return angle !== 0;
}

/** Whether the circles around two boxes meet: most pairs of a picture are far apart, and clipping costs more than this. */
function mayTouch(a: Rectangle, b: Rectangle): boolean {
  const [[ax, ay], [bx, by]] = [centreOf(a), centreOf(b)];
  const reach = Math.hypot(a[2] - a[0], a[3] - a[1]) / 2 + Math.hypot(b[2] - b[0], b[3] - b[1]) / 2;
  return Math.hypot(ax - bx, ay - by) <= reach;
}

/** Clipping rounds: the share of two equal boxes must not come out above 1. */
function ratio(intersection: number, areaA: number, areaB: number): number {
  const union = areaA + areaB - intersection;
  return union > 0 ? Math.min(1, intersection / union) : 0;
}
