import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawnGraphOf } from './drawn-graph.ts';
import { extentOf, foldGraph, READABLE, squarePath, zoomToFit } from './fold-graph.ts';
import { type Box, type Point, placeGraph } from './place-graph.ts';

const bare = { each: false, join: 'inner', triggersJoin: 'inner', onError: 'fail', on: 'device', params: {} } as const;
const DESK = { width: 900, height: 640 };

/** A chain of nodes, with further edges that leap ahead. */
function chainOf(count: number, leaps: readonly (readonly [number, number])[] = []) {
  const names = Array.from({ length: count }, (_, index) => `node-${index}`);
  const edges = [
    { from: 'input.x', to: 'node-0.x' },
    ...names.slice(1).map((name, index) => ({ from: `node-${index}.x`, to: `${name}.x` })),
    ...leaps.filter(([from, to]) => from < to && to < count).map(([from, to]) => ({ from: `node-${from}.x`, to: `node-${to}.y${from}` })),
  ];
  const nodes = Object.fromEntries(names.map((name) => [name, { op: 'image.decode', ...bare }]));
  return drawnGraphOf({ inputs: { x: 'image' }, outputs: {}, nodes, edges, pipelines: {}, monitors: {} }, new Map());
}

const isInside = ({ x, y }: Point, box: Box): boolean => x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height;

describe('a graph that is longer than its room', () => {
  test('is laid into columns, so that all of it can be read at once', () => {
    const graph = chainOf(12);
    const straight = placeGraph(graph);
    expect(zoomToFit(straight, DESK)).toBeLessThan(0.5);
    const folded = foldGraph(graph, straight, DESK);
    expect(zoomToFit(folded, DESK)).toBeGreaterThan(READABLE);
    expect(folded.boxes.size).toBe(straight.boxes.size);
  });

  test('stays as it is where it can be read', () => {
    const graph = chainOf(2);
    const straight = placeGraph(graph);
    expect(foldGraph(graph, straight, DESK)).toBe(straight);
  });

  test('keeps its nodes apart, its flow from column to column, and its lines beside nodes', () => {
    const leaps = fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { maxLength: 12 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), leaps, fc.integer({ min: 250, max: 1600 }), (count, pairs, width) => {
        const room = { width, height: 640 };
        const graph = chainOf(count, pairs);
        const straight = placeGraph(graph);
        const { boxes, ways, square, ...rest } = foldGraph(graph, straight, room);
        expect(zoomToFit({ boxes, ways, ...rest }, room)).toBeGreaterThanOrEqual(zoomToFit(straight, room));
        const all = [...boxes.values()];
        for (const [index, box] of all.entries()) {
          expect(box.x).toBeGreaterThanOrEqual(0);
          expect(box.y).toBeGreaterThanOrEqual(0);
          for (const other of all.slice(index + 1)) {
            const isApart =
              box.x + box.width <= other.x ||
              other.x + other.width <= box.x ||
              box.y + box.height <= other.y ||
              other.y + other.height <= box.y;
            expect(isApart).toBe(true);
          }
        }
        const extent = extentOf({ boxes, ways, ...rest });
        for (const { id, from, to } of graph.edges) {
          const way = ways.get(id) ?? [];
          for (const point of way) {
            expect(point.x).toBeGreaterThan(0);
            expect(point.y).toBeGreaterThan(0);
            expect(point.x).toBeLessThan(extent.width);
            expect(all.some((box) => isInside(point, box))).toBe(false);
          }
          if (square?.has(id) === true) expect(boxes.get(from)?.x).not.toBe(boxes.get(to)?.x);
        }
      }),
      { numRuns: 60 },
    );
  });
});

test('a square path begins and ends where it is told, and is round at its corners', () => {
  const path = squarePath(
    { x: 0, y: 0 },
    [
      { x: 100, y: 20 },
      { x: 100, y: -60 },
    ],
    { x: 200, y: 0 },
  );
  expect(path.startsWith('M0 0 L0 12 Q0 20 8 20 L92 20 Q100 20 100 12')).toBe(true);
  expect(path.endsWith('L200 0')).toBe(true);
});
