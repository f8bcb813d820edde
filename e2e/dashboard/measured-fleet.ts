/** A fleet with a model in every precision, a device that runs it, and others that have measured it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  api,
  type BenchmarkRecord,
  type Capabilities,
  cborEncode,
  createTopics,
  type ModelView,
  packDataset,
  parseClaimToken,
  type ReleaseView,
  StarlingError,
} from '@starling/shared';
import { writeOnnx } from '../harness/onnx-file.ts';
import { createProtocolDevice, startSession } from '../harness/protocol-device.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { findBoxes, mapCard, mapModel } from '../harness/small-models.ts';

export interface MeasuredFleet extends RunningFleet {
  model: ModelView;
  release: ReleaseView;
  /** A real agent that runs the release. */
  agent: string;
  /** Says what it measured of every artefact; is to run the release, and never will. */
  yard: { id: string; name: string };
  /** Says what it measured of every artefact, and runs nothing. */
  slow: { id: string; name: string };
}

const SAMPLES = 6;
const SIDE = 32;
const START_TIMEOUT_MS = 300_000;

export async function startMeasuredFleet(): Promise<MeasuredFleet> {
  const fleet = await startRunningFleet({ 'build-methods': '' });
  const model = await pushMap(fleet);
  await fleet.operator.pushPipeline(findBoxes);
  const release = await fleet.operator.createRelease({
    name: 'find-boxes',
    pipeline: `${findBoxes.name}@${findBoxes.version}`,
    policies: {
      egress: { outputs: ['boxes'], edges: [], sinks: [] },
      capture: { enabled: false },
      retention: { resultDays: 30 },
      power: {},
    },
  });
  const agent = (await fleet.startAgent('agent', { release })).ready.device;
  const { capabilities } = await fleet.untilRunning(agent, release, START_TIMEOUT_MS);
  // Chosen for before anybody measured, as for the agent: what is measured then proposes something else to both.
  const yard = { id: await measureBy(fleet, model, { name: 'yard', capabilities, factor: 1, release }), name: 'yard' };
  for (const [index, name] of ['quay', 'depot'].entries()) await measureBy(fleet, model, { name, capabilities, factor: 1.1 + index / 10 });
  const slow = { id: await measureBy(fleet, model, { name: 'attic', capabilities, factor: 4 }), name: 'attic' };
  return Object.assign(fleet, { model, release, agent, yard, slow });
}

/** Numbers as numpy writes them. */
export function tensorFile(seed: number): Uint8Array {
  const shape = [1, 3, SIDE, SIDE];
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`.padEnd(117);
  const values = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, index) => Math.sin(seed + index * 0.37));
  const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
  return Buffer.concat([head, Buffer.from(`${dictionary}\n`), Buffer.from(values.buffer)]);
}

async function pushMap(fleet: RunningFleet): Promise<ModelView> {
  const file = join(fleet.folder, 'map.onnx');
  await writeFile(file, writeOnnx(mapModel(3, { width: 96, layers: 2 })));
  const datasets = { calibration: await packSamples(fleet, 'calibration', 0), evaluation: await packSamples(fleet, 'evaluation', 100) };
  const { digest } = await fleet.operator.pushModel({ name: 'map', version: '1.0.0', file, card: mapCard, datasets });
  return fleet.operator.waitForBuilds(digest);
}

/** @returns the path of a zip archive of tensors */
async function packSamples({ folder }: RunningFleet, name: string, from: number): Promise<string> {
  const path = join(folder, `${name}.zip`);
  const files = Array.from({ length: SAMPLES }, (_, index) => ({
    name: `${from + index}.npy`,
    async *read() {
      yield tensorFile(from + index);
    },
  }));
  await writeFile(path, packDataset(files));
  return path;
}

interface Measured {
  name: string;
  /** Those of the agent, so that all are of its profile, whatever processor the tests run on. */
  capabilities: Capabilities;
  factor: number;
  release?: ReleaseView;
}

/** A device made of the protocol alone enrols and reports how long each artefact took it. */
async function measureBy(fleet: RunningFleet, model: ModelView, { name, capabilities, factor, release }: Measured): Promise<string> {
  const { text } = await fleet.client.call(api.createClaimToken, { body: { name, uses: 1 } });
  const claim = parseClaimToken(text);
  if (claim === undefined) throw new StarlingError('invalid-token', 'the fleet made a claim token that is none');
  const device = await createProtocolDevice(fleet.baseUrl);
  await device.enrol(claim, { claim: { hostName: name, capabilities } });
  if (release !== undefined) await fleet.assign(device.id, release);
  const session = await startSession(fleet.process.ready.addresses.mqtt, device);
  const topics = createTopics();
  const records = model.artefacts.map(({ digest, sizeBytes, document }, index) => ({
    ...{ sequence: index + 1, bootId: 'boot', monotonicMs: 1, wallMs: Date.now(), clock: 'trusted' },
    payload: recordOf(digest, { milliseconds: millisecondsOf(document.provenance?.recipe.method) * factor + index / 10, sizeBytes }),
  }));
  const about = { device: device.id, kind: 'benchmark' };
  const batch = Buffer.from(cborEncode({ streamId: device.id, records }));
  await session.client.publishAsync(topics.build('telemetry', about), batch, { qos: 1 });
  await session.received(topics.build('acknowledgement', about), 20_000);
  await session.end();
  return device.id;
}

/** The same is the fastest on every processor that the tests run on, by more than what counts as equal. */
function millisecondsOf(method: string | undefined): number {
  if (method === 'weights-int8') return 3;
  return method?.includes('int8') ? 6 : 9;
}

function recordOf(artefact: string, { milliseconds, sizeBytes }: { milliseconds: number; sizeBytes: number }): BenchmarkRecord {
  return {
    ...{ artefact, model: 'map', provider: 'cpu', runtimeVersion: 'onnxruntime-node 1.30.0', hardware: 'test', threads: 1 },
    ...{ warmUpRuns: 3, runs: 20, latencyMs: { median: milliseconds, p95: milliseconds * 1.2, mean: milliseconds * 1.05 } },
    ...{ loadMs: 20, peakMemoryBytes: sizeBytes * 3 + 20_000_000, joulesPerInference: milliseconds / 500, energyMethod: 'modelled' },
    ...{ cpuSecondsPerInference: milliseconds / 1000, throttled: false, idleShare: 0.9, goldenError: 0 },
  };
}
