import { z } from 'zod';

export type Point = readonly [x: number, y: number];
/** A convex polygon. */
export type Polygon = readonly Point[];

const pointSchema = z.tuple([z.number(), z.number()]);
/** A place in an image: left, top, right, bottom; or the four corners of a quadrilateral. */
export const placeSchema = z.union([
  z.tuple([z.number(), z.number(), z.number(), z.number()]),
  z.tuple([pointSchema, pointSchema, pointSchema, pointSchema]),
]);
export type Place = z.infer<typeof placeSchema>;

/** The corners of a place, in the order in which the area is positive with y down. */
export function polygonOf(place: Place): Polygon {
  const corners = isQuad(place)
    ? place
    : ([
        [place[0], place[1]],
        [place[2], place[1]],
        [place[2], place[3]],
        [place[0], place[3]],
      ] as const);
  return signedArea(corners) < 0 ? corners.toReversed() : corners;
}

function isQuad(place: Place): place is Extract<Place, [Point, ...unknown[]]> {
  return Array.isArray(place[0]);
}

export function centreOf(polygon: Polygon): Point {
  const sum = polygon.reduce(([x, y], point): [number, number] => [x + point[0], y + point[1]], [0, 0]);
  return [sum[0] / polygon.length, sum[1] / polygon.length];
}

export function contains(polygon: Polygon, point: Point): boolean {
  return polygon.every((from, place) => side(from, polygon[(place + 1) % polygon.length] as Point, point) >= 0);
}

/** Shared area over the area that either covers: 0 to 1. */
export function intersectionOverUnion(first: Polygon, second: Polygon): number {
  const shared = Math.abs(signedArea(clip(first, second)));
  const either = Math.abs(signedArea(first)) + Math.abs(signedArea(second)) - shared;
  return either > 0 ? shared / either : 0;
}

/** Cuts a polygon along each edge of a convex one (Sutherland and Hodgman, 1974). */
function clip(subject: Polygon, window: Polygon): Polygon {
  return window.reduce<Polygon>((rest, from, place) => {
    const to = window[(place + 1) % window.length] as Point;
    return rest.flatMap((point, index) => {
      const next = rest[(index + 1) % rest.length] as Point;
      const here = side(from, to, point);
      const there = side(from, to, next);
      const kept = here >= 0 ? [point] : [];
      return here >= 0 === there >= 0 ? kept : [...kept, between(point, next, here / (here - there))];
    });
  }, subject);
}

function between([x0, y0]: Point, [x1, y1]: Point, part: number): Point {
  return [x0 + (x1 - x0) * part, y0 + (y1 - y0) * part];
}

/** Above 0 where `point` is inside of an edge. */
function side(from: Point, to: Point, point: Point): number {
  return (to[0] - from[0]) * (point[1] - from[1]) - (to[1] - from[1]) * (point[0] - from[0]);
}

function signedArea(polygon: Polygon): number {
  return (
    polygon.reduce((sum, [x, y], place) => {
      const [nextX, nextY] = polygon[(place + 1) % polygon.length] as Point;
      return sum + x * nextY - nextX * y;
    }, 0) / 2
  );
}
