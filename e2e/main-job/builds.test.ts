import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, type BuildJob, type ModelCard } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeOnnx } from '../harness/onnx-file.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel } from '../harness/small-models.ts';

const card: ModelCard = { title: 'Map', description: '', task: 'text-detection', licence: 'none', exampleShapes: { x: [1, 3, 64, 64] } };

describe('a build', () => {
  let fleet: RunningFleet;

  beforeAll(async () => {
    fleet = await startRunningFleet();
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  const newest = async (): Promise<BuildJob> => {
    const { items } = await fleet.client.call(api.listBuilds, { query: { limit: 1, offset: 0 } });
    return items[0] ?? expect.unreachable();
  };
  const reaches = (state: BuildJob['state']): Promise<BuildJob> =>
    until(`the build is ${state}`, async () => {
      const job = await newest();
      return job.state === state && job;
    });
  const audited = async (): Promise<string[]> =>
    (await fleet.client.call(api.listAudit, { query: { limit: 2, offset: 0, search: 'build.' } })).items.map(
      ({ action, subject }) => `${action} ${subject}`,
    );

  test('that was cancelled starts again when asked to, also in a later life of the fleet', async () => {
    const file = join(fleet.folder, 'map.onnx');
    await writeFile(file, writeOnnx(mapModel(1)));
    const { digest } = await fleet.operator.pushModel({ name: 'map', version: '1.0.0', file, card });
    const { id } = await newest();
    await fleet.client.call(api.cancelBuild, { params: { id } });
    await reaches('cancelled');
    await fleet.process.kill();
    await fleet.start();
    expect((await newest()).state).toBe('cancelled');
    await fleet.client.call(api.retryBuild, { params: { id } });
    await reaches('done');
    const { artefacts } = await fleet.client.call(api.showModel, { params: { digest } });
    expect(artefacts.map(({ precision }) => precision).sort()).toEqual(['fp32', 'int8']);
    expect(await audited()).toEqual(['build.retry map@1.0.0', 'build.cancel map@1.0.0']);
  });

  test('that has ended is neither cancelled nor started again by mistake', async () => {
    const { id } = await newest();
    await expect(fleet.client.call(api.cancelBuild, { params: { id } })).rejects.toMatchObject({ code: 'not-running' });
    await expect(fleet.client.call(api.retryBuild, { params: { id: 'nothing' } })).rejects.toMatchObject({ code: 'not-found' });
  });
});
