import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawnGraphOf } from './drawn-graph.ts';
import { type Box, type Direction, neighbourOf, pathThrough, placeGraph } from './place-graph.ts';

/** A graph without cycles, of script nodes with one input for each edge: edges only from earlier to later nodes. */
const graphs = fc.integer({ min: 1, max: 12 }).chain((count) =>
  fc.array(fc.tuple(fc.nat(count), fc.nat(count)), { maxLength: 30 }).map((pairs) => {
    const names = Array.from({ length: count }, (_, index) => `n${index}`);
    const order = ['input', ...names, 'output'];
    const edges = pairs.filter(([a, b]) => a <= b).map(([a, b], index) => ({ from: `${order[a]}.x`, to: `${order[b + 1]}.p${index}` }));
    const nodes = Object.fromEntries(names.map((name) => [name, { op: 'image.decode' as const, ...bare }]));
    return { inputs: { x: 'image' }, outputs: {}, nodes, edges, pipelines: {}, monitors: {} };
  }),
);
const bare = { each: false, join: 'inner', triggersJoin: 'inner', onError: 'fail', on: 'device', params: {} } as const;

const overlaps = (a: Box, b: Box): boolean => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

describe('the layout of a graph', () => {
  test('gives every node a place of its own, and lets every line run down', () => {
    fc.assert(
      fc.property(graphs, (document) => {
        const graph = drawnGraphOf(document, new Map());
        const { boxes, ways } = placeGraph(graph);
        const placed = [...boxes.values()];
        for (const [index, box] of placed.entries()) for (const other of placed.slice(index + 1)) expect(overlaps(box, other)).toBe(false);
        for (const edge of graph.edges) {
          const [from, to] = [boxes.get(edge.from), boxes.get(edge.to)];
          if (from === undefined || to === undefined) throw new Error('every end of a line is placed');
          expect(from.y + from.height).toBeLessThan(to.y);
          const heights = [from.y + from.height, ...(ways.get(edge.id) ?? []).map(({ y }) => y), to.y];
          expect(heights).toEqual(heights.toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('makes room for figures where there can be some', () => {
    const nodes = { n: { op: 'image.decode' as const, ...bare } };
    const edges = [
      { from: 'input.x', to: 'n.image' },
      { from: 'n.image', to: 'output.y' },
    ];
    const graph = drawnGraphOf(
      { inputs: { x: 'encoded-image' }, outputs: { y: 'image' }, nodes, edges, pipelines: {}, monitors: {} },
      new Map(),
    );
    const [plain, told] = [placeGraph(graph), placeGraph(graph, { hasFigures: true })].map(({ boxes }) => boxes);
    const added = ['input', 'n', 'output'].map((id) => (told?.get(id)?.height ?? 0) - (plain?.get(id)?.height ?? 0));
    expect(added).toEqual([0, 22, 0]);
  });

  test('a line passes beside the nodes between its ends', () => {
    fc.assert(
      fc.property(graphs, (document) => {
        const graph = drawnGraphOf(document, new Map());
        const { boxes, ways } = placeGraph(graph);
        for (const edge of graph.edges) {
          for (const { x, y } of ways.get(edge.id) ?? []) {
            for (const [id, box] of boxes) {
              if (id === edge.from || id === edge.to) continue;
              expect(x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height).toBe(false);
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a graph with a cycle is placed too', () => {
    const edges = [
      { from: 'a.x', to: 'b.x' },
      { from: 'b.x', to: 'a.x' },
      { from: 'a.x', to: 'a.y' },
    ];
    const document = {
      inputs: {},
      outputs: {},
      nodes: { a: { op: 'a', ...bare }, b: { op: 'b', ...bare } },
      edges,
      pipelines: {},
      monitors: {},
    };
    expect([...placeGraph(drawnGraphOf(document, new Map())).boxes.keys()].toSorted()).toEqual(['a', 'b']);
  });

  test('arrow keys lead to every node from every other, and an arrow one way undoes one the other way to the side', () => {
    fc.assert(
      fc.property(graphs, (document) => {
        const graph = drawnGraphOf(document, new Map());
        const { boxes } = placeGraph(graph);
        const directions: Direction[] = ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'];
        const [first] = boxes.keys();
        const reached = new Set([first ?? '']);
        for (const id of reached) {
          for (const direction of directions) {
            const next = neighbourOf(boxes, id, direction);
            if (next === undefined) continue;
            reached.add(next);
            const back = { ArrowLeft: 'ArrowRight', ArrowRight: 'ArrowLeft' } as const;
            if (direction === 'ArrowLeft' || direction === 'ArrowRight') expect(neighbourOf(boxes, next, back[direction])).toBe(id);
          }
        }
        expect(reached.size).toBe(boxes.size);
      }),
      { numRuns: 60 },
    );
  });

  test('a path begins and ends where it is told, and goes through what lies between', () => {
    expect(
      pathThrough([
        { x: 0, y: 0 },
        { x: 10, y: 20 },
        { x: 5, y: 60 },
      ]),
    ).toBe('M0 0 C0 10 10 10 10 20 C10 40 5 40 5 60');
    expect(pathThrough([])).toBe('');
  });
});
