import type { PipelineInput } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';

let fleet: ReadyFleet;
beforeAll(async () => {
  fleet = await startReadyFleet();
});
afterAll(() => fleet?.stop());

/** A loop through a delay that would go to another machine and back for each item. */
const loop: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'loop', version: '1.0.0', inputs: { level: 'json' }, outputs: { change: 'json' } },
  nodes: {
    before: { op: 'flow.delay', params: { initial: 0 }, on: 'cloud' },
    change: { op: 'value.compute', params: { inputs: ['now', 'before'], give: 'now - before' } },
  },
  edges: [
    { from: 'input.level', to: 'change.now' },
    { from: 'before.value', to: 'change.before' },
    { from: 'change.value', to: 'before.value' },
    { from: 'change.value', to: 'output.change' },
  ],
};

const pushed = (name: string, on: string): PipelineInput => ({
  ...{ kind: 'pipeline', schemaVersion: 1, name, version: '1.0.0', outputs: { y: 'json' } },
  nodes: {
    in: { source: 'http', params: { accepts: ['json'] }, on },
    same: { op: 'value.compute', params: { inputs: ['value'], give: 'value' } },
  },
  edges: [
    { from: 'in.json', to: 'same.value' },
    { from: 'same.value', to: 'output.y' },
  ],
});

test('items begin at a device: a source elsewhere is a mistake of the pipeline', async () => {
  await expect(fleet.operator.pushPipeline(pushed('away', 'cloud'))).rejects.toMatchObject({
    message: expect.stringContaining('in is a source on cloud'),
  });
  await fleet.operator.pushPipeline(pushed('here', 'device'));
  expect((await fleet.operator.createRelease({ name: 'here-1', pipeline: 'here' })).document.pipeline.name).toBe('here');
});

test('what would wait for itself from machine to machine is one, too', async () => {
  await expect(fleet.operator.pushPipeline(loop)).rejects.toMatchObject({ message: expect.stringContaining('before lies on a circle') });
});
