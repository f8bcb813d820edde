import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, type BenchmarkRecord, benchmarkRecordSchema, type CommandView, commandTable, type ModelView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GraphSpec, writeOnnx } from '../harness/onnx-file.ts';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

/** Ids and a mask -> a vector per id: inputs that are no floats. */
const embedding: GraphSpec = {
  nodes: [
    { op: 'Gather', inputs: ['table', 'ids'], outputs: ['rows'] },
    { op: 'Where', inputs: ['mask', 'rows', 'zero'], outputs: ['y'] },
  ],
  weights: {
    table: { shape: [40, 8], values: Float32Array.from({ length: 320 }, (_, index) => Math.sin(index)) },
    zero: { shape: [], values: new Float32Array([0]) },
  },
  inputs: { ids: { type: 'int64', shape: [6] }, mask: { type: 'bool', shape: [6, 1] } },
  outputs: { y: { type: 'float32', shape: [6, 8] } },
};

/** A machine that runs tests is never idle: what is tested is not how good the figures are. */
const anyLoad = { minimumIdleShare: 0, idleWaitMs: 0, maximumLoadShare: 1 };

describe('a benchmark on a device', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let other: ModelView;
  let words: ModelView;

  const push = async (name: string, version: string, graph: GraphSpec): Promise<ModelView> => {
    const file = join(fleet.folder, `${name}.onnx`);
    await writeFile(file, writeOnnx(graph));
    const card = { title: name, licence: 'Apache-2.0', description: '', task: 'other' };
    const { digest } = await fleet.operator.pushModel({ name, version, file, card });
    await fleet.operator.waitForBuilds(digest);
    return fleet.client.call(api.showModel, { params: { digest } });
  };
  const benchmark = async (args: Record<string, unknown>): Promise<CommandView> => {
    const params = { id: agent.ready.device };
    const body = { name: 'benchmark' as const, arguments: { ...anyLoad, ...args }, waitMs: 60_000 };
    return fleet.client.call(api.commandDevice, { params, body });
  };
  const recordsOf = (command: CommandView): BenchmarkRecord[] => {
    expect(command.error).toBeNull();
    const { artefacts } = commandTable.benchmark.result.parse(command.result);
    return artefacts.map(({ record, error }) => {
      expect(error).toBeUndefined();
      return benchmarkRecordSchema.parse(record);
    });
  };
  const named = (model: ModelView) => model.artefacts.map(({ digest }) => ({ artefact: digest, modelVersion: model.digest }));
  const blobs = () => readdir(join(fleet.agentFolder('agent'), 'blobs'));

  beforeAll(async () => {
    fleet = await startRunningFleet();
    const release = await publishMapRelease(fleet, mapModel(0, { width: 64 }), 0);
    agent = await fleet.startAgent('agent', { release });
    await fleet.untilRunning(agent.ready.device, release);
    other = await push('other', '1.0.0', mapModel(7, { width: 96, layers: 1 }));
    words = await push('words', '1.0.0', embedding);
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  test('without names times what runs', async () => {
    const [record, ...rest] = recordsOf(await benchmark({ runs: 8, warmUpRuns: 2 }));
    expect(rest).toEqual([]);
    const running = (await fleet.device(agent.ready.device)).reported?.running;
    expect(record).toMatchObject({ artefact: running?.artefacts.map, model: 'map', provider: 'cpu', runs: 8, warmUpRuns: 2 });
  });

  test('pulls and times artefacts that the device does not run, then leaves the disk as it was', async () => {
    const before = await blobs();
    const records = recordsOf(await benchmark({ artefacts: named(other), runs: 12 }));
    expect(records.map(({ artefact }) => artefact).sort()).toEqual(other.artefacts.map(({ digest }) => digest).sort());
    for (const {
      latencyMs,
      loadMs,
      cpuSecondsPerInference,
      peakMemoryBytes,
      goldenError,
      energyMethod,
      hardware,
      runtimeVersion,
    } of records) {
      expect(latencyMs.median).toBeGreaterThan(0);
      expect(latencyMs.p95).toBeGreaterThanOrEqual(latencyMs.median);
      expect(loadMs).toBeGreaterThan(0);
      expect(cpuSecondsPerInference).toBeGreaterThan(0);
      expect(peakMemoryBytes).toBeGreaterThan(100_000);
      expect(goldenError).toBeLessThan(0.01);
      expect(energyMethod).not.toBeNull();
      expect(hardware).toMatch(/^[0-9a-f]{64}$/);
      expect(runtimeVersion).toMatch(/^onnxruntime-node \d/);
    }
    expect(await blobs()).toEqual(before);
  });

  test('the records come in as telemetry, too', async () => {
    const rows = await until('benchmark telemetry', async () => {
      const found = await fleet.telemetry(agent.ready.device, 'benchmark');
      return found.length >= 1 + other.artefacts.length && found;
    });
    expect(rows.map(({ payload }) => payload.artefact)).toEqual(expect.arrayContaining(other.artefacts.map(({ digest }) => digest)));
  });

  test('ids and truth values are made as the builder made them', async () => {
    for (const { goldenError } of recordsOf(await benchmark({ artefacts: named(words), runs: 3 }))) expect(goldenError).toBe(0);
  });

  test('tells how far it is, and live pictures are answered meanwhile', async () => {
    const params = { id: agent.ready.device };
    const args = { ...anyLoad, artefacts: named(other), runs: 300, maximumLoadShare: 0.5 };
    const sent = await fleet.client.call(api.commandDevice, { params, body: { name: 'benchmark', arguments: args, waitMs: 0 } });
    const show = () => fleet.client.call(api.showCommand, { params: { id: sent.id } });
    const { progress } = await until('progress', async () => {
      const view = await show();
      // Between two artefacts it prepares.
      return view.progress !== undefined && view.progress.done > 0 && view.progress.what?.startsWith('run') && view;
    });
    expect(progress).toMatchObject({ total: other.artefacts.length * 300, what: expect.stringContaining('run other') });
    const body = new Uint8Array(await paintPlain(9, 9, 9));
    const answer = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body });
    expect(answer.status).toBe(200);
    const ended = await until('its end', async () => {
      const view = await show();
      return view.finishedAtMs !== null && view;
    });
    expect(ended.status).toBe('done');
    expect(ended.progress).toBeUndefined();
  });

  test('gives up on a busy device with a code', async () => {
    // Nothing is that idle while it answers.
    let busy = true;
    const load = (async () => {
      const body = new Uint8Array(await paintPlain(9, 9, 9));
      while (busy) await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body });
    })();
    const { status, error } = await benchmark({ minimumIdleShare: 1, idleWaitMs: 600 });
    busy = false;
    await load;
    expect([status, error?.code, error?.field]).toEqual(['failed', 'device-busy', 'minimumIdleShare']);
  });

  test('an artefact that is none of the model version is refused before it is sent', async () => {
    const [first] = named(other);
    await expect(benchmark({ artefacts: [{ ...first, modelVersion: words.digest }] })).rejects.toMatchObject({
      code: 'unknown-artefact',
      field: 'arguments.artefacts.0.artefact',
    });
  });
});
