import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layOut } from './graph-layout.ts';

/** A graph without cycles: edges only from earlier to later nodes. */
const graphs = fc.integer({ min: 1, max: 12 }).chain((count) =>
  fc.record({
    names: fc.constant(Array.from({ length: count }, (_, index) => `n${index}`)),
    pairs: fc.array(fc.tuple(fc.nat(count), fc.nat(count)), { maxLength: 30 }),
  }),
);

describe('the layout of a graph', () => {
  test('lets every edge point down, gives every node a place of its own, and no lane to two edges side by side', () => {
    fc.assert(
      fc.property(graphs, ({ names, pairs }) => {
        const order = ['input', ...names, 'output'];
        const edges = pairs.filter(([a, b]) => a <= b).map(([a, b]) => ({ from: `${order[a]}.x`, to: `${order[b + 1]}.y` }));
        const nodes = Object.fromEntries(names.map((name) => [name, { op: 'image.decode', each: false, params: {} }]));
        const layout = layOut({ nodes, edges });
        const layerOf = (id: string): number => layout.nodes.find((node) => node.id === id)?.layer ?? -1;

        expect(new Set(layout.nodes.map(({ layer, place }) => `${layer}/${place}`)).size).toBe(layout.nodes.length);
        expect(layout.nodes.every(({ layer, place }) => layer < layout.layers && place < layout.places)).toBe(true);
        for (const { from, to, lane } of layout.edges) {
          expect(layerOf(from)).toBeLessThan(layerOf(to));
          expect(lane !== undefined).toBe(layerOf(to) - layerOf(from) > 1);
        }
        const passing = layout.edges.filter(({ lane }) => lane !== undefined);
        for (const [index, one] of passing.entries()) {
          for (const other of passing.slice(index + 1)) {
            const isBeside = layerOf(one.from) <= layerOf(other.to) && layerOf(other.from) <= layerOf(one.to);
            if (isBeside) expect(one.lane).not.toBe(other.lane);
          }
        }
      }),
    );
  });

  test('splits a port from its node at the first dot, since ports may have dots', () => {
    const { edges } = layOut({
      nodes: { detect: { model: 'text-detection', each: false, batchMaximum: 1 } },
      edges: [{ from: 'detect.sigmoid_0.tmp_0', to: 'output.map' }],
    });
    expect(edges).toEqual([{ from: 'detect', fromPort: 'sigmoid_0.tmp_0', to: 'output', toPort: 'map', lane: undefined }]);
  });
});
