import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { API_BASE, api, type CommandView, captureArchivePath, captureManifestSchema, type ReleaseView, type Scope } from '@starling/shared';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling, type Starling } from '../cli/starling.ts';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { publishBrightSpots, releaseBrightSpots } from '../taps/bright-spots.ts';
import { readArchive } from './read-archive.ts';

const EDGES = ['decode.image'];

describe('values that a device keeps', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  /** Its policy lets taps be made, and no captures. */
  let shown: ReleaseView;
  /** Its policy lets both. */
  let kept: ReleaseView;
  let starling: Starling;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    shown = await publishBrightSpots(fleet, EDGES);
    kept = await releaseBrightSpots(fleet, 'bright-spots-2', EDGES, true);
    agent = await fleet.startAgent('agent', { release: kept });
    await fleet.untilRunning(agent.ready.device, kept);
    starling = createStarling(fleet.folder, fleet.folder);
  });
  afterAll(() => fleet?.stop());

  const globals = () => ['--fleet', fleet.baseUrl, '--token', fleet.token];
  const device = (): string => agent.ready.device;
  /** A picture whose red says which one it is. */
  const push = async (red: number): Promise<void> => {
    const body = new Uint8Array(await paintPlain(red, 0, 0, 64));
    expect((await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body })).status).toBe(200);
    // One that comes while the one before is being written is let go, as a tap lets it go.
    await new Promise((resolve) => setTimeout(resolve, 150));
  };
  const send = (given: Record<string, unknown>, waitMs = 0): Promise<CommandView> =>
    fleet.client.call(api.commandDevice, {
      params: { id: device() },
      body: { name: 'capture', arguments: { edges: EDGES, maximumPerSecond: 30, ...given }, waitMs },
    });
  const view = (id: string): Promise<CommandView> => fleet.client.call(api.showCommand, { params: { id } });
  const begun = (id: string) => until('it keeps', async () => ((await tapsOf()).includes(id) ? true : undefined));
  const tapsOf = async (): Promise<string[]> => {
    const answer = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/status`);
    return ((await answer.json()) as { taps: { tap: string; isKept?: boolean }[] }).taps.flatMap(({ tap, isKept }) =>
      isKept ? [tap] : [],
    );
  };
  const untilKept = (id: string, items: number) =>
    until(
      `${items} are kept`,
      async () => ((await view(id)).progress?.done === items ? true : undefined),
      60_000,
      async () => JSON.stringify(await view(id)),
    );
  const done = (id: string): Promise<CommandView> =>
    until(
      'it has arrived',
      async () => {
        const now = await view(id);
        return now.finishedAtMs === null ? undefined : now;
      },
      90_000,
      async () => JSON.stringify(await view(id)),
    );
  const archiveOf = async (id: string): Promise<Map<string, Buffer>> => {
    const url = `${fleet.baseUrl}${API_BASE}${captureArchivePath(id)}`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${fleet.token}` } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/zip']);
    return readArchive(Buffer.from(await answer.arrayBuffer()));
  };
  const redsOf = async (archive: Map<string, Buffer>): Promise<number[]> => {
    const pictures = [...archive].filter(([name]) => name.endsWith('.jpg')).sort(([left], [right]) => (left < right ? -1 : 1));
    // JPEG is off by one or two.
    return Promise.all(pictures.map(async ([, bytes]) => 10 * Math.round(((await sharp(bytes).stats()).channels[0]?.mean ?? 0) / 10)));
  };

  test('arrive as one file with a manifest, as large as they were', async () => {
    const { id } = await send({ items: 3 });
    await begun(id);
    for (const [index, red] of [50, 100].entries()) {
      await push(red);
      await untilKept(id, index + 1);
    }
    for (const red of [150, 200]) await push(red);
    expect(await done(id)).toMatchObject({
      status: 'done',
      result: { end: 'items', items: 3, release: kept.digest, edges: EDGES, upload: { sizeBytes: expect.any(Number) } },
    });
    const told = await fleet.client.call(api.showCapture, { params: { id } });
    expect(told.manifest).toMatchObject({ id, device: device(), release: kept.digest, items: 3, interruptions: 0, end: 'items' });
    expect(told.keptUntilMs - (await view(id)).issuedAtMs).toBeGreaterThan(29.9 * 86_400_000);
    const archive = await archiveOf(id);
    expect(captureManifestSchema.parse(JSON.parse(String(archive.get('manifest.json'))))).toEqual(told.manifest);
    const lines = String(archive.get('items.jsonl'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { edge: string; file: string });
    expect(lines.map(({ edge, file }) => [edge, archive.has(file)])).toEqual(Array(3).fill(['decode.image', true]));
    expect(await redsOf(archive)).toEqual([50, 100, 150]);
    expect(await sharp(archive.get('values/000001-decode.image.jpg')).metadata()).toMatchObject({ width: 64, height: 64 });
    const { items } = await fleet.client.call(api.listAudit, { query: { search: 'command.capture' } });
    expect(items).toEqual([expect.objectContaining({ action: 'command.capture', subject: device() })]);
  });

  test('are all there when agent and fleet were killed in the midst of it', async () => {
    const { id } = await send({ items: 6, durationMs: 120_000 });
    await begun(id);
    for (const [index, red] of [40, 80, 120].entries()) {
      await push(red);
      await untilKept(id, index + 1);
    }
    await agent.kill();
    await fleet.process.kill();
    await fleet.start();
    agent = await fleet.startAgent('agent');
    await fleet.untilRunning(device(), kept);
    await begun(id);
    for (const [index, red] of [160, 200].entries()) {
      await push(red);
      await untilKept(id, index + 4);
    }
    await fleet.process.kill();
    await push(240);
    await fleet.start();
    expect(await done(id)).toMatchObject({ status: 'done', result: { items: 6, interruptions: 1, end: 'items' } });
    expect(await redsOf(await archiveOf(id))).toEqual([40, 80, 120, 160, 200, 240]);
    await until('nothing is left on the device', async () => ((await tapsOf()).length === 0 ? true : undefined));
  });

  test('go on when the runtime host was started anew', async () => {
    const { id } = await send({ items: 3, durationMs: 600_000 });
    await begun(id);
    await push(50);
    await untilKept(id, 1);
    const restarted = await fleet.client.call(api.commandDevice, { params: { id: device() }, body: { name: 'restart', waitMs: 30_000 } });
    expect(restarted.status).toBe('done');
    await until('it is watched again', async () => {
      await push(100);
      return ((await view(id)).progress?.done ?? 3) > 1 ? true : undefined;
    });
    await push(150);
    await push(150);
    expect(await done(id)).toMatchObject({ status: 'done', result: { items: 3, interruptions: 1 } });
  });

  test('are not even begun where the policy is against it, whoever asks', async () => {
    expect(await send({ edges: ['resize.image'] }, 10_000)).toMatchObject({
      status: 'failed',
      error: { code: 'egress-refused', field: 'arguments.edges.0' },
    });
    await fleet.assign(device(), shown);
    await fleet.untilRunning(device(), shown);
    await expect(send({})).rejects.toMatchObject({
      code: 'capture-refused',
      message: `${EDGES.join(', ')} cannot be captured: the policy of release ${shown.name} allows no captures`,
      hint: 'make a release whose policies.capture.enabled is true',
    });
    await expect(send({ edges: ['resize.image'] })).rejects.toMatchObject({
      hint: 'make a release whose policies.capture.enabled is true, and whose policies.egress.edges names resize.image',
    });
    // Whether it exists is said whatever the policy.
    for (const release of [shown, kept]) {
      await fleet.assign(device(), release);
      await fleet.untilRunning(device(), release);
      await expect(send({ edges: [...EDGES, 'resize.imgae'] })).rejects.toMatchObject({
        code: 'unknown-edge',
        message: 'the pipeline that runs has no port resize.imgae',
        hint: expect.stringContaining('resize.image'),
      });
    }
    await fleet.assign(device(), shown);
    await fleet.untilRunning(device(), shown);
    // The fleet says nothing of many at once: the device does.
    const batch = await fleet.client.call(api.createCommandBatch, {
      body: { name: 'capture', arguments: { edges: EDGES }, select: `id == "${device()}"` },
    });
    const failures = await until('it has answered', async () => {
      const { items } = await fleet.client.call(api.listBatchFailures, { params: { id: batch.id }, query: {} });
      return items.length > 0 ? items : undefined;
    });
    expect(failures).toMatchObject([{ code: 'capture-refused', devices: 1 }]);
    // What may be looked at may still be.
    const tap = await fleet.client.call(api.startTap, { params: { id: device() }, body: { edges: EDGES, durationMs: 1_000 } });
    expect(tap.edges).toEqual(EDGES);
    await fleet.assign(device(), kept);
    await fleet.untilRunning(device(), kept);
  });

  test('end with their release, which alone has let them be kept', async () => {
    const { id } = await send({ items: 100, durationMs: 600_000 });
    await begun(id);
    await push(50);
    await untilKept(id, 1);
    await fleet.assign(device(), shown);
    expect(await done(id)).toMatchObject({ status: 'done', result: { items: 1, end: 'release-changed', release: kept.digest } });
    await fleet.assign(device(), kept);
    await fleet.untilRunning(device(), kept);
  });

  test('are for those who may look at edges', async () => {
    const { id } = await send({ items: 1 });
    await begun(id);
    await push(50);
    await done(id);
    const statusFor = async (role: 'viewer' | 'operator', scopes?: Scope[]): Promise<[number, string]> => {
      const { secret } = await fleet.client.call(api.createApiToken, {
        body: { name: 'capture', role, ...(scopes === undefined ? {} : { scopes }) },
      });
      const answer = await fetch(`${fleet.baseUrl}${API_BASE}${captureArchivePath(id)}`, {
        headers: { authorization: `Bearer ${secret}` },
      });
      return [answer.status, answer.status === 200 ? '' : ((await answer.json()) as { code: string }).code];
    };
    expect(await statusFor('viewer')).toEqual([403, 'forbidden']);
    expect(await statusFor('operator', ['commands:write'])).toEqual([403, 'out-of-scope']);
    expect(await statusFor('operator', ['taps:read'])).toEqual([200, '']);
    const ping = await fleet.client.call(api.commandDevice, { params: { id: device() }, body: { name: 'ping', waitMs: 10_000 } });
    await expect(fleet.client.call(api.showCapture, { params: { id: ping.id } })).rejects.toMatchObject({ code: 'not-found' });
  });

  test('are asked for, ended and fetched from the command line', async () => {
    const file = join(fleet.folder, 'shots.zip');
    const running = starling.run([...globals(), 'device', 'capture', device(), ...EDGES, '--items', '2', '--rate', '30', '--output', file]);
    await until('it keeps', async () => ((await tapsOf()).length === 1 ? true : undefined));
    const [kept = ''] = await tapsOf();
    await push(50);
    await untilKept(kept, 1);
    await push(100);
    const { exitCode, stdout, stderr } = await running;
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`2 values in ${file} (items)`)]);
    expect(stderr).toContain('it goes on if you stop waiting');
    expect(await redsOf(readArchive(await readFile(file)))).toEqual([50, 100]);

    const started = (await starling.json([...globals(), 'device', 'capture', device(), ...EDGES, '--no-wait'])) as { command: string };
    await begun(started.command);
    await push(200);
    await untilKept(started.command, 1);
    expect(await starling.json([...globals(), 'device', 'capture-stop', device(), started.command])).toEqual({ stopped: true });
    await done(started.command);
    const fetched = (await starling.json([...globals(), 'device', 'capture-file', started.command])) as { file: string; manifest: object };
    expect(fetched).toMatchObject({ file: `capture-${started.command}.zip`, manifest: { end: 'stopped', items: 1 } });
    expect(await redsOf(readArchive(await readFile(join(fleet.folder, fetched.file))))).toEqual([200]);

    const wrong = await starling.failure([...globals(), 'device', 'capture', device(), ...EDGES, '--items', '0']);
    expect(wrong.error).toMatchObject({ code: 'usage', field: '--items' });
    const none = await starling.failure([...globals(), 'device', 'capture-file', 'nothing']);
    expect(none.error).toMatchObject({ code: 'not-found' });
  });
});
