import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, commandTable, type TensorPort } from '@starling/shared';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, SessionOptions } from '../../agent/src/core/ports/engine.ts';
import { createOpenInference, openInferenceVersion } from '../../agent/src/node/engine/open-inference.ts';
import { writeOnnx } from '../harness/onnx-file.ts';
import { paintPlain } from '../harness/picture.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { type InferenceServer, startInferenceServer } from './inference-server.ts';

const image: TensorPort = { name: 'x', elementType: 'float32', shape: [1, 3, 'h', 'w'] };
const map: TensorPort = { name: 'y', elementType: 'float32', shape: [1, 1, 'h', 'w'] };

describe('models in an inference server beside the agent', () => {
  let folder: string;
  let repository: string;
  let server: InferenceServer;
  let engine: Engine;
  let model: string;

  const settings = (provider: string): SessionOptions => ({
    ...{ provider, threads: 2, spinning: false, arena: false, executionMode: 'sequential' },
    ports: { inputs: [image], outputs: [map] },
  });
  const engineAt = (url: string): Engine =>
    createOpenInference({ url, repository, providers: ['tensorrt', 'cpu'], runTimeoutMs: 5_000, owner: 'pipelines' });
  const picture = () => ({
    elementType: 'float32' as const,
    shape: [1, 3, 8, 8],
    data: Float32Array.from({ length: 192 }, (_, index) => Math.cos(index)),
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-sidecar-'));
    repository = join(folder, 'repository');
    await mkdir(repository);
    model = join(folder, 'map.onnx');
    await writeFile(model, writeOnnx(mapModel(5, { width: 16, layers: 1 })));
    server = await startInferenceServer(repository);
    engine = engineAt(server.url);
  });
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('are put into its repository, loaded, run, unloaded and taken out again', async () => {
    const session = await engine.open(model, settings('cpu'));
    expect([session.provider, session.inputNames, session.outputNames]).toEqual(['cpu', ['x'], ['y']]);
    const { y } = await session.run({ x: picture() });
    const local = await InferenceSession.create(model);
    const expected = await local.run({ x: new OrtTensor('float32', picture().data, picture().shape) });
    expect(y).toEqual({ elementType: 'float32', shape: [1, 1, 8, 8], data: expected.y?.data });
    await local.release();
    await session.close();
    expect(await readdir(repository)).toEqual([]);
    expect(server.requests.at(-1)).toMatch(/^POST \/v2\/repository\/models\/starling-\w+\/unload$/);
  });

  test('their configuration names ports, threads and accelerators', async () => {
    const onGpu = await engine.open(model, settings('tensorrt'));
    const [name = ''] = await readdir(repository);
    const config = server.configs.get(name);
    expect(config).toContain('platform: "onnxruntime_onnx"');
    expect(config).toContain('input [ { name: "x" data_type: TYPE_FP32 dims: [ 1, 3, -1, -1 ] } ]');
    expect(config).toContain('output [ { name: "y" data_type: TYPE_FP32 dims: [ 1, 1, -1, -1 ] } ]');
    expect(config).toContain('gpu_execution_accelerator : [ { name : "tensorrt"');
    expect(config).toContain('kind: KIND_GPU');
    expect(config).toContain('parameters { key: "intra_op_thread_count" value: { string_value: "2" } }');
    await onGpu.close();
  });

  test('that are not ready for a moment are asked again', async () => {
    const session = await engine.open(model, settings('cpu'));
    server.refuseInferences(2);
    const before = server.requests.length;
    expect((await session.run({ x: picture() })).y?.shape).toEqual([1, 1, 8, 8]);
    expect(server.requests.length - before).toBe(3);
    await session.close();
  });

  test('each refusal has its code', async () => {
    const session = await engine.open(model, settings('cpu'));
    await expect(session.run({ z: picture() })).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('missing'),
    });
    await expect(session.run({ x: { elementType: 'string', shape: [1], data: new Uint8Array(1) } })).rejects.toMatchObject({
      code: 'unsupported-type',
      field: 'x',
    });
    await session.close();
    await expect(session.run({ x: picture() })).rejects.toMatchObject({ code: 'unknown-model' });
    const broken = join(folder, 'broken.onnx');
    await writeFile(broken, 'no model');
    await expect(engine.open(broken, settings('cpu'))).rejects.toMatchObject({
      code: 'load-failed',
      message: expect.stringMatching(/protobuf|model/i),
    });
    expect(await readdir(repository)).toEqual([]);
    await expect(engineAt('http://127.0.0.1:9').open(model, settings('cpu'))).rejects.toMatchObject({
      code: 'engine-unreachable',
      retryable: true,
    });
  });

  test('say which server they are in', async () => {
    expect(await openInferenceVersion(server.url)).toBe('open-inference test-server 1.2.3');
  });
});

describe('an agent with an inference server', () => {
  let fleet: RunningFleet;
  let server: InferenceServer;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    const repository = join(fleet.folder, 'repository');
    await mkdir(repository);
    server = await startInferenceServer(repository);
  });
  afterAll(async () => {
    await fleet?.stop();
    await server?.close();
  });

  test('installs, tests, runs and measures a release there', async () => {
    const release = await publishMapRelease(fleet, mapModel(1, { width: 16, layers: 1 }), 0);
    const flags = { 'engine-url': server.url, 'engine-repository': join(fleet.folder, 'repository'), 'engine-providers': 'cpu' };
    const agent = await fleet.startAgent('agent', { release, flags });
    const view = await fleet.untilRunning(agent.ready.device, release);
    expect(view.reported?.running?.providers).toEqual({ map: 'cpu' });
    const inferences = () => server.requests.filter((request) => request.endsWith('/infer')).length;
    const before = inferences();
    expect(before).toBeGreaterThan(0);
    const body = new Uint8Array(await paintPlain(9, 9, 9));
    const answer = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body });
    expect(answer.status).toBe(200);
    expect(inferences()).toBe(before + 1);
    const args = { runs: 4, minimumIdleShare: 0, idleWaitMs: 0, maximumLoadShare: 1 };
    const command = await fleet.client.call(api.commandDevice, {
      params: { id: agent.ready.device },
      body: { name: 'benchmark', arguments: args, waitMs: 60_000 },
    });
    expect(command.error).toBeNull();
    // What was measured went away again, and what runs did not.
    expect(await readdir(join(fleet.folder, 'repository'))).toHaveLength(1);
    const [measured] = commandTable.benchmark.result.parse(command.result).artefacts;
    expect(measured?.record).toMatchObject({
      ...{ model: 'map', provider: 'cpu', runs: 4, runtimeVersion: 'open-inference test-server 1.2.3' },
      ...{ peakMemoryBytes: null, goldenError: expect.any(Number) },
    });
  });
});
