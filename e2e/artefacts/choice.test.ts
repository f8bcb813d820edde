import { readFile } from 'node:fs/promises';
import {
  api,
  type Capabilities,
  capabilitiesSchema,
  type DeviceView,
  type ModelView,
  type PipelineInput,
  parseClaimToken,
  policiesSchema,
  type ReleaseView,
} from '@starling/shared';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digitsModelFile, readDigits, SIDE } from '../digits/index.ts';
import { createProtocolDevice } from '../harness/protocol-device.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { digitEvaluation, digitNames, packDigits } from './build-digits.ts';

/** One pushed model, artefacts for every class of device, two devices of different profiles, each with what suits it and the reason. */
let fleet: RunningFleet;
let model: ModelView;
let release: ReleaseView;
let here: DeviceView;
let pi: string;

const readDigitsPipeline: PipelineInput = {
  kind: 'pipeline',
  schemaVersion: 1,
  name: 'read-digits',
  version: '1.0.0',
  ...(digitEvaluation.pipeline as NonNullable<typeof digitEvaluation.pipeline>),
};

async function recorded(name: string): Promise<Capabilities> {
  const file = new URL(`../../device-profiles/recordings/${name}.json`, import.meta.url);
  const { capabilities } = JSON.parse(await readFile(file, 'utf8'));
  return capabilitiesSchema.parse(capabilities);
}

beforeAll(async () => {
  fleet = await startRunningFleet({ 'build-methods': '' });
  const calibration = await packDigits(fleet.folder, 'training', 40);
  const evaluation = await packDigits(fleet.folder, 'held-out', 60);
  const card = {
    ...{ title: 'Digits', description: '', task: 'classification', licence: 'Apache-2.0', labels: digitNames },
    ...{ exampleShapes: { pixels: [1, 1, 28, 28] }, evaluation: digitEvaluation },
  };
  const pushed = await fleet.operator.pushModel({
    ...{ name: 'digits', version: '1.0.0', file: digitsModelFile, card, datasets: { calibration, evaluation } },
  });
  model = await until(
    'all builds of the digits are over',
    async () => {
      const view = await fleet.client.call(api.showModel, { params: { digest: pushed.digest } });
      return view.builds.every(({ state }) => state === 'done' || state === 'failed') && view;
    },
    500_000,
  );
  await fleet.operator.pushPipeline(readDigitsPipeline);
  const policies = policiesSchema.parse({ egress: { outputs: ['classes'], edges: [], sinks: [] } });
  release = await fleet.operator.createRelease({ name: 'read-digits-1', pipeline: 'read-digits', policies });
}, 600_000);
afterAll(async () => {
  await fleet?.stop();
});

test('every class of hardware gets an artefact of its own, with proof of accuracy and its materials signed', () => {
  expect(model.builds.filter(({ state, error }) => state === 'failed' && error?.code !== 'accuracy-budget-not-met')).toEqual([]);
  const methods = model.artefacts.map(({ document }) => document.provenance?.recipe.method);
  expect(methods).toEqual(expect.arrayContaining(['source', 'optimised', 'weights-int8', 'fp16', 'static-int8']));
  for (const { report, document } of model.artefacts) {
    expect(report.accuracy).toMatchObject({ metric: 'accuracy', samples: 60 });
    expect(document.provenance?.evaluationDigest).toBe(model.document.datasets?.evaluation?.digest);
    expect(document.provenance?.tools).toHaveProperty('onnxruntime-node');
    expect(document.needs?.operators.length).toBeGreaterThan(0);
  }
});

test('two devices of different profiles each get what suits them, with the reason', async () => {
  const agent = await fleet.startAgent('here', { release });
  here = await fleet.untilRunning(agent.ready.device, release);
  const device = await createProtocolDevice(fleet.baseUrl);
  const { text } = await fleet.client.call(api.createClaimToken, { body: { name: 'pi', uses: 1 } });
  const token = parseClaimToken(text) ?? expect.unreachable();
  await device.enrol(token, { claim: { capabilities: await recorded('raspberry-pi-5') } });
  pi = device.id;
  await fleet.client.call(api.assignDevice, { params: { id: pi }, body: { release: release.digest } });
  const there = await fleet.device(pi);
  expect(there.profile).not.toBe(here.profile);
  const of = (view: DeviceView) => view.desired?.choices.digits ?? expect.unreachable();
  const verdictsOf = (view: DeviceView) => of(view).candidates.map(({ verdict }) => verdict);
  expect(verdictsOf(there)).toEqual(expect.arrayContaining([expect.stringContaining('is shaped for x86')]));
  expect(verdictsOf(here)).toEqual(expect.arrayContaining([expect.stringContaining('is shaped for Arm')]));
  for (const view of [here, there]) {
    const choice = of(view);
    expect(choice.meetsObjective).toBe(true);
    expect(choice.reason).toMatch(/least latency on .*; .*loses|least latency on .*computes as the source/);
    expect(choice.fallbacks.length).toBeGreaterThan(0);
  }
});

test('the device reads a digit through its artefact', async () => {
  const [digit] = (await readDigits())['held-out'];
  if (digit === undefined) expect.unreachable();
  const png = await sharp(digit.pixels, { raw: { width: SIDE, height: SIDE, channels: 1 } })
    .png()
    .toBuffer();
  const { result } = await fleet.client.call(api.inferOnDevice, { params: { id: here.id }, raw: png });
  expect(result.outputs.classes).toMatchObject([{ label: String(digit.label) }]);
});

test('what the device measures replaces the estimates, and counts for its profile', async () => {
  const artefacts = model.artefacts.map(({ digest }) => ({ artefact: digest, modelVersion: model.digest }));
  const load = { minimumIdleShare: 0, idleWaitMs: 0, maximumLoadShare: 1, runs: 20 };
  const body = { name: 'benchmark' as const, arguments: { artefacts, ...load }, waitMs: 60_000 };
  const command = await fleet.client.call(api.commandDevice, { params: { id: here.id }, body });
  expect(command.error).toBeNull();
  const figures = await until('figures of every artefact', async () => {
    const found = await fleet.client.call(api.modelFigures, { params: { digest: model.digest } });
    return found.devices.length >= artefacts.length - 1 && found;
  });
  expect(new Set(figures.profiles.map(({ profile }) => profile))).toEqual(new Set([here.profile]));
  const explained = await fleet.client.call(api.explainChoice, { params: { id: here.id, model: 'digits' }, query: {} });
  const chosen = explained.choice.candidates.find((each) => each.chosen);
  expect(chosen?.figures?.latencyMs?.origin).toBe('this-device');
});

test('another objective shows at once which choices change, and changes nothing until it is applied', async () => {
  const objective = { minimise: 'size' as const, accuracyLossPointsMaximum: 100 };
  const query = { limit: 50, offset: 0 };
  const preview = await fleet.client.call(api.previewChoices, { query, body: { release: release.name, objective } });
  const smallest = Math.min(...model.artefacts.map(({ sizeBytes }) => sizeBytes));
  const isSmall = (view: DeviceView): boolean => (view.desired?.choices.digits?.sizeBytes ?? Number.POSITIVE_INFINITY) <= smallest * 1.5;
  // On some processors the smallest is the fastest as well, and chosen already.
  const current = [await fleet.device(here.id), await fleet.device(pi)];
  expect(preview.total > 0).toBe(!current.every(isSmall));
  const before = (await fleet.device(here.id)).desired?.generation;
  await fleet.client.call(api.setObjective, { params: { digest: release.digest }, body: { objective } });
  expect((await fleet.device(here.id)).desired?.generation).toBe(before);
  const proposals = await fleet.client.call(api.listProposals, { query });
  expect(proposals.items.map(({ to }) => to).sort()).toEqual(preview.items.map(({ to }) => to).sort());
  const { changed } = await fleet.client.call(api.applyProposals, { body: {} });
  expect(changed).toBe(new Set(proposals.items.map(({ device }) => device)).size);
  const now = await fleet.untilRunning(here.id, release);
  expect(isSmall(now)).toBe(true);
  expect((await fleet.client.call(api.listProposals, { query })).total).toBe(0);
});

test('questions that make no sense are answered with field and fix', async () => {
  const ask = (path: { id: string; model: string }) => fleet.client.call(api.explainChoice, { params: path, query: {} });
  await expect(ask({ id: here.id, model: 'letters' })).rejects.toMatchObject({
    ...{ code: 'unknown-model', field: 'model', message: `${release.name} has no model letters` },
    // Before a release is assigned its models are asked about by naming it.
    hint: expect.stringMatching(/^its models: digits; .*--release/),
  });
  const body = { release: 'nothing', objective: { minimise: 'size' as const } };
  await expect(fleet.client.call(api.previewChoices, { query: {}, body })).rejects.toMatchObject({ code: 'unknown-release' });
});
