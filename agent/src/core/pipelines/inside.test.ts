import { type PipelineGraph, pipelineGraphSchema } from '@starling/shared';
import { expect, test } from 'vitest';
import { createGraph } from './graph.ts';
import { graphWork } from './graph-work.ts';
import type { NodeWork } from './node-work.ts';
import { planGraph } from './plan.ts';
import { createVirtualClock } from './virtual-clock.ts';

const clock = createVirtualClock(0);
const double: NodeWork['run'] = ({ n }) => ({ n: Number(n) * 2 });

/** One node between an input and an output. */
const listGraph = pipelineGraphSchema.parse({
  ...{ inputs: { n: 'json' }, outputs: { n: 'json' }, nodes: { map: { op: 'test' } } },
  edges: [
    { from: 'input.n', to: 'map.n' },
    { from: 'map.n', to: 'output.n' },
  ],
});

test('watching reaches into pipelines that run for each item of a list, under the number of the outermost item', async () => {
  const inner = (work: NodeWork) => {
    const plan = planGraph(listGraph, () => ({ work }));
    return graphWork(createGraph(plan, { clock }), ['n']);
  };
  const innermost = inner({ outputNames: ['n'], run: double, runEach: async () => [] });
  const graph = createGraph(
    planGraph({ ...listGraph, nodes: { map: { ...listGraph.nodes.map, each: true } } } as PipelineGraph, () => ({
      work: inner(innermost),
    })),
    { clock },
  );
  expect(graph.ports).toEqual(['input.n', 'map.n', 'map/input.n', 'map/map.n', 'map/map/input.n', 'map/map/map.n']);
  const seen: unknown[] = [];
  const detach = graph.observe({ value: (reference, value, { sequence }) => void seen.push([reference, value, sequence]) });
  const list = (values: number[]) => graph.run({ values: { 'input.n': values }, stream: 's', timeMs: 1 });
  await list([1]);
  seen.length = 0;
  expect((await list([1, 2])).outputs).toEqual({ n: [2, 4] });
  const of = (edge: string) => seen.filter((each) => (each as string[])[0] === edge);
  expect(of('map/map/map.n')).toEqual([
    ['map/map/map.n', 2, 1],
    ['map/map/map.n', 4, 1],
  ]);
  expect(of('map/input.n').map((each) => (each as unknown[])[1])).toEqual([1, 2]);
  expect(graph.takeFigures()).toMatchObject({
    nodes: { map: { runs: 2 }, 'map/map/map': { runs: 3 } },
    ports: { 'map/map/input.n': { items: 3 } },
  });
  detach();
  seen.length = 0;
  await list([3]);
  expect(seen).toEqual([]);
});
