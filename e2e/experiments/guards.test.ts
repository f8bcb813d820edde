import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, type ExperimentDetail, type PipelineInput, type ReleaseView, type ReportedState } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStarling, type Starling } from '../cli/starling.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { until } from '../harness/running-fleet.ts';

const DEVICES = 12;
/** Telemetry of some seconds, and a look every ten. */
const STEP_MS = 120_000;
const light: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'light', version: '1.0.0' },
  ...{ inputs: { image: 'encoded-image' }, outputs: { statistics: 'json' } },
  nodes: { decode: { op: 'image.decode' }, measure: { op: 'image.statistics' } },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'measure.image' },
    { from: 'measure.statistics', to: 'output.statistics' },
  ],
};

let folder: string;
let fleet: ReadyFleet;
let starling: Starling;
let champion: ReleaseView;
let crowd: ReturnType<Starling['run']>;
const stopCrowd = new AbortController();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-guards-'));
  fleet = await startReadyFleet();
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) await fleet.operator.pushPipeline({ ...light, version });
  champion = await fleet.operator.createRelease({ name: 'light-1', pipeline: 'light@1.0.0' });
  await fleet.operator.createRelease({ name: 'slow-2', pipeline: 'light@1.1.0' });
  await fleet.operator.createRelease({ name: 'like-3', pipeline: 'light@1.2.0' });
  starling = createStarling(join(folder, 'config'), folder);
  const login = ['login', '--fleet', fleet.baseUrl, '--email', fleet.login.email, '--password-stdin'];
  expect((await starling.run(login, { stdin: `${fleet.login.password}\n` })).exitCode).toBe(0);
  const quick = ['--rate', '50', '--time-factor', '0.02', '--drops-per-hour', '0', '--telemetry-seconds', '1', '--items-per-second', '20'];
  const slow = ['--bad-release', 'slow-2', '--latency-factor', '2'];
  crowd = starling.run(['simulate', '--devices', `${DEVICES}`, '--sites', '2', '--release', 'light-1', ...quick, ...slow, '--json'], {
    interrupt: stopCrowd.signal,
  });
  await until(
    'all devices run the champion',
    async () => (await reported()).filter((each) => each?.phase === 'running').length === DEVICES,
  );
}, 120_000);
afterAll(async () => {
  stopCrowd.abort();
  await crowd;
  await fleet?.stop();
  await rm(folder, { recursive: true, force: true });
});

const reported = async (): Promise<(ReportedState | null | undefined)[]> => {
  const { items } = await fleet.client.call(api.listDevices, { query: { limit: 100 } });
  return Promise.all(items.map(async ({ id }) => (await fleet.client.call(api.showDevice, { params: { id } })).reported));
};
const show = (id: string): Promise<ExperimentDetail> => fleet.client.call(api.showExperiment, { params: { id } });
const begin = async (name: string, challenger: string): Promise<string> => {
  const { id } = await fleet.client.call(api.createExperiment, {
    body: {
      spec: {
        ...{ name, selector: 'labels.simulated == "true"', mode: 'split', challengers: [{ release: challenger, percent: 50 }] },
        guards: { objectives: [{ name: 'latency', measure: 'latency-p95', noWorseThan: '30 %', minimumInferences: 200 }] },
        // Neither release fails more often: the goal alone would end nothing here.
        stop: { onEvidence: 'go-on' },
      },
      all: true,
    },
  });
  await until(
    'the challenger runs on every device',
    async () => (await reported()).every((each) => each?.experiment?.id === id && each.experiment.arms[0]?.state === 'running'),
    STEP_MS,
  );
  return id;
};
const when = (what: string, id: string, holds: (view: ExperimentDetail) => boolean): Promise<ExperimentDetail> =>
  until(
    what,
    async () => {
      const view = await show(id);
      return holds(view) && view;
    },
    STEP_MS,
    async () => JSON.stringify(await show(id)),
  );

test('a challenger that keeps its guard is not stopped by it', { timeout: 3 * STEP_MS }, async () => {
  const id = await begin('alike', 'like-3');
  const { state, arms } = await when('its guard was judged', id, (view) => (view.arms[1]?.guards[0]?.candidate?.samples ?? 0) > 2_000);
  expect(state).toBe('running');
  expect(arms[1]?.verdict).not.toBe('harmful');
  expect(arms[1]?.guards).toMatchObject([{ name: 'latency', measure: 'latency-p95', basis: 'own-past' }]);
  await fleet.client.call(api.actOnExperiment, { params: { id }, body: { action: 'stop' } });
});

test('a guard that fails stops the experiment, says why, and every device goes back to the champion alone', {
  timeout: 3 * STEP_MS,
}, async () => {
  await until('no device takes part in the one before', async () => (await reported()).every((each) => each?.experiment === undefined));
  const id = await begin('slow', 'slow-2');
  const { arms, verdict, winner, finishedAtMs } = await when('the guard has stopped it', id, ({ state }) => state === 'stopped');
  expect(winner).toBe(champion.digest);
  expect(finishedAtMs).not.toBeNull();
  expect(arms[1]).toMatchObject({ name: 'slow-2', verdict: 'harmful', guards: [{ name: 'latency', verdict: 'failed', gates: true }] });
  expect(arms[1]?.reason).toMatch(/^latency: /);
  // Twice as slow is seen as twice as slow, and the interval keeps clear of the limit.
  expect(arms[1]?.guards[0]?.difference?.estimate).toBeCloseTo(2, 0);
  expect(arms[1]?.guards[0]?.difference?.low).toBeGreaterThan(1.3);
  expect(verdict).toContain('slow-2: latency: ');
  const { items: events } = await fleet.client.call(api.listExperimentEvents, { params: { id }, query: {} });
  expect(events.find(({ kind }) => kind.startsWith('stop'))).toMatchObject({ actor: 'fleet', text: expect.stringContaining('latency: ') });
  await until(
    'all devices run the champion, and nothing beside it',
    async () =>
      (await reported()).every(
        (each) => each?.experiment === undefined && each?.running?.release === champion.digest && each.running.verified,
      ),
    STEP_MS,
    async () => JSON.stringify(await reported()),
  );
  const { items: members } = await fleet.client.call(api.listExperimentDevices, { params: { id }, query: { limit: 100 } });
  expect(members).toHaveLength(DEVICES);
  expect(members.every(({ takesPart, leftAtMs }) => !takesPart && leftAtMs !== null)).toBe(true);
  // It is told by the command as well, and what was counted stays.
  expect(await starling.json(['experiment', 'show', 'slow', '--json'])).toMatchObject({ state: 'stopped', winner: champion.digest });
});
