import { api, commandTable, type ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling, type Starling } from '../cli/starling.ts';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

describe('a model of the running release', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let release: ReleaseView;
  let starling: Starling;
  let global: string[];

  beforeAll(async () => {
    fleet = await startRunningFleet();
    release = await publishMapRelease(fleet, mapModel(5, { width: 48 }), 0);
    agent = await fleet.startAgent('agent', { release });
    await fleet.untilRunning(agent.ready.device, release);
    starling = createStarling(fleet.folder, fleet.folder);
    global = ['--fleet', fleet.baseUrl, '--token', fleet.token];
  });
  afterAll(() => fleet?.stop());

  const send = (name: 'model-load' | 'model-unload', given: Record<string, unknown>) =>
    fleet.client.call(api.commandDevice, { params: { id: agent.ready.device }, body: { name, arguments: given, waitMs: 20_000 } });
  const load = async () => commandTable['model-load'].result.parse((await send('model-load', { model: 'map' })).result);
  const free = async () => commandTable['model-unload'].result.parse((await send('model-unload', { model: 'map' })).result);
  /** @returns the code of its error, or `done` */
  const infer = async (): Promise<string> => {
    const body = new Uint8Array(await paintPlain(9, 9, 9));
    const response = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body });
    return ((await response.json()) as { code?: string }).code ?? 'done';
  };

  test('is freed, and loaded again before an item comes', async () => {
    expect(await load()).toMatchObject({ wasLoaded: true });
    const freed = await free();
    expect(freed).toMatchObject({ model: 'map', provider: 'cpu', wasLoaded: true, sizeBytes: expect.any(Number) });
    expect(freed.sizeBytes).toBeGreaterThan(0);
    expect(await free()).toMatchObject({ wasLoaded: false });
    const loaded = await load();
    expect(loaded).toMatchObject({ model: 'map', artefact: freed.artefact, provider: 'cpu', wasLoaded: false });
    expect(loaded.loadMs).toBeGreaterThan(0);
    expect(await infer()).toBe('done');
  });

  test('comes back with the items that need it, and none fails for it', async () => {
    let isOver = false;
    const sendItems = async (): Promise<string[]> => {
      const ended: string[] = [];
      while (!isOver) ended.push(await infer());
      return ended;
    };
    // One runs and one waits, which is less than the queue takes.
    const items = [sendItems(), sendItems()];
    for (let turn = 0; turn < 5; turn += 1) await free();
    isOver = true;
    const ended = (await Promise.all(items)).flat();
    expect(ended.length).toBeGreaterThan(5);
    expect(new Set([...ended, await infer()])).toEqual(new Set(['done']));
    expect(await load()).toMatchObject({ wasLoaded: true });
  });

  test('is back after the agent was killed', async () => {
    await free();
    await agent.kill();
    agent = await fleet.startAgent('agent');
    await fleet.untilRunning(agent.ready.device, release);
    expect(await infer()).toBe('done');
    expect(await load()).toMatchObject({ wasLoaded: true });
  });

  test('that does not exist is named, with those that do; so is an argument that is missing', async () => {
    const { status, error } = await send('model-load', { model: 'nap' });
    expect(status).toBe('failed');
    expect(error).toMatchObject({ code: 'unknown-model', field: 'model', hint: expect.stringContaining('map') });
    await expect(send('model-unload', {})).rejects.toMatchObject({ field: expect.stringContaining('model') });
  });

  test('is freed and loaded from the command line', async () => {
    const { device } = agent.ready;
    expect(await starling.json([...global, 'device', 'model-unload', device, 'map'])).toMatchObject({ model: 'map', wasLoaded: true });
    const { stdout } = await starling.run([...global, 'device', 'model-load', device, 'map']);
    expect(stdout).toMatch(/map is loaded on cpu in \d+ ms, \d+\.\d MiB of files/);
    const unknown = await starling.run([...global, 'device', 'model-load', device, 'nap']);
    expect(unknown.exitCode).not.toBe(0);
    expect(unknown.stderr).toContain('models of the release: map');
  });
});
