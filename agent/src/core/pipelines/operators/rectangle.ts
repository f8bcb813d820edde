import type { Point } from './values.ts';

/** A rotated rectangle: (axisX, axisY) is the unit vector along `width`. */
export interface Rectangle {
  centreX: number;
  centreY: number;
  width: number;
  height: number;
  axisX: number;
  axisY: number;
}

/** Convex hull by Andrew's monotone chain, counter-clockwise, without collinear points. */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
  const half = (ordered: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const point of ordered) {
      while (chain.length >= 2 && cross(chain[chain.length - 2] as Point, chain[chain.length - 1] as Point, point) <= 0) chain.pop();
      chain.push(point);
    }
    chain.pop();
    return chain;
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

/**
 * The smallest rectangle around a convex polygon: one of its sides lies on an edge of the polygon (Freeman and Shapira 1975), so trying
 * every edge is enough.
 * @returns undefined for fewer than two points
 */
export function minimumAreaRectangle(hull: readonly Point[]): Rectangle | undefined {
  let best: Rectangle | undefined;
  let bestArea = Number.POSITIVE_INFINITY;
  for (let index = 0; index < hull.length; index += 1) {
    const from = hull[index] as Point;
    const to = hull[(index + 1) % hull.length] as Point;
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    if (length === 0) continue;
    const candidate = rectangleAlong(hull, (to[0] - from[0]) / length, (to[1] - from[1]) / length);
    const area = candidate.width * candidate.height;
    if (area < bestArea) {
      best = candidate;
      bestArea = area;
    }
  }
  return best;
}

function rectangleAlong(hull: readonly Point[], axisX: number, axisY: number): Rectangle {
  let [minimumAlong, maximumAlong, minimumAcross, maximumAcross] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const [x, y] of hull) {
    const along = x * axisX + y * axisY;
    const across = y * axisX - x * axisY;
    minimumAlong = Math.min(minimumAlong, along);
    maximumAlong = Math.max(maximumAlong, along);
    minimumAcross = Math.min(minimumAcross, across);
    maximumAcross = Math.max(maximumAcross, across);
  }
  const along = (minimumAlong + maximumAlong) / 2;
  const across = (minimumAcross + maximumAcross) / 2;
  return {
    centreX: along * axisX - across * axisY,
    centreY: along * axisY + across * axisX,
    width: maximumAlong - minimumAlong,
    height: maximumAcross - minimumAcross,
    axisX,
    axisY,
  };
}

function cross(origin: Point, a: Point, b: Point): number {
  return (a[0] - origin[0]) * (b[1] - origin[1]) - (a[1] - origin[1]) * (b[0] - origin[0]);
}
