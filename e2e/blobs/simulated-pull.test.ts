import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, artefactFiles, type ReleaseView, type ResponseOf } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStarling, type Starling } from '../cli/starling.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

const DEVICES = 4;
const STEP_MS = 120_000;

let folder: string;
let fleet: ReadyFleet;
let starling: Starling;
let releases: ReleaseView[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-pull-'));
  fleet = await startReadyFleet({ 'build-methods': 'weights-int8' });
  const place = { folder, operator: fleet.operator };
  const first = mapModel(1, { layers: 8 });
  // Trained anew in one layer.
  const w4 = mapModel(2, { layers: 8 }).weights?.w4 ?? expect.unreachable();
  const second = { ...first, weights: { ...first.weights, w4 } };
  releases = [await publishMapRelease(place, first, 0), await publishMapRelease(place, second, 1)];
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
const run = (release: ReleaseView) => async (): Promise<boolean> => {
  const all = await devices();
  return (
    all.length === DEVICES && all.every(({ reported }) => reported?.phase === 'running' && reported.running?.release === release.digest)
  );
};
const described = async (): Promise<string> => JSON.stringify((await devices()).map(({ reported }) => reported));
/** Bytes of the files of what a device runs. */
const filesOf = async (release: ReleaseView): Promise<number> => {
  const [first] = await devices();
  const artefact = Object.values(first?.reported?.running?.artefacts ?? {})[0];
  const model = await fleet.client.call(api.showModel, { params: { digest: release.document.models[0]?.digest ?? '' } });
  const { document } = model.artefacts.find(({ digest }) => digest === artefact) ?? expect.unreachable();
  return artefactFiles(document).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
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
    const whole = await filesOf(first);
    expect(whole).toBeGreaterThan(1_000_000);
    for (const { id } of await devices()) await fleet.client.call(api.assignDevice, { params: { id }, body: { release: second.digest } });
    await until('all run the second', run(second), STEP_MS, described);
    const next = await filesOf(second);
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
