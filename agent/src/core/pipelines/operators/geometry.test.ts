import type { Rectangle } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxIou, clampRectangle, clipPolygon, cornersOf, isInsidePolygon, polygonArea, rectangleIou } from './geometry.ts';
import type { Point } from './values.ts';

/** Box, angle, box, angle, intersection over union by shapely 2.2.0 (`affinity.rotate`, `intersection`, `union`). */
const turnedPairs: [Rectangle, number, Rectangle, number, number][] = [
  [[24.71, 47.16, 65.29, 64.62], -1.279, [33.7, -0.53, 76.19, 40.95], -0.205, 0.047738457],
  [[22.77, 17.79, 41.47, 44.48], 0.029, [21.49, 42.75, 62.79, 76.89], 3.129, 0.015880903],
  [[11.75, 21.49, 45.48, 31.33], -2.972, [17.34, 21.43, 63.86, 55.86], 0.09, 0.160119767],
  [[35.63, 21.86, 44.12, 37.94], 1.229, [23.95, 13.35, 32.1, 56.21], -2.211, 0.207745646],
  [[16.0, 33.42, 45.41, 77.0], 0.894, [34.31, 9.0, 65.03, 38.32], 2.377, 0.017107388],
  [[29.21, 31.79, 39.69, 56.07], -1.133, [14.04, 28.1, 37.98, 77.21], 0.576, 0.190918897],
  [[26.0, 38.35, 62.41, 52.69], -0.382, [23.55, 11.78, 35.61, 60.42], -1.824, 0.015568593],
  [[24.51, 14.11, 69.23, 49.92], -2.358, [30.82, 41.83, 76.79, 73.76], -2.269, 0.180532586],
  [[12.1, 49.32, 43.3, 64.91], 2.458, [33.76, 30.16, 57.56, 55.42], -1.667, 0.096487011],
  [[45.69, 31.31, 71.68, 61.31], 2.386, [15.41, 32.15, 52.13, 55.08], 0.122, 0.115609337],
  [[43.44, 32.77, 57.78, 79.97], -3.167, [43.25, 39.62, 56.99, 65.22], 2.018, 0.274108429],
  [[-0.08, 30.37, 41.22, 59.91], 1.445, [17.43, 20.17, 40.68, 35.71], -0.985, 0.159234382],
];

const rectangles = fc
  .tuple(
    fc.integer({ min: -50, max: 50 }),
    fc.integer({ min: -50, max: 50 }),
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 1, max: 60 }),
  )
  .map(([left, top, width, height]): Rectangle => [left, top, left + width, top + height]);
const angles = fc.double({ min: -7, max: 7, noNaN: true });

describe('intersection over union', () => {
  it('is what a hand finds for upright rectangles', () => {
    // 10 x 10 each, 5 x 5 in common: 25 / 175.
    expect(rectangleIou([0, 0, 10, 10], [5, 5, 15, 15])).toBeCloseTo(1 / 7, 12);
    expect(rectangleIou([0, 0, 10, 10], [10, 0, 20, 10])).toBe(0);
  });

  it('is 0 for boxes without an area, or that hold no numbers', () => {
    expect(rectangleIou([5, 5, 5, 5], [5, 5, 5, 5])).toBe(0);
    expect(rectangleIou([8, 0, 2, 10], [0, 0, 10, 10])).toBe(0);
    expect(boxIou({ box: [0, 0, Number.NaN, 5], angle: 1 }, { box: [0, 0, 5, 5] })).toBe(0);
  });

  it('is an octagon for a square and itself turned by an eighth', () => {
    // The octagon of inner radius 1 has the area 8 tan(22.5 degrees), each square 4.
    const octagon = 8 * Math.tan(Math.PI / 8);
    expect(boxIou({ box: [-1, -1, 1, 1] }, { box: [-1, -1, 1, 1], angle: Math.PI / 4 })).toBeCloseTo(octagon / (8 - octagon), 12);
  });

  it.each(turnedPairs)('agrees with shapely: %j turned by %d, %j turned by %d', (a, angleA, b, angleB, expected) => {
    expect(boxIou({ box: a, angle: angleA }, { box: b, angle: angleB })).toBeCloseTo(expected, 8);
  });

  it('is symmetric, within 0..1, 1 for a box and itself, and that of rectangles where both are turned by nothing', () => {
    fc.assert(
      fc.property(rectangles, rectangles, angles, angles, (a, b, angleA, angleB) => {
        const [first, second] = [
          { box: a, angle: angleA },
          { box: b, angle: angleB },
        ];
        const iou = boxIou(first, second);
        expect(iou).toBeCloseTo(boxIou(second, first), 9);
        expect(iou).toBeGreaterThanOrEqual(0);
        expect(iou).toBeLessThanOrEqual(1);
        expect(boxIou(first, first)).toBeCloseTo(1, 9);
        // A whole turn takes the way through polygons, and changes nothing else.
        expect(boxIou({ box: a, angle: 2 * Math.PI }, { box: b })).toBeCloseTo(rectangleIou(a, b), 9);
      }),
    );
  });
});

describe('polygons', () => {
  const triangle: Point[] = [
    [0, 0],
    [10, 0],
    [0, 10],
  ];

  it('turn clockwise on the screen', () => {
    const [[x, y]] = cornersOf({ box: [0, 0, 2, 2], angle: Math.PI / 2 });
    expect(x).toBeCloseTo(2, 12);
    expect(y).toBeCloseTo(0, 12);
  });

  it('are cut by a convex one whichever way round that goes', () => {
    const square = cornersOf({ box: [2, 2, 20, 20] });
    // The triangle 2,2 8,2 2,8.
    expect(polygonArea(clipPolygon(triangle, square))).toBeCloseTo(18, 9);
    expect(polygonArea(clipPolygon(triangle, [...square].reverse()))).toBeCloseTo(18, 9);
    expect(clipPolygon(triangle, cornersOf({ box: [20, 20, 30, 30] }))).toEqual([]);
  });

  it('know their inside, also where they are not convex', () => {
    const arrow: Point[] = [
      [0, 0],
      [10, 5],
      [0, 10],
      [4, 5],
    ];
    expect(isInsidePolygon([6, 5], arrow)).toBe(true);
    expect(isInsidePolygon([2, 5], arrow)).toBe(false);
    expect(isInsidePolygon([11, 5], arrow)).toBe(false);
  });

  it('keep rectangles in the picture', () => {
    expect(clampRectangle([-5, 3, 20, 90], { width: 10, height: 30 })).toEqual([0, 3, 10, 30]);
    expect(clampRectangle([50, 3, 60, 9], { width: 10, height: 30 })).toEqual([10, 3, 10, 9]);
  });
});
