import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Pipeline, pipelineSchema } from '../documents/pipeline.ts';
import { circlesIn, orderNodes } from './topology.ts';

/** A graph of scripts with these ways from node to node. */
function graphOf(ways: readonly (readonly [string, string])[]): Pipeline {
  const names = [...new Set(ways.flat())];
  const script = { source: 'export default (x) => x', inputs: {}, outputs: {} };
  return pipelineSchema.parse({
    ...{ kind: 'pipeline', schemaVersion: 1, name: 'p', version: '1.0.0', inputs: {}, outputs: {} },
    nodes: Object.fromEntries(names.map((name) => [name, { script }])),
    edges: ways.map(([from, to]) => ({ from: `${from}.x`, to: `${to}.y` })),
  });
}

test('every circle is told, each once', () => {
  const ways = ['ab', 'ba', 'bc', 'cd', 'de', 'ec', 'ff', 'eg'].map((way) => [way.charAt(0), way.charAt(1)] as const);
  expect(circlesIn(graphOf(ways))).toEqual([['a', 'b'], ['c', 'd', 'e'], ['f']]);
});

test('circles are circles, and without the way that closes each there is none', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, name), { minLength: 1, selector: String }), (ways) => {
      const circles = circlesIn(graphOf(ways));
      const has = (from: string | undefined, to: string | undefined): boolean => ways.some((way) => way[0] === from && way[1] === to);
      for (const circle of circles) for (const [index, node] of circle.entries()) expect(has(circle.at(index - 1), node)).toBe(true);
      expect(new Set(circles.map(String)).size).toBe(circles.length);
      const left = ways.filter(([from, to]) => !circles.some((circle) => circle.at(-1) === from && circle[0] === to));
      expect(left.length === 0 ? [] : orderNodes(graphOf(left)).cyclic).toEqual([]);
    }),
  );
});
