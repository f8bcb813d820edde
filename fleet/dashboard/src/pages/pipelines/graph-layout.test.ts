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
  test('lets every edge point right, and gives every node a place of its own', () => {
    fc.assert(
      fc.property(graphs, ({ names, pairs }) => {
        const order = ['input', ...names, 'output'];
        const edges = pairs.filter(([a, b]) => a < b + 1).map(([a, b]) => ({ from: `${order[a]}.x`, to: `${order[b + 1]}.y` }));
        const nodes = Object.fromEntries(names.map((name) => [name, { op: 'image.decode', each: false, params: {} }]));
        const layout = layOut({ nodes, edges });
        const place = new Map(layout.nodes.map((node) => [node.id, node]));
        for (const { from, to } of layout.edges) expect(place.get(from)?.column).toBeLessThan(place.get(to)?.column ?? -1);
        expect(new Set(layout.nodes.map(({ column, row }) => `${column}/${row}`)).size).toBe(layout.nodes.length);
        expect(layout.nodes.every(({ column, row }) => column < layout.columns && row < layout.rows)).toBe(true);
      }),
    );
  });

  test('splits a port from its node at the first dot, since ports may have dots', () => {
    const { edges } = layOut({
      nodes: { detect: { model: 'text-detection', each: false, batchMaximum: 1 } },
      edges: [{ from: 'detect.sigmoid_0.tmp_0', to: 'output.map' }],
    });
    expect(edges).toEqual([{ from: 'detect', fromPort: 'sigmoid_0.tmp_0', to: 'output', toPort: 'map' }]);
  });
});
