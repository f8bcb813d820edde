import { describe, expect, test } from 'vitest';
import { type PipelineInput, pipelineSchema } from '../documents/pipeline.ts';
import { expandPipeline } from './expand.ts';

const operator = { op: 'image.resize' } as const;
const base = { kind: 'pipeline', schemaVersion: 1, name: 'outside', version: '1.0.0' } as const;
const image = { image: 'image' } as const;

/** `first` -> inside(`one` -> `two`) -> `last`. */
const nested: PipelineInput = {
  ...base,
  ...{ inputs: image, outputs: image },
  parameters: { side: { default: 640 } },
  nodes: {
    first: { ...operator, params: { longestSide: '${side}' } },
    inner: { pipeline: 'inside', on: 'cloud', params: { small: '${side}' } },
    last: { ...operator, triggers: ['inner.image'] },
  },
  edges: [
    { from: 'input.image', to: 'first.image' },
    { from: 'first.image', to: 'inner.image', queue: { length: 2 } },
    { from: 'inner.image', to: 'last.image' },
    { from: 'last.image', to: 'output.image' },
  ],
  pipelines: {
    inside: {
      ...{ inputs: image, outputs: image },
      parameters: { small: { default: 32 } },
      nodes: { one: { ...operator, params: { longestSide: '${small}' } }, two: { ...operator, triggers: ['input.image', 'one.image'] } },
      edges: [
        { from: 'input.image', to: 'one.image' },
        { from: 'one.image', to: 'two.image', queue: { length: 1, policy: 'latest' } },
        { from: 'two.image', to: 'output.image' },
      ],
    },
  },
  monitors: { light: { edge: 'inner.image', measure: 'brightness', bins: [1] } },
};
const expand = (change: (pipeline: PipelineInput) => void = () => undefined) => {
  const pipeline = structuredClone(nested);
  change(pipeline);
  return expandPipeline(pipelineSchema.parse(pipeline));
};

describe('a pipeline inside another', () => {
  test('that is plain stands there node by node', () => {
    const { nodes, edges, monitors, aliases, inner } = expand();
    expect(edges.map(({ from, to, queue }) => `${from} -> ${to}${queue === undefined ? '' : ` ${queue.length} ${queue.policy}`}`)).toEqual([
      'input.image -> first.image',
      'inner/two.image -> last.image',
      'last.image -> output.image',
      'first.image -> inner/one.image 2 block',
      'inner/one.image -> inner/two.image 1 latest',
    ]);
    expect(nodes).toMatchObject({
      first: { params: { longestSide: 640 }, on: 'device' },
      'inner/one': { params: { longestSide: 640 }, on: 'cloud' },
      'inner/two': { triggers: ['first.image', 'inner/one.image'] },
      last: { triggers: ['inner/two.image'] },
    });
    expect(Object.keys(nodes)).toEqual(['first', 'inner/one', 'inner/two', 'last']);
    expect(monitors['light']?.edge).toBe('inner/two.image');
    expect(aliases).toEqual({ 'inner.image': 'inner/two.image' });
    expect(inner).toEqual({});
  });

  test.each([{ each: true }, { retry: {} }, { timeoutMs: 5 }, { onError: 'skip' }, { concurrency: 2 }, { join: 'any' }] as const)(
    'that has %j stays one node, with its own graph',
    (asked) => {
      const { nodes, inner, edges } = expand((it) => Object.assign(it.nodes['inner'] ?? {}, asked));
      expect(Object.keys(nodes)).toEqual(['first', 'inner', 'last']);
      expect(Object.keys(inner['inner']?.nodes ?? {})).toEqual(['one', 'two']);
      expect(inner['inner']?.nodes['one']).toMatchObject({ params: { longestSide: 640 } });
      expect(edges).toHaveLength(4);
    },
  );

  test('that is plain inside one inside another is spread out to the end', () => {
    const { nodes, edges, aliases } = expand((it) => {
      const inside = it.pipelines?.['inside'];
      it.pipelines = {
        ...(inside === undefined ? {} : { inside }),
        between: {
          ...{ inputs: image, outputs: { image: 'image', same: 'image' } },
          nodes: { deep: { pipeline: 'inside' } },
          edges: [
            { from: 'input.image', to: 'deep.image' },
            { from: 'deep.image', to: 'output.image' },
            { from: 'input.image', to: 'output.same' },
          ],
        },
      };
      it.nodes['inner'] = { pipeline: 'between' };
      it.edges.push({ from: 'inner.same', to: 'output.other' });
      it.outputs = { image: 'image', other: 'image' };
    });
    expect(Object.keys(nodes)).toEqual(['first', 'inner/deep/one', 'inner/deep/two', 'last']);
    expect(edges.map(({ from, to }) => `${from} -> ${to}`).toSorted()).toEqual([
      'first.image -> inner/deep/one.image',
      'first.image -> output.other',
      'inner/deep/one.image -> inner/deep/two.image',
      'inner/deep/two.image -> last.image',
      'input.image -> first.image',
      'last.image -> output.image',
    ]);
    expect(aliases['inner.image']).toBe('inner/deep/two.image');
    expect(aliases['inner.same']).toBe('first.image');
  });

  test('with two edges at one output is merged: the first value counts', () => {
    const { nodes, edges, monitors } = expand((it) =>
      it.pipelines?.['inside']?.edges.push({ from: 'one.image', to: 'output.image', queue: { length: 3 } }),
    );
    expect(nodes['inner/output/image-any']).toMatchObject({ op: 'flow.merge', join: 'any', params: { inputs: ['value0', 'value1'] } });
    expect(edges.filter(({ to }) => to.startsWith('inner/output/'))).toEqual([
      { from: 'inner/two.image', to: 'inner/output/image-any.value0' },
      { from: 'inner/one.image', to: 'inner/output/image-any.value1', queue: { length: 3, policy: 'block' } },
    ]);
    expect(monitors['light']?.edge).toBe('inner/output/image-any.value');
    expect(edges.filter(({ to }) => to === 'last.image')).toEqual([{ from: 'inner/output/image-any.value', to: 'last.image' }]);
  });

  test('that contains itself, or too much, is refused', () => {
    const recursive = (): unknown => expand((it) => Object.assign(it.pipelines?.['inside']?.nodes ?? {}, { one: { pipeline: 'inside' } }));
    expect(recursive).toThrowError(expect.objectContaining({ code: 'recursive-pipeline' }));
    const bomb = (): unknown =>
      expand((it) => {
        const ten = (pipeline: string) => Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`n${index}`, { pipeline }]));
        const inside = it.pipelines?.['inside'] as NonNullable<PipelineInput['pipelines']>[string];
        it.pipelines = { inside, a: { nodes: ten('inside'), edges: inside.edges }, b: { nodes: ten('a'), edges: inside.edges } };
        it.nodes = ten('b');
      });
    expect(bomb).toThrowError(expect.objectContaining({ code: 'too-large' }));
  });
});
