import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, artefactFiles, type ReleaseView, type ResponseOf } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDiskStore } from '../../fleet/src/blobs/index.ts';
import { systemClock } from '../../fleet/src/clock.ts';
import { systemIds } from '../../fleet/src/ids.ts';
import { createStarling, type Starling } from '../cli/starling.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

const DEVICES = 4;
const STEP_MS = 120_000;

let folder: string;
let fleet: ReadyFleet;
let starling: Starling;
const releases: ReleaseView[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-pull-'));
  fleet = await startReadyFleet({ 'build-methods': 'weights-int8' });
  const place = { folder, operator: fleet.operator };
  const first = mapModel(1, { layers: 8 });
  // Trained anew in one layer.
  const w4 = mapModel(2, { layers: 8 }).weights?.w4 ?? expect.unreachable();
  const second = { ...first, weights: { ...first.weights, w4 } };
  const third = { ...second, weights: { ...second.weights, w5: mapModel(3, { layers: 8 }).weights?.w5 ?? expect.unreachable() } };
  for (const [revision, graph] of [first, second, third].entries()) releases.push(await publishMapRelease(place, graph, revision));
  starling = createStarling(join(folder, 'config'), folder);
  const login = ['login', '--fleet', fleet.baseUrl, '--email', fleet.login.email, '--password-stdin'];
  expect((await starling.run(login, { stdin: `${fleet.login.password}\n` })).exitCode).toBe(0);
}, 180_000);
afterAll(async () => {
  await fleet?.stop();
  await rm(folder, { recursive: true, force: true });
});

const devices = async (): Promise<ResponseOf<typeof api.showDevice>[]> => {
  const { items } = await fleet.client.call(api.listDevices, { query: { limit: 100 } });
  return Promise.all(items.map(({ id }) => fleet.client.call(api.showDevice, { params: { id } })));
};
const bytesOf = async (release: ReleaseView): Promise<number> =>
  (await filesOf(release)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
const run = (release: ReleaseView) => async (): Promise<boolean> => {
  const all = await devices();
  return (
    all.length === DEVICES && all.every(({ reported }) => reported?.phase === 'running' && reported.running?.release === release.digest)
  );
};
const described = async (): Promise<string> => JSON.stringify((await devices()).map(({ reported }) => reported));
/** Files of what devices are assigned. */
const filesOf = async (release: ReleaseView) => {
  const [first] = await devices();
  const artefact = Object.values(first?.desired?.choices ?? {})[0]?.artefact;
  const model = await fleet.client.call(api.showModel, { params: { digest: release.document.models[0]?.digest ?? '' } });
  const { document } = model.artefacts.find(({ digest }) => digest === artefact) ?? expect.unreachable();
  return artefactFiles(document);
};

test('simulated devices pull every chunk of what they are assigned, and of the next release only what differs', {
  timeout: 3 * STEP_MS,
}, async () => {
  const [first, second] = releases as [ReleaseView, ReleaseView];
  const stop = new AbortController();
  const crowd = starling.run(
    [
      ...['simulate', '--devices', `${DEVICES}`, '--sites', '2', '--release', first.name, '--pull'],
      ...['--time-factor', '0.02', '--drops-per-hour', '0', '--json'],
    ],
    { interrupt: stop.signal },
  );
  try {
    await until('all run the first', run(first), STEP_MS, described);
    const whole = await bytesOf(first);
    expect(whole).toBeGreaterThan(1_000_000);
    for (const { id } of await devices()) await fleet.client.call(api.assignDevice, { params: { id }, body: { release: second.digest } });
    await until('all run the second', run(second), STEP_MS, described);
    const next = await bytesOf(second);
    stop.abort();
    const { exitCode, stdout } = await crowd;
    expect(exitCode).toBe(0);
    const figures = JSON.parse(stdout);
    expect(figures).toMatchObject({ enrolled: DEVICES, pulling: 0, pulled: 2 * DEVICES, refusedChunks: 0, problems: {} });
    expect(figures.verifiedBytes).toBe(figures.wantedBytes);
    const each = figures.verifiedBytes / DEVICES;
    expect(each).toBeGreaterThanOrEqual(whole);
    // One layer of eight, and what lies about it.
    expect(each - whole).toBeGreaterThan(next / 20);
    expect(each - whole).toBeLessThan(next / 2);
    // Weights hardly compress: about what is in the files came over the wire, and the documents.
    expect(figures.pulledBytes / figures.verifiedBytes).toBeGreaterThan(0.5);
    expect(figures.pulledBytes / figures.verifiedBytes).toBeLessThan(1.3);
    expect(figures.pulledChunks).toBeGreaterThan(DEVICES * 10);
  } finally {
    stop.abort();
    await crowd;
  }
});

test('what the fleet does not have is asked for again, ever more rarely, until it is there', { timeout: 2 * STEP_MS }, async () => {
  const [, second, third] = releases as [ReleaseView, ReleaseView, ReleaseView];
  const blobs = join(fleet.dataDirectory, 'blobs');
  const store = await openDiskStore(blobs, { clock: systemClock, ids: systemIds, isShared: true });
  const chunksOf = async (release: ReleaseView): Promise<string[]> => {
    const manifests = await Promise.all((await filesOf(release)).map(({ manifest }) => store.readManifest(manifest)));
    return manifests.flatMap(({ chunks }) => chunks.map(({ digest }) => digest));
  };
  const known = await chunksOf(second);
  for (const { id } of await devices()) await fleet.client.call(api.assignDevice, { params: { id }, body: { release: third.digest } });
  // Of the layer that is new: nobody has asked for it yet.
  const fresh = (await chunksOf(third)).find((digest) => !known.includes(digest)) ?? expect.unreachable();
  const shelf = join(blobs, 'chunks', fresh.slice(0, 2));
  const stored = (await readdir(shelf)).find((name) => name.startsWith(fresh)) ?? expect.unreachable();
  const [there, away] = [join(shelf, stored), join(folder, stored)];
  await rename(there, away);
  const stop = new AbortController();
  const options = ['--devices', `${DEVICES}`, '--pull', '--time-factor', '0.5', '--drops-per-hour', '0', '--json'];
  const crowd = starling.run(['simulate', ...options], { interrupt: stop.signal });
  try {
    const waits = new Map<string, Set<number>>();
    /** Tries, by device and the time of the next: a report that is sent again is of a later time. */
    const tries = new Set<string>();
    const hasWaitedTwice = async (): Promise<boolean> => {
      for (const { id, reported } of await devices()) {
        if (reported?.phase !== 'failed' || reported.retryAtMs === undefined) continue;
        expect(reported.error?.code).toBe('chunk-missing');
        const tried = `${id} ${reported.retryAtMs}`;
        if (tries.has(tried)) continue;
        tries.add(tried);
        waits.set(id, (waits.get(id) ?? new Set()).add(reported.retryAtMs - reported.atMs));
      }
      return waits.size === DEVICES && [...waits.values()].every((each) => each.size >= 2);
    };
    await until('all have failed twice', hasWaitedTwice, STEP_MS, described);
    // Of the doubling waits of an agent, half as long here.
    for (const each of waits.values()) for (const waitMs of each) expect(Math.log2(waitMs / 1000) % 1).toBe(0);
    await rename(away, there);
    await until('all run the third', run(third), STEP_MS, described);
    stop.abort();
    const { exitCode, stdout } = await crowd;
    expect(exitCode).toBe(0);
    const figures = JSON.parse(stdout);
    expect(figures).toMatchObject({ pulling: 0, pulled: DEVICES, pullsGivenUp: 0, failed: 0 });
    expect(figures.pullsRetried).toBeGreaterThanOrEqual(2 * DEVICES);
    expect(figures.problems).toEqual({ 'chunk-missing': figures.pullsRetried });
  } finally {
    stop.abort();
    await crowd;
  }
});

test('without a release to pull it says so, and how it goes on stands in a file too', { timeout: STEP_MS }, async () => {
  const words = ['simulate', '--seed', '2', '--devices', '1', '--pull', '--for-seconds', '34', '--telemetry-seconds', '2'];
  const { exitCode, stdout, stderr } = await starling.run(words);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/warning: new devices get no release when they enrol, and pull nothing until .*; --release \S+ gives them one/);
  expect(stderr.match(/--release (\S+)/)?.[1]).toMatch(new RegExp(`^(${releases.map(({ name }) => name).join('|')})$`));
  // Not on a terminal: a line now and then.
  expect(stderr).toMatch(/1 simulated devices: 1 connected, 1 enrolled, 0 running, nothing pulled yet, \d+ of \d+ records acknowledged/);
  expect(stdout).toContain('nothing pulled yet');
});
