import { expect, test } from 'vitest';
import type { DrawnGraph } from './drawn-graph.ts';
import { withMoved } from './moved-nodes.ts';
import type { PlacedGraph } from './place-graph.ts';

const node = (id: string, group?: string) => ({ id, group }) as DrawnGraph['nodes'][number];
const edge = (id: string, from: string, to: string) => ({ id, from, to }) as DrawnGraph['edges'][number];
const graph = {
  nodes: [node('a'), node('g/b', 'g'), node('c')],
  edges: [edge('a-b', 'a', 'g/b'), edge('a-c', 'a', 'c')],
  groups: [{ id: 'g' }],
} as unknown as DrawnGraph;
const placed: PlacedGraph = {
  boxes: new Map([
    ['a', { x: 0, y: 0, width: 100, height: 50 }],
    ['g/b', { x: 20, y: 140, width: 100, height: 50 }],
    ['c', { x: 200, y: 100, width: 100, height: 50 }],
  ]),
  ways: new Map([
    ['a-b', [{ x: 1, y: 1 }]],
    ['a-c', [{ x: 2, y: 2 }]],
  ]),
  groups: new Map([['g', { x: 0, y: 100, width: 140, height: 110 }]]),
};

test('a layout in which nothing was moved stays as it is, whatever else was moved once', () => {
  expect(withMoved(graph, placed, {})).toBe(placed);
  expect(withMoved(graph, placed, { gone: { x: 1, y: 1 } })).toBe(placed);
});

test('a node that was moved keeps its size, its lines run straight, and its frame reaches around it', () => {
  const { boxes, ways, groups } = withMoved(graph, placed, { 'g/b': { x: 300, y: 90 } });
  expect(boxes.get('g/b')).toEqual({ x: 300, y: 90, width: 100, height: 50 });
  expect(boxes.get('a')).toEqual(placed.boxes.get('a'));
  expect(ways.get('a-b')).toEqual([]);
  expect(ways.get('a-c')).toEqual([{ x: 2, y: 2 }]);
  expect(groups.get('g')).toEqual({ x: 0, y: 56, width: 416, height: 154 });
});
