import { readdir, readFile, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { type AgentBuildView, api, type CommandView, generatePrivateKey, type ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling, type Starling } from '../cli/starling.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { scaled } from '../harness/scale.ts';
import { publishBrightSpots } from '../taps/bright-spots.ts';
import { type AgentKind, makePackage } from './agent-packages.ts';
import { type PlainAgent, runAgent } from './plain-agent.ts';

const WAIT_MS = 120_000;
const platform = `linux-${arch()}`;

describe('an agent is updated from afar', () => {
  let fleet: RunningFleet;
  let agent: PlainAgent;
  let device: string;
  let release: ReleaseView;
  let starling: Starling;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    starling = createStarling(fleet.folder, fleet.folder);
    await writeFile(join(fleet.folder, 'publisher.json'), JSON.stringify(fleet.keys.publisher), { mode: 0o600 });
    release = await publishBrightSpots(fleet);
    const enrolled = await fleet.startAgent('agent', { release });
    device = enrolled.ready.device;
    await fleet.untilRunning(device, release);
    await enrolled.kill();
    agent = runAgent(fleet.agentFolder('agent'));
  });
  afterAll(async () => {
    await agent?.kill();
    await endOrphans();
    await fleet?.stop();
  });

  /** A build on trial is a child of the process that was started: it ends by itself when that is gone. */
  const endOrphans = () => new Promise((resolve) => setTimeout(resolve, 2500));
  const publish = async (version: string, kind: AgentKind, target = platform): Promise<AgentBuildView> => {
    const file = await makePackage(fleet.folder, kind, version);
    const args = [
      '--fleet',
      fleet.baseUrl,
      '--token',
      fleet.token,
      'agent',
      'publish',
      version,
      '--package',
      `${target}=${file}`,
      '--json',
    ];
    const ended = await starling.run(args, { environment: { STARLING_PUBLISHER_KEY: join(fleet.folder, 'publisher.json') } });
    expect([ended.exitCode, ended.stderr]).toEqual([0, expect.any(String)]);
    return JSON.parse(ended.stdout) as AgentBuildView;
  };
  const send = (build: string): Promise<CommandView> =>
    fleet.client.call(api.commandDevice, { params: { id: device }, body: { name: 'update-agent', arguments: { build } } });
  const ended = (id: string): Promise<CommandView> =>
    until(
      'the update has ended',
      async () => {
        const view = await fleet.client.call(api.showCommand, { params: { id } });
        return ['done', 'failed', 'expired', 'cancelled'].includes(view.status) ? view : undefined;
      },
      WAIT_MS,
      () => agent.output(),
    );
  const runningBuild = async (): Promise<string | undefined> => {
    const view = await until(
      'the device is there',
      async () => {
        const seen = await fleet.device(device);
        return seen.online ? seen : undefined;
      },
      WAIT_MS,
    );
    return view.capabilities.runtimeVersions.agent;
  };
  const folders = () => readdir(join(fleet.agentFolder('agent'), 'agents'));

  test('to one that works, which proves itself and stays; its release goes on', async () => {
    const build = await publish('2.0.0', 'good');
    expect(await ended((await send(build.digest)).id)).toMatchObject({ status: 'done', result: { version: '2.0.0', before: null } });
    expect(await runningBuild()).toBe('2.0.0');
    await fleet.untilRunning(device, release);
    // The process that was started is the same, and started again it is the new agent at once.
    await agent.kill();
    agent = runAgent(fleet.agentFolder('agent'));
    expect(await runningBuild()).toBe('2.0.0');
    expect(await folders()).toHaveLength(1);
    expect(await ended((await send(build.digest)).id)).toMatchObject({ status: 'done', result: { version: '2.0.0', before: '2.0.0' } });
  });

  test.each<[string, AgentKind, RegExp]>([
    ['does not start', 'crashing', /started 3 times/],
    ['does nothing', 'silent', /not well within 40 s/],
  ])('to one that %s: it goes back by itself, and says why', async (_what, kind, reason) => {
    const build = await publish(`3.0.0-${kind}`, kind);
    const view = await ended((await send(build.digest)).id);
    expect(view).toMatchObject({ status: 'failed', error: { code: 'update-failed', message: expect.stringMatching(reason) } });
    expect(await runningBuild()).toBe('2.0.0');
    await fleet.untilRunning(device, release);
    expect(await folders()).toHaveLength(1);
  });

  test('in waves, which stop when too many go back', async () => {
    const build = await publish('3.1.0-crashing', 'crashing');
    const batch = await fleet.client.call(api.createCommandBatch, {
      body: {
        name: 'update-agent',
        arguments: { build: build.digest },
        select: `id == "${device}"`,
        stopAfter: { percent: 50, minimum: 1 },
      },
    });
    const view = await until(
      'the wave is stopped',
      async () => {
        const seen = await fleet.client.call(api.showCommandBatch, { params: { id: batch.id } });
        return seen.state === 'running' ? undefined : seen;
      },
      WAIT_MS,
    );
    expect(view).toMatchObject({ counts: { failed: 1 } });
    expect(await runningBuild()).toBe('2.0.0');
  });

  test('to none that its publisher has not signed for it, or that is older', async () => {
    const forged = join(fleet.folder, 'forged.json');
    await writeFile(forged, JSON.stringify(await generatePrivateKey()), { mode: 0o600 });
    const file = await makePackage(fleet.folder, 'good', 'forged');
    const args = [
      '--fleet',
      fleet.baseUrl,
      '--token',
      fleet.token,
      'agent',
      'publish',
      '9.9.9',
      '--package',
      `${platform}=${file}`,
      '--json',
    ];
    const refused = await starling.run(args, { environment: { STARLING_PUBLISHER_KEY: forged } });
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'key-not-in-root' } });
    const other = await publish('4.0.0', 'good', platform === 'linux-x64' ? 'linux-arm64' : 'linux-x64');
    expect(await ended((await send(other.digest)).id)).toMatchObject({ status: 'failed', error: { code: 'no-package', field: 'build' } });
    await expect(send('ab'.repeat(32))).rejects.toMatchObject({ code: 'not-found', field: 'arguments.build' });
    const older = await publish('4.1.0', 'good');
    const newer = await publish('4.2.0', 'good');
    expect(await ended((await send(newer.digest)).id)).toMatchObject({ status: 'done' });
    expect(await ended((await send(older.digest)).id)).toMatchObject({ status: 'failed', error: { code: 'older-build', field: 'build' } });
    expect(await runningBuild()).toBe('4.2.0');
  });

  const rounds = scaled(40);
  test('and killed at whatever moment, there is an agent that works, and the command has an end', {
    timeout: 90_000 * (1 + rounds),
  }, async () => {
    for (let round = 0; round < rounds; round += 1) {
      const build = await publish(`5.0.${round}`, round % 4 === 3 ? 'crashing' : 'good');
      const { id } = await send(build.digest);
      for (let kills = 0; kills < 2; kills += 1) {
        await new Promise((resolve) => setTimeout(resolve, (round * 631 + kills * 977) % 4000));
        await agent.kill();
        await endOrphans();
        agent = runAgent(fleet.agentFolder('agent'));
      }
      const view = await ended(id);
      expect(['done', 'failed']).toContain(view.status);
      const running = await runningBuild();
      if (view.status === 'done') expect(running).toBe(build.version);
      else expect(running).not.toBe(build.version);
      await fleet.untilRunning(device, release);
      const state = JSON.parse(await readFile(join(fleet.agentFolder('agent'), 'agent-update.json'), 'utf8'));
      expect(state.trial).toBeNull();
    }
  });
});
