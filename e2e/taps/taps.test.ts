import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, type ReleaseView, TAPS_MAXIMUM, type TapOptions, type TapView, tapValueViewSchema } from '@starling/shared';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createStarling, type Starling } from '../cli/starling.ts';
import { childrenOf } from '../harness/child-processes.ts';
import { paintPlain, paintSpots } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { quickest, slowness } from '../harness/scale.ts';
import { publishBrightSpots } from './bright-spots.ts';
import { readTap } from './read-tap.ts';

/** What the policy of the release lets out, beside its output. */
const EDGES = ['decode.image', 'grey.tensor', 'looks/small.image', 'looks/measure.statistics'];
const statusSchema = z.object({
  taps: z.array(z.object({ tap: z.string(), edges: z.array(z.string()), account: z.string(), untilMs: z.number() })),
});

describe('edges of a pipeline on a device', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let release: ReleaseView;
  let image: Buffer;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    release = await publishBrightSpots(fleet, EDGES);
    agent = await fleet.startAgent('agent', { release });
    await fleet.untilRunning(agent.ready.device, release);
    image = await paintPlain(200, 10, 10, 64);
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  afterEach(async () => {
    for (const { id: tap } of await list()) await fleet.client.call(api.stopTap, { params: { id: device(), tap } });
  });

  const device = (): string => agent.ready.device;
  const push = async (): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body: new Uint8Array(image) });
    expect(answer.status).toBe(200);
  };
  const start = (options: Partial<TapOptions> & { edges: string[] }): Promise<TapView> =>
    fleet.client.call(api.startTap, { params: { id: device() }, body: options });
  const status = async () => statusSchema.parse(await (await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/status`)).json());
  const list = async (): Promise<TapView[]> => (await fleet.client.call(api.listTaps, { params: { id: device() } })).items;

  test('are watched: a value arrives within a second, as what it is', async () => {
    const tap = await start({ edges: [...EDGES, 'output.boxes'], maximumPerSecond: 10 });
    expect(tap).toMatchObject({ edges: [...EDGES, 'spots.boxes'], device: device() });
    const reader = await readTap(fleet, tap);
    const [open] = (await status()).taps;
    expect(open).toEqual({ tap: tap.id, edges: tap.edges, account: tap.account, untilMs: expect.any(Number) });
    expect(await list()).toMatchObject([{ id: tap.id, viewers: 1, account: tap.account }]);
    // The first one also loads what writes pictures.
    await push();
    await reader.until('the first picture', ({ edge }) => edge === 'decode.image');
    let sequence = 0;
    const pictureOf = (which: number) =>
      reader.until('the picture', ({ edge, item }) => edge === 'decode.image' && item?.sequence === which);
    const showMs = async (): Promise<number> => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      const startedMs = performance.now();
      await push();
      sequence += 1;
      await pictureOf(sequence);
      return performance.now() - startedMs;
    };
    const limitMs = 1_000 * slowness();
    expect(await quickest(limitMs, showMs)).toBeLessThan(limitMs);
    const decoded = await pictureOf(1);
    const { value } = decoded;
    if (value?.kind !== 'image') throw new Error(`a picture is shown as ${value?.kind}`);
    expect(value).toMatchObject({ width: 64, height: 64, thumbnail: { format: 'jpeg', width: 64, height: 64 } });
    const { dominant } = await sharp(Buffer.from(value.thumbnail.data, 'base64')).stats();
    expect(dominant.r).toBeGreaterThan(180);
    expect(dominant.g).toBeLessThan(40);
    const tensor = await reader.until('the tensor', ({ edge, item }) => edge === 'grey.tensor' && item?.sequence === 1);
    expect(tensor.value).toMatchObject({
      kind: 'tensor',
      elementType: 'float32',
      shape: [1, 1, 32, 32],
      statistics: { notFinite: 0, minimum: expect.any(Number) },
    });
    const boxes = await reader.until('the boxes', ({ edge, item }) => edge === 'spots.boxes' && item?.sequence === 1);
    expect(boxes.value).toMatchObject({ kind: 'json', value: expect.any(Array) });
    expect(boxes.item).toEqual(decoded.item);
    await fleet.client.call(api.stopTap, { params: { id: device(), tap: tap.id } });
    await reader.ended;
    expect(reader.values.at(-1)).toMatchObject({ end: 'stopped' });
    await until('the device has ended it', async () => (await status()).taps.length === 0);
  });

  test('stay on the device where the policy does not name them, and the answer says what to do', async () => {
    for (const edge of ['input.image', 'resize.image']) {
      await expect(start({ edges: ['grey.tensor', edge] })).rejects.toMatchObject({
        code: 'egress-refused',
        field: 'arguments.edges.1',
        hint: expect.stringContaining(`"${edge}"`),
      });
    }
    await expect(start({ edges: ['crop.image'] })).rejects.toMatchObject({
      code: 'unknown-edge',
      hint: expect.stringContaining('grey.tensor'),
    });
    expect((await status()).taps).toEqual([]);
    expect(await list()).toEqual([]);
  });

  test('are written down in the audit log with who asked', async () => {
    const { items } = await fleet.client.call(api.listAudit, { query: { limit: 100 } });
    const entries = items.filter(({ action }) => action === 'command.tap');
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.every(({ subject }) => subject === device())).toBe(true);
  });

  test('are not watched longer than was asked', async () => {
    const tap = await start({ edges: ['grey.tensor'], durationMs: 6_000 });
    const reader = await readTap(fleet, tap);
    await reader.until('the end', ({ end }) => end === 'expired');
    await reader.ended;
    expect(reader.values.at(-1)?.end).toBe('expired');
    expect((await status()).taps).toEqual([]);
    await expect(readTap(fleet, tap)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('keep to rate and size, and count what is left out', async () => {
    const startedMs = performance.now();
    const tap = await start({ edges: ['decode.image', 'grey.tensor'], maximumPerSecond: 1, maximumBytes: 1024, durationMs: 30_000 });
    const reader = await readTap(fleet, tap);
    for (let n = 0; n < 12; n += 1) await push();
    await fleet.client.call(api.stopTap, { params: { id: device(), tap: tap.id } });
    await reader.ended;
    const values = reader.values.filter(({ edge }) => edge !== undefined);
    expect(values.length).toBeGreaterThanOrEqual(2);
    expect(values.length).toBeLessThanOrEqual(2 * (2 + Math.floor((performance.now() - startedMs) / 1000)));
    for (const { value } of values) expect(JSON.stringify(value).length).toBeLessThan(2 * 1024);
    const { counts, lost } = reader.values.at(-1) ?? expect.unreachable();
    expect(counts.seen).toBe(24);
    expect(counts.rate + counts.busy + values.length + lost).toBe(24);
    expect(counts.rate).toBeGreaterThan(0);
  });

  test('are let go when the last viewer leaves', async () => {
    const tap = await start({ edges: ['grey.tensor'], durationMs: 120_000 });
    const reader = await readTap(fleet, tap);
    await push();
    await reader.until('a value', ({ edge }) => edge === 'grey.tensor');
    reader.leave();
    await until('the fleet lets go', async () => (await list()).length === 0, 20_000);
    await until('the device is told', async () => (await status()).taps.length === 0);
  });

  test('are watched by so many at once and no more', async () => {
    const taps = await Promise.all(Array.from({ length: TAPS_MAXIMUM }, () => start({ edges: ['grey.tensor'] })));
    await expect(start({ edges: ['grey.tensor'] })).rejects.toMatchObject({ code: 'too-many-taps' });
    await Promise.all(taps.map(({ id }) => fleet.client.call(api.stopTap, { params: { id: device(), tap: id } })));
    await until('all are over', async () => (await status()).taps.length === 0);
  });

  test('are let go when the runtime host ends', async () => {
    const reader = await readTap(fleet, await start({ edges: ['grey.tensor'] }));
    const [host] = await childrenOf(agent.pid);
    process.kill(host ?? 0, 'SIGKILL');
    await reader.until('the end', ({ end }) => end === 'host-ended');
    await until('it runs again', async () =>
      push().then(
        () => true,
        () => false,
      ),
    );
    expect((await status()).taps).toEqual([]);
  });

  test('of a replay are all told, sent as far as they may', async () => {
    const { result, values } = await fleet.client.call(api.replayOnDevice, { params: { id: device() }, query: {}, raw: image });
    expect(Object.fromEntries(result.edges.map(({ edge, state }) => [edge, state]))).toEqual({
      ...{ 'input.image': 'refused', 'resize.image': 'refused' },
      ...{ 'decode.image': 'sent', 'grey.tensor': 'sent', 'spots.boxes': 'sent' },
      ...{ 'cut.images': 'refused', 'looks.statistics': 'refused' },
      ...{ 'looks/input.image': 'refused', 'looks/small.image': 'absent', 'looks/measure.statistics': 'absent' },
    });
    expect(values.map(({ edge }) => edge).sort()).toEqual(['decode.image', 'grey.tensor', 'spots.boxes']);
    expect(Object.keys(result.nodesMs).sort()).toEqual(['cut', 'decode', 'grey', 'looks', 'resize', 'spots']);
    expect(result.failure).toBeUndefined();
    const bad = await fleet.client.call(api.replayOnDevice, { params: { id: device() }, query: {}, raw: Buffer.from('no picture') });
    expect(bad.result.failure).toMatchObject({ code: 'not-an-image', field: 'nodes.decode.image' });
    expect(bad.result.edges.find(({ edge }) => edge === 'decode.image')?.state).toBe('absent');
  });

  test('inside a pipeline that runs for each item of a list are watched, under the number of the item with the list', async () => {
    const tap = await start({ edges: ['spots.boxes', 'looks/small.image', 'looks/measure.statistics'], maximumPerSecond: 30 });
    const reader = await readTap(fleet, tap);
    const spots = await paintSpots(2);
    const pushed = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body: new Uint8Array(spots) });
    expect(pushed.status).toBe(200);
    const boxes = await reader.until('the boxes', ({ edge }) => edge === 'spots.boxes');
    expect(boxes.value).toMatchObject({ kind: 'json', value: [expect.anything(), expect.anything()] });
    const inside = await reader.until('a picture inside', ({ edge }) => edge === 'looks/small.image');
    expect(inside).toMatchObject({ value: { kind: 'image', width: 32 }, item: boxes.item });
    const measured = await reader.until('what was measured', ({ edge }) => edge === 'looks/measure.statistics');
    expect(measured).toMatchObject({ value: { kind: 'json' }, item: boxes.item });
    reader.leave();
    const { values } = await fleet.client.call(api.replayOnDevice, { params: { id: device() }, query: {}, raw: spots });
    const replayed = values.find(({ edge }) => edge === 'looks/small.image');
    expect(replayed?.value).toMatchObject({ kind: 'list', length: 2, items: [{ kind: 'image' }, { kind: 'image' }] });
  });

  test('of the newest item are told again, and of one that was seen', async () => {
    const tap = await start({ edges: ['grey.tensor'] });
    const reader = await readTap(fleet, tap);
    await push();
    const seen = await reader.until('a value', ({ edge }) => edge === 'grey.tensor');
    const { stream, sequence } = seen.item ?? { stream: '', sequence: -1 };
    const replay = (query: Record<string, unknown>) =>
      fleet.client.call(api.replayOnDevice, {
        params: { id: device() },
        query: { ...query, edges: 'grey.tensor' } as never,
        raw: Buffer.alloc(0),
      });
    for (const query of [{ of: 'last' }, { of: 'item', stream, sequence }]) {
      const { values } = await replay(query);
      expect(values).toMatchObject([{ edge: 'grey.tensor', value: seen.value }]);
    }
    await expect(replay({ of: 'item', stream, sequence: 12_345 })).rejects.toMatchObject({ code: 'no-such-item' });
    reader.leave();
  });

  describe('from the command line', () => {
    const starling = (): Starling => createStarling(join(fleet.folder, 'config'), fleet.folder);
    const environment = () => ({ STARLING_FLEET: fleet.baseUrl, STARLING_TOKEN: fleet.token });

    test('are watched, a line a value, and saved', async () => {
      const pushing = setInterval(() => void push().catch(() => undefined), 200);
      const args = ['tap', device(), 'decode.image', 'output.boxes', '--count', '4', '--for', '30s', '--save', 'seen', '--json'];
      const { exitCode, stdout, stderr } = await starling().run(args, { environment: environment() });
      clearInterval(pushing);
      expect([exitCode, stderr]).toEqual([0, '']);
      const values = stdout
        .trim()
        .split('\n')
        .map((line) => tapValueViewSchema.parse(JSON.parse(line)));
      expect(values).toHaveLength(4);
      const files = await readdir(join(fleet.folder, 'seen'));
      expect(files.filter((file) => file.endsWith('decode.image.jpg')).length).toBeGreaterThan(0);
      const picture = files.find((file) => file.endsWith('.jpg')) ?? '';
      expect(await sharp(join(fleet.folder, 'seen', picture)).metadata()).toMatchObject({ format: 'jpeg', width: 64, height: 64 });
      await until('it is over', async () => (await status()).taps.length === 0);
    });

    test('are refused with what to do', async () => {
      const { exitCode, stderr } = await starling().run(['tap', device(), 'input.image'], { environment: environment() });
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain('keeps the values of input.image on the device');
      expect(stderr).toContain('policies.egress.edges');
    });

    test('are told of a replay', async () => {
      await writeFile(join(fleet.folder, 'spot.png'), image);
      const { exitCode, stdout } = await starling().run(['replay', device(), '--input', 'spot.png'], { environment: environment() });
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/decode\.image.*image 64 x 64/);
      expect(stdout).toMatch(/input\.image +kept on the device/);
      expect(stdout).toMatch(/bright-spots, [\d.]+ ms/);
    });
  });

  test('count what they carry, in telemetry', async () => {
    await push();
    const figures = await until('figures of edges', async () => {
      const rows = await fleet.telemetry(device(), 'inference');
      return rows.find(({ payload }) => Number(payload.items) > 0 && payload.edges !== undefined)?.payload;
    });
    const edges = figures.edges as Record<string, unknown>;
    expect(edges['decode.image']).toMatchObject({
      items: expect.any(Number),
      absent: 0,
      dropped: 0,
      waiting: 0,
      ageMs: expect.any(Number),
    });
    // Inside the pipeline for spots there is something to count only where there are spots.
    const outer = Object.keys(edges).filter((edge) => !edge.startsWith('looks/'));
    const ports = ['input.image', 'decode.image', 'resize.image', 'grey.tensor', 'spots.boxes', 'cut.images', 'looks.statistics'];
    expect(outer.sort()).toEqual(ports.sort());
  });
});
