import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_BASE } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeOnnx } from '../harness/onnx-file.ts';
import { paintSign } from '../harness/picture.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { findBoxes, mapCard, mapModel } from '../harness/small-models.ts';
import { createStarling, type Ended, type Starling } from './starling.ts';

describe('a pipeline on this machine with a model of the fleet', { timeout: 120_000 }, () => {
  let folder: string;
  let fleet: RunningFleet;
  let starling: Starling;
  let digest: string;
  let isStopped = false;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fleet-models-'));
    fleet = await startRunningFleet();
    starling = createStarling(join(folder, 'configuration'), folder);
    await writeFile(join(folder, 'map.onnx'), writeOnnx(mapModel(1, { width: 16 })));
    await writeFile(join(folder, 'labels.txt'), 'bright\ndark\n');
    await writeFile(join(folder, 'a.png'), await paintSign('a'));
    await writeFile(join(folder, 'find.json'), JSON.stringify(findBoxes));
    const files = { file: join(folder, 'map.onnx'), assets: { labels: join(folder, 'labels.txt') } };
    digest = (await fleet.operator.pushModel({ name: 'spots', version: '2.1.0', card: mapCard, ...files })).digest;
  });
  afterAll(async () => {
    if (!isStopped) await fleet?.stop();
    await rm(folder, { recursive: true });
  });

  const run = (reference: string, environment: Record<string, string> = {}): Promise<Ended> =>
    starling.run(['pipeline', 'run', 'find.json', '--input', 'a.png', '--model', `map=${reference}`, '--json'], {
      environment: { STARLING_FLEET: fleet.baseUrl, STARLING_TOKEN: fleet.token, XDG_CACHE_HOME: join(folder, 'cache'), ...environment },
    });
  const kept = async (): Promise<string> => {
    const models = join(folder, 'cache', 'starling', 'models');
    const [origin = ''] = await readdir(models);
    return join(models, origin, 'spots@2.1.0');
  };
  const codeOf = ({ stdout }: Ended): unknown => JSON.parse(stdout.trim().split('\n').at(-1) ?? '');

  test('says what is missing where there is none in the cache and no fleet', async () => {
    const nobody = await run('spots@2.1.0', { STARLING_TOKEN: '' });
    expect(nobody.exitCode).toBe(3);
    expect(codeOf(nobody)).toMatchObject({ error: { code: 'not-signed-in' } });
    const away = await run('spots@2.1.0', { STARLING_FLEET: 'http://127.0.0.1:9' });
    expect(away.exitCode).toBe(6);
    expect(codeOf(away)).toMatchObject({ error: { code: 'unreachable', hint: expect.stringContaining('--model NAME=PATH') } });
    const other = await run('spots@9.9.9');
    expect(other.exitCode).toBe(4);
  });

  test('pulls it once, with its assets, and gives what the file gives', async () => {
    const first = await run('spots@2.1.0');
    expect(first.exitCode, first.stderr).toBe(0);
    expect(first.stderr).toContain('pulling spots@2.1.0');
    expect((await readdir(await kept())).sort()).toEqual(['asset-labels', 'document.json', 'source.onnx']);
    expect(await readFile(join(await kept(), 'asset-labels'), 'utf8')).toBe('bright\ndark\n');
    const again = await run('spots@2.1.0');
    expect(again.stderr).not.toContain('pulling');
    const file = await run('map.onnx');
    const outputs = ({ stdout }: Ended): unknown => (JSON.parse(stdout) as { outputs: unknown }).outputs;
    expect(outputs(again)).toEqual(outputs(file));
  });

  test('pulls again what is damaged on the disk', async () => {
    const path = join(await kept(), 'source.onnx');
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(0, 0, 16));
    const mended = await run('spots@2.1.0');
    expect(mended.exitCode, mended.stderr).toBe(0);
    expect(mended.stderr).toContain('pulling spots@2.1.0');
  });

  test('gives files of models to operators alone', async () => {
    const ask = (path: string, headers: Record<string, string>) =>
      fetch(`${fleet.baseUrl}${API_BASE}/models/${digest}/${path}`, { headers });
    for (const path of ['document', 'source', 'assets/labels']) expect((await ask(path, {})).status).toBe(401);
    const own = { authorization: `Bearer ${fleet.token}` };
    expect((await ask('assets/nothing', own)).status).toBe(404);
    expect(await (await ask('assets/labels', own)).text()).toBe('bright\ndark\n');
  });

  test('runs from the cache while the fleet is away', async () => {
    await fleet.stop();
    isStopped = true;
    const offline = await run('spots@2.1.0');
    expect(offline.exitCode, offline.stderr).toBe(0);
    await rm(await kept(), { recursive: true });
    expect(codeOf(await run('spots@2.1.0'))).toMatchObject({ error: { code: 'unreachable' } });
  });
});
