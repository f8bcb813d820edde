import { GRAPH_VERSION, type PipelineInput, type Policies, policiesSchema } from '@starling/shared';
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

test('a policy that names an edge, an output or a sink which there is not is refused, with what was meant', async () => {
  const create = (egress: Partial<Policies['egress']>) =>
    fleet.operator.createRelease({
      ...{ name: 'scaled-3', pipeline: 'scaled' },
      policies: policiesSchema.parse({ egress: { outputs: [], edges: [], sinks: [], ...egress } }),
    });
  const refused: [Partial<Policies['egress']>, code: string, field: string, hint: RegExp][] = [
    [{ edges: ['decode.imge'] }, 'unknown-edge', 'policies.egress.edges', /decode\.image/],
    [{ edges: ['inner.image'] }, 'unknown-edge', 'policies.egress.edges', /input\.image.*inner\/scale\.image/],
    [{ outputs: ['imag'] }, 'unknown-output', 'policies.egress.outputs', /image/],
    [{ sinks: ['send'] }, 'unknown-sink', 'policies.egress.sinks', /none/],
  ];
  for (const [egress, code, field, hint] of refused) {
    await expect(create(egress)).rejects.toMatchObject({ code, field, hint: expect.stringMatching(hint) });
  }
  await create({ edges: ['input.image', 'inner/scale.image', 'decode.error'] });
});
