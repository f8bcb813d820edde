import { describe, expect, test } from 'vitest';
import { type PipelineInput, pipelineSchema } from '../documents/pipeline.ts';
import { expandPipeline } from './expand.ts';
import { cutPorts, cyclesAcrossPlaces, graphAtHome, graphOfPart, modelsAtPlaces, splitByPlace } from './split.ts';

const compute = (on = 'device', rest: object = {}) => ({ op: 'value.compute', params: { inputs: ['value'], give: 'value' }, on, ...rest });

function expanded(nodes: PipelineInput['nodes'], edges: PipelineInput['edges'], rest: Partial<PipelineInput> = {}) {
  return expandPipeline(
    pipelineSchema.parse({
      ...{ kind: 'pipeline', schemaVersion: 1, name: 'p', version: '1.0.0', inputs: { x: 'json' }, outputs: { y: 'json' } },
      ...{ nodes, edges, ...rest },
    }),
  );
}

const chain = (...names: string[]): PipelineInput['edges'] => {
  const ports = ['input.x', ...names.flatMap((name) => [`${name}.value`, `${name}.value`]), 'output.y'];
  return names.concat('').map((_, index) => ({ from: ports[2 * index] as string, to: ports[2 * index + 1] as string }));
};

describe('a pipeline on several machines', () => {
  test('is one graph where all nodes are at the device', () => {
    expect(splitByPlace(expanded({ a: compute() }, chain('a')))).toEqual([]);
  });

  test('has one part for nodes of a place that are joined, and only its outside is cut', () => {
    const graph = expanded({ a: compute(), b: compute('cloud'), c: compute('cloud'), d: compute() }, chain('a', 'b', 'c', 'd'));
    const parts = splitByPlace(graph);
    expect(parts).toMatchObject([
      { name: 'cloud', place: 'cloud', nodes: ['b', 'c'], inputs: [{ name: 'a.value' }], outputs: ['c.value'] },
    ]);
    expect(cutPorts(parts)).toEqual(['a.value', 'c.value']);
    expect(Object.keys(graphAtHome(graph, parts).nodes)).toEqual(['a', 'd', '@cloud']);
    expect(graphAtHome(graph, parts).edges).toContainEqual({ from: 'a.value', to: '@cloud.a.value' });
    expect(graphOfPart(graph, parts[0] as (typeof parts)[number]).edges).toEqual([
      { from: 'input.a.value', to: 'b.value' },
      { from: 'b.value', to: 'c.value' },
      { from: 'c.value', to: 'output.c.value' },
    ]);
  });

  test('has two parts where the device stands between: neither waits for itself', () => {
    const nodes = { a: compute('cloud'), b: compute(), c: { ...compute('cloud'), params: { inputs: ['value', 'near'], give: 'value' } } };
    const edges = [...(chain('a', 'b', 'c') ?? []), { from: 'a.value', to: 'c.near' }];
    expect(splitByPlace(expanded(nodes, edges))).toMatchObject([
      { name: 'cloud', nodes: ['a'], outputs: ['a.value'] },
      { name: 'cloud-2', nodes: ['c'], inputs: [{ from: 'b.value' }, { from: 'a.value' }] },
    ]);
  });

  test('has parts of different places beside each other, by way of the device', () => {
    const graph = expanded({ a: compute('cloud'), b: compute('group:gpu') }, chain('a', 'b'));
    expect(splitByPlace(graph).map(({ name, place }) => [name, place])).toEqual([
      ['cloud', 'cloud'],
      ['group-gpu', 'group:gpu'],
    ]);
  });

  test('carries a value once for all that take it, a trigger without its value, and edges of other queues apart', () => {
    const nodes = {
      a: compute(),
      b: compute('cloud'),
      c: compute('cloud', { triggers: ['b.value', 'd.value'] }),
      d: compute(),
      e: { ...compute('cloud'), params: { inputs: ['value', 'other', 'last'], give: 'value' } },
    };
    const edges = [
      ...[
        { from: 'input.x', to: 'a.value' },
        { from: 'input.x', to: 'd.value' },
        { from: 'a.value', to: 'b.value' },
      ],
      ...[
        { from: 'a.value', to: 'c.value', queue: { length: 2 } },
        { from: 'a.value', to: 'e.value' },
      ],
      ...[
        { from: 'b.value', to: 'e.other' },
        { from: 'c.value', to: 'e.last' },
        { from: 'e.value', to: 'output.y' },
      ],
    ];
    const [part] = splitByPlace(expanded(nodes, edges));
    expect(part?.inputs).toEqual([
      { name: 'a.value', from: 'a.value', queue: undefined, isSignal: false },
      { name: 'a.value~2', from: 'a.value', queue: { length: 2, policy: 'block' }, isSignal: false },
      { name: 'd.value', from: 'd.value', queue: undefined, isSignal: true },
    ]);
  });

  test('names loops that would go from machine to machine', () => {
    const nodes = { before: { op: 'flow.delay', params: { initial: 0 }, on: 'cloud' }, a: compute() };
    const edges = [
      ...[
        { from: 'before.value', to: 'a.value' },
        { from: 'a.value', to: 'before.value' },
        { from: 'a.value', to: 'output.y' },
      ],
    ];
    expect(cyclesAcrossPlaces(expanded(nodes, edges))).toEqual([
      { nodes: ['a', 'before'], places: expect.arrayContaining(['cloud', 'device']) },
    ]);
    expect(cyclesAcrossPlaces(expanded({ ...nodes, a: compute('cloud') }, edges))).toEqual([]);
  });

  test('has each model where its nodes are, inside of pipelines too', () => {
    const inside = {
      ...{ inputs: { x: 'json' }, outputs: { y: 'json' }, nodes: { m: { model: 'inner' } } },
      edges: [
        { from: 'input.x', to: 'm.x' },
        { from: 'm.y', to: 'output.y' },
      ],
    };
    const nodes = { a: { model: 'near' }, b: { pipeline: 'inside', each: true, on: 'cloud' } };
    const edges = [
      { from: 'input.x', to: 'a.x' },
      { from: 'a.y', to: 'b.x' },
      { from: 'b.y', to: 'output.y' },
    ];
    const graph = expanded(nodes, edges, { pipelines: { inside } });
    expect([modelsAtPlaces(graph, ['device']), modelsAtPlaces(graph, ['cloud', 'group:x'])]).toEqual([['near'], ['inner']]);
  });
});
