import type { PipelineInput } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';

let fleet: ReadyFleet;
beforeAll(async () => {
  fleet = await startReadyFleet();
});
afterAll(() => fleet?.stop());

function measuring(name: string, on: string): PipelineInput {
  return {
    ...{ kind: 'pipeline', schemaVersion: 1, name, version: '1.0.0' },
    inputs: { image: 'encoded-image' },
    outputs: { statistics: 'json' },
    nodes: { decode: { op: 'image.decode' }, measure: { op: 'image.statistics', on } },
    edges: [
      { from: 'input.image', to: 'decode.image' },
      { from: 'decode.image', to: 'measure.image' },
      { from: 'measure.statistics', to: 'output.statistics' },
    ],
  };
}

test('a release whose pipeline places a node elsewhere is refused, and names the node', async () => {
  const inside = measuring('inside', 'group:servers');
  const outer: PipelineInput = {
    ...{ kind: 'pipeline', schemaVersion: 1, name: 'outer', version: '1.0.0' },
    inputs: { image: 'encoded-image' },
    outputs: { statistics: 'json' },
    nodes: { look: { pipeline: 'inside' } },
    edges: [
      { from: 'input.image', to: 'look.image' },
      { from: 'look.statistics', to: 'output.statistics' },
    ],
    pipelines: {
      inside: { inputs: { image: 'encoded-image' }, outputs: { statistics: 'json' }, nodes: inside.nodes, edges: inside.edges },
    },
  };
  for (const document of [measuring('here', 'device'), measuring('above', 'cloud'), outer]) await fleet.operator.pushPipeline(document);
  const create = (pipeline: string) => fleet.operator.createRelease({ name: `${pipeline}-1`, pipeline });
  const refused = { code: 'placement-unsupported', field: 'pipeline' };
  await expect(create('above')).rejects.toMatchObject({ ...refused, message: expect.stringMatching(/nodes\.measure.*cloud/) });
  await expect(create('outer')).rejects.toMatchObject({
    ...refused,
    message: expect.stringMatching(/pipelines\.inside\.nodes\.measure.*group:servers/),
  });
  expect((await create('here')).document.pipeline.name).toBe('here');
});
