import { execFile } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ReleaseView, ReportedState } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { watchWants } from '../harness/watch-wants.ts';

const execute = promisify(execFile);
/** More than the reserve that an agent leaves free, by more than the models need. */
const DISK_BYTES = 96 * 1024 * 1024;
const isRoot = process.getuid?.() === 0 && process.platform === 'linux';

describe.skipIf(!isRoot)(`a disk that runs full${isRoot ? '' : ' [skipped: only root can mount a small one]'}`, () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let disk: string;
  const releases: ReleaseView[] = [];

  beforeAll(async () => {
    fleet = await startRunningFleet();
    for (const revision of [0, 1]) releases.push(await publishMapRelease(fleet, mapModel(revision), revision));
    disk = fleet.agentFolder('agent');
    await mkdir(disk);
    await execute('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=0700`, 'tmpfs', disk]);
    agent = await fleet.startAgent('agent', { release: release(0) });
    await fleet.untilRunning(agent.ready.device, release(0));
  });
  afterAll(async () => {
    await agent?.kill();
    if (disk !== undefined) await execute('umount', ['--lazy', disk]);
    await fleet?.stop();
  });

  const release = (index: number): ReleaseView => releases[index] as ReleaseView;
  const filler = (): string => join(disk, 'filler');
  /** Leaves this many bytes free. */
  const fill = async (leftBytes: number): Promise<void> => {
    const { bavail, bsize } = await statfs(disk);
    await writeFile(filler(), new Uint8Array(Math.max(0, bavail * bsize - leftBytes))).catch((error: NodeJS.ErrnoException) => {
      // The agent has written meanwhile: then it is as full as it was to be.
      if (error.code !== 'ENOSPC') throw error;
    });
  };
  const status = async (): Promise<ReportedState> => {
    const response = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/status`);
    return ((await response.json()) as { reported: ReportedState }).reported;
  };
  const failed = (): Promise<ReportedState> =>
    until('the pull has failed', async () => {
      const now = await status();
      return now.phase === 'failed' && now;
    });
  const works = async (): Promise<void> => {
    const body = new Uint8Array(await paintPlain(40, 90, 160));
    expect((await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body })).status).toBe(200);
  };

  test('before a pull: it is not begun, what ran runs on, and with space it goes on by itself', async () => {
    const wants = watchWants(fleet.tap);
    await fill(32 * 1024 * 1024);
    await fleet.assign(agent.ready.device, release(1));
    const { error, running } = await failed();
    expect(error).toMatchObject({ code: 'disk-full', hint: expect.stringContaining('free space') });
    expect(running?.release).toBe(release(0).digest);
    // Documents say how much a release needs; none of its weights was asked for.
    expect(wants.asked.size).toBeLessThan(8);
    await works();
    await rm(filler());
    await fleet.untilRunning(agent.ready.device, release(1));
  });

  test('in the middle of a pull: the device says so, and the rest is pulled when there is space again', async () => {
    await agent.kill();
    for (const folder of ['blobs', 'partial', 'documents']) await rm(join(disk, folder), { recursive: true });
    fleet.tap.delayMs = 20;
    const wants = watchWants(fleet.tap);
    agent = await fleet.startAgent('agent');
    await until('the pull is under way', () => wants.framesSent() > 20);
    await fill(0);
    const { error } = await failed();
    expect(error).toMatchObject({ code: 'disk-full', hint: expect.stringContaining('free space') });
    await rm(filler());
    fleet.tap.delayMs = 0;
    await until('it runs again', async () => (await status()).running?.verified);
    await works();
  });
});
