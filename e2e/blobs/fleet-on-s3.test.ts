import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, type ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling, type Starling } from '../cli/starling.ts';
import { type AgentProcess, startFleetProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { type S3Server, startS3Server } from '../harness/s3-server.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

describe('a fleet with its blobs in a bucket', () => {
  let folder: string;
  let s3: S3Server;
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let first: ReleaseView;
  let starling: Starling;
  const dataDirectory = (): string => join(fleet.folder, 'fleet');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-s3-fleet-'));
    s3 = await startS3Server(folder);
    fleet = await startRunningFleet({ 'blob-store': s3.address('fleet') });
    starling = createStarling(fleet.folder, fleet.folder);
    first = await publishMapRelease(fleet, mapModel(1), 0);
  });
  afterAll(async () => {
    await fleet?.stop();
    await s3?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  test('builds models there and gives them to devices, through a kill and an outage of the storage', async () => {
    await fleet.process.kill();
    await fleet.start();
    agent = await fleet.startAgent('agent', { release: first });
    const { device } = agent.ready;
    await fleet.untilRunning(device, first);
    const second = await publishMapRelease(fleet, mapModel(2), 1);
    await s3.kill();
    await fleet.assign(device, second);
    await until('the device asks for what nobody has now', async () => {
      const { reported, desired } = await fleet.device(device);
      return reported?.generation === desired?.generation && reported?.phase !== 'running' ? true : undefined;
    });
    await s3.start();
    await fleet.untilRunning(device, second);
  });

  test('comes back from a backup into another place of the bucket', async () => {
    const { device } = agent.ready;
    const running = (await fleet.device(device)).reported?.running?.release;
    const file = join(fleet.folder, 'backup.tar.gz');
    await starling.json(['--fleet', fleet.baseUrl, '--token', fleet.token, 'backup', file]);
    await fleet.process.stop();
    await rename(dataDirectory(), `${dataDirectory()}.old`);
    const key = join(fleet.folder, 'publisher.json');
    await writeFile(key, JSON.stringify(fleet.keys.publisher), { mode: 0o600 });
    const args = ['restore', file, '--data-directory', dataDirectory(), '--blob-store', s3.address('restored')];
    const ended = await starling.run([...args, '--json'], { environment: { STARLING_PUBLISHER_KEY: key } });
    expect([ended.exitCode, JSON.parse(ended.stdout)]).toMatchObject([0, { devices: 1 }]);
    await fleet.start({ 'blob-store': s3.address('restored') });
    expect(await readdir(dataDirectory())).not.toContain('blobs');
    expect((await fleet.device(device)).desired?.release).toBe(running);
    await agent.kill();
    agent = await fleet.startAgent('agent');
    // What it must fetch lies in the new place alone.
    await fleet.assign(device, first);
    await fleet.untilRunning(device, first);
  });

  test('is carried to a disk and back, and refuses the bucket of another fleet', async () => {
    await fleet.process.stop();
    const carry = (from: string[], to: string[]) => starling.json(['migrate', '--data-directory', ...from, '--to-data-directory', ...to]);
    const onDisk = join(fleet.folder, 'on-disk');
    await carry([dataDirectory(), '--blob-store', s3.address('restored')], [onDisk]);
    expect(await readdir(onDisk)).toContain('blobs');
    await rename(dataDirectory(), `${dataDirectory()}.before`);
    await carry([onDisk], [dataDirectory(), '--to-blob-store', s3.address('back')]);
    await fleet.start({ 'blob-store': s3.address('back') });
    const { items } = await fleet.client.call(api.listReleases, { query: {} });
    expect(items).toHaveLength(2);
    // Made from nothing: copies of one fleet have one id.
    const stranger = startFleetProcess({ dataDirectory: join(folder, 'stranger'), flags: { 'blob-store': s3.address('back') } });
    await expect(stranger).rejects.toMatchObject({ code: 'store-of-another', field: 'blobStore' });
  });
});
