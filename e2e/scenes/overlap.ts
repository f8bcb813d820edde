import type { Contour, Point, Quad } from './geometry.ts';

export function middleOf(quad: Quad): Point {
  return [(quad[0][0] + quad[1][0] + quad[2][0] + quad[3][0]) / 4, (quad[0][1] + quad[1][1] + quad[2][1] + quad[3][1]) / 4];
}

/** Is a point in a convex polygon that runs clockwise (y down)? */
export function isInside(point: Point, polygon: Contour): boolean {
  return polygon.every((from, place) => side(from, polygon[(place + 1) % polygon.length] as Point, point) >= 0);
}

/** Shared area of two convex polygons that run clockwise, as a part of the area that either covers; 0..1. */
export function intersectionOverUnion(first: Contour, second: Contour): number {
  const shared = areaOf(clip(first, second));
  const either = areaOf(first) + areaOf(second) - shared;
  return either > 0 ? shared / either : 0;
}

/** Cuts a polygon along each edge of a convex one (Sutherland and Hodgman, 1974). */
function clip(subject: Contour, window: Contour): Point[] {
  let rest: Point[] = [...subject];
  window.forEach((from, place) => {
    const to = window[(place + 1) % window.length] as Point;
    const given = rest;
    rest = given.flatMap((point, index) => {
      const next = given[(index + 1) % given.length] as Point;
      const [here, there] = [side(from, to, point), side(from, to, next)];
      const kept = here >= 0 ? [point] : [];
      return here >= 0 === there >= 0 ? kept : [...kept, between(point, next, here / (here - there))];
    });
  });
  return rest;
}

function between([x0, y0]: Point, [x1, y1]: Point, part: number): Point {
  return [x0 + (x1 - x0) * part, y0 + (y1 - y0) * part];
}

/** Above 0 where `point` is to the right of the way from `from` to `to`, which is inside of what runs clockwise. */
function side(from: Point, to: Point, point: Point): number {
  return (to[0] - from[0]) * (point[1] - from[1]) - (to[1] - from[1]) * (point[0] - from[0]);
}

function areaOf(polygon: Contour): number {
  const doubled = polygon.reduce((sum, [x, y], place) => {
    const [nextX, nextY] = polygon[(place + 1) % polygon.length] as Point;
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(doubled) / 2;
}
