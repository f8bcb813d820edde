import { GRAPH_VERSION, type PipelineInput } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';

let fleet: ReadyFleet;
beforeAll(async () => {
  fleet = await startReadyFleet();
});
afterAll(() => fleet?.stop());

const scaled: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'scaled', version: '1.0.0' },
  inputs: { image: 'encoded-image' },
  outputs: { image: 'image' },
  parameters: { side: { default: 640, maximum: 5000 }, fixed: { default: 'stretch', overridable: 'never' } },
  nodes: { decode: { op: 'image.decode' }, inner: { pipeline: 'fit', params: { width: '${side}', mode: '${fixed}' } } },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'inner.image' },
    { from: 'inner.image', to: 'output.image' },
  ],
  pipelines: {
    fit: {
      ...{ inputs: { image: 'image' }, outputs: { image: 'image' } },
      parameters: { width: { default: 32 }, mode: { default: 'letterbox' } },
      nodes: { scale: { op: 'image.fit', params: { width: '${width}', height: 32, mode: '${mode}' } } },
      edges: [
        { from: 'input.image', to: 'scale.image' },
        { from: 'scale.image', to: 'output.image' },
      ],
    },
  },
};

test('a release sets parameters of its pipeline, asks for all that its inner pipelines need, and is refused what does not fit', async () => {
  await fleet.operator.pushPipeline(scaled);
  const { document } = await fleet.operator.createRelease({ name: 'scaled-1', pipeline: 'scaled', parameters: { side: 320 } });
  expect(document.parameters).toEqual({ side: 320 });
  expect(document.requires.operators).toEqual({ 'image.decode': 1, 'image.fit': 1, graph: GRAPH_VERSION });
  const refused: [Record<string, string | number>, string][] = [
    [{ sides: 1 }, 'parameters.sides'],
    [{ side: 'wide' }, 'parameters.side'],
    [{ side: 6000 }, 'parameters.side'],
    [{ fixed: 'letterbox' }, 'parameters.fixed'],
    [{ 'other:side': 5 }, 'parameters.other:side'],
  ];
  for (const [parameters, field] of refused) {
    await expect(fleet.operator.createRelease({ name: 'scaled-2', pipeline: 'scaled', parameters })).rejects.toMatchObject({ field });
  }
});
