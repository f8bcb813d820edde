import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, type CommandView, commandTable, type ReleaseView } from '@starling/shared';
import type { InferenceSession } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OptimisedCache, openOptimised } from '../../agent/src/node/engine/optimised-model.ts';
import { demoModels } from '../demo/models.ts';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

describe('a device that is tuned', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let release: ReleaseView;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    release = await publishMapRelease(fleet, mapModel(0, { width: 48, layers: 1 }), 0);
    agent = await fleet.startAgent('agent', { release });
    await fleet.untilRunning(agent.ready.device, release);
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  const command = (name: 'tune' | 'benchmark' | 'restart' | 'snapshot', args: Record<string, unknown> = {}): Promise<CommandView> =>
    fleet.client.call(api.commandDevice, { params: { id: agent.ready.device }, body: { name, arguments: args, waitMs: 60_000 } });
  const anyLoad = { minimumIdleShare: 0, idleWaitMs: 0, maximumLoadShare: 1 };
  const optimised = () => join(fleet.agentFolder('agent'), 'optimised');
  const infer = async (): Promise<number> => {
    const body = new Uint8Array(await paintPlain(9, 9, 9));
    return (await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body })).status;
  };

  test('finds settings within its time, keeps them, and uses them from then on', async () => {
    const { error, result } = await command('tune', { ...anyLoad, budgetMs: 12_000, runs: 5 });
    expect(error).toBeNull();
    const [tuned] = commandTable.tune.result.parse(result).artefacts;
    expect(tuned).toMatchObject({ model: 'map', settings: { provider: 'cpu' } });
    expect(tuned?.trials).toBeGreaterThan(1);
    expect(tuned?.latencyMs).toBeLessThanOrEqual(tuned?.defaultLatencyMs ?? 0);
    await agent.stop();
    agent = await fleet.startAgent('agent');
    await fleet.untilRunning(agent.ready.device, release);
    const { snapshot } = commandTable.snapshot.result.parse((await command('snapshot')).result);
    expect(snapshot).toMatchObject({ tunings: [{ artefact: tuned?.artefact, settings: tuned?.settings }] });
    const measured = commandTable.benchmark.result.parse((await command('benchmark', { ...anyLoad, runs: 3 })).result);
    expect(measured.artefacts[0]?.record?.settings).toEqual(tuned?.settings);
    expect(await infer()).toBe(200);
  });

  test('searches for what the artefacts were chosen for: least energy, by processor time where no sensor tells', async () => {
    const objective = { minimise: 'energy' as const };
    await fleet.client.call(api.setObjective, { params: { digest: release.digest }, body: { objective } });
    // With the next generation the device hears of it.
    await fleet.assign(agent.ready.device, release);
    await fleet.untilRunning(agent.ready.device, release);
    const { error, result } = await command('tune', { ...anyLoad, budgetMs: 4_000, runs: 5 });
    expect(error).toBeNull();
    const [tuned] = commandTable.tune.result.parse(result).artefacts;
    const measured = tuned?.figures?.energyMethod === 'measured';
    expect(tuned).toMatchObject({ minimise: 'energy', energyMethod: measured ? 'measured' : 'modelled' });
    if (!measured) expect(tuned?.figures?.cpuMs).toBeLessThanOrEqual(tuned?.defaultFigures?.cpuMs ?? 0);
    const { snapshot } = commandTable.snapshot.result.parse((await command('snapshot')).result);
    expect(snapshot).toMatchObject({ tunings: [{ artefact: tuned?.artefact, minimise: 'energy' }] });
    const asked = await command('tune', { ...anyLoad, budgetMs: 1_000, runs: 3, minimise: 'latency' });
    expect(commandTable.tune.result.parse(asked.result).artefacts[0]).toMatchObject({ minimise: 'latency' });
  });

  test('keeps what the engine made of a model, and does not believe it when a bit has flipped', async () => {
    const [file = ''] = (await readdir(optimised())).filter((name) => !name.includes('.'));
    const path = join(optimised(), file);
    const good = await readFile(path);
    await writeFile(
      path,
      good.map((byte, index) => (index === good.length >> 1 ? byte ^ 1 : byte)),
    );
    expect((await command('restart')).status).toBe('done');
    expect(await infer()).toBe(200);
    expect((await readFile(path)).equals(good)).toBe(true);
  });
});

describe('the cache of optimised models', () => {
  let directory: string;
  let cache: OptimisedCache;
  const options: InferenceSession.SessionOptions = { executionProviders: ['cpu'], intraOpNumThreads: 1 };
  const files = async () => (await readdir(directory)).filter((name) => !name.includes('.'));
  const open = async (model: string, within = cache): Promise<number> => {
    const startedMs = performance.now();
    const session = await openOptimised(model, options, within);
    const tookMs = performance.now() - startedMs;
    await session.release();
    return tookMs;
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'starling-optimised-'));
    cache = { directory, runtimeVersion: 'engine 1', hardware: 'this', maximumBytes: 64 * 1024 * 1024 };
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('is used by the next load, for the same engine and hardware alone', async () => {
    const model = demoModels[0]?.file ?? '';
    const firstMs = await open(model);
    expect(await files()).toHaveLength(1);
    const againMs = Math.min(await open(model), await open(model), await open(model));
    expect(await files()).toHaveLength(1);
    console.log(`load of ${model.split('/').at(-1)}: first ${firstMs.toFixed(1)} ms, from the cache ${againMs.toFixed(1)} ms`);
    await open(model, { ...cache, runtimeVersion: 'engine 2' });
    await open(model, { ...cache, hardware: 'other' });
    expect(await files()).toHaveLength(3);
  });

  test('stays within its bytes: what was used longest ago goes', async () => {
    // The second demo model is the larger one.
    const [second, first] = demoModels.map(({ file }) => file);
    await rm(directory, { recursive: true });
    await open(first ?? '');
    const [kept = ''] = await files();
    const { length } = await readFile(join(directory, kept));
    await open(second ?? '', { ...cache, maximumBytes: length });
    expect(await files()).not.toContain(kept);
    expect(await files()).toHaveLength(1);
  });
});
