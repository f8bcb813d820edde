import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  api,
  artefactSchema,
  type BuildJob,
  type BuildRecipeInput,
  buildRecipeSchema,
  type ModelView,
  StarlingError,
  verifyDocument,
} from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBuilder } from '../../fleet/src/artefacts/index.ts';
import { childrenOf } from '../harness/child-processes.ts';
import { type GraphSpec, writeOnnx } from '../harness/onnx-file.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { loopModel, mapCard, mapModel } from '../harness/small-models.ts';

/** Long enough to be hit in the middle on any machine, and to end soon. */
const SLOW_TURNS = 1_500_000;
const WAIT_MS = 120_000;
const ENDLESS_TURNS = 1e12;

let fleet: RunningFleet;
let revision = 0;
beforeAll(async () => {
  fleet = await startRunningFleet();
});
afterAll(() => fleet?.stop());

async function push(graph: GraphSpec, name = 'map'): Promise<ModelView> {
  revision += 1;
  const folder = join(fleet.folder, 'pushed');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${revision}.onnx`);
  await writeFile(file, writeOnnx(graph));
  return fleet.operator.pushModel({ name, version: `1.0.${revision}`, file, card: mapCard });
}

const jobsOf = async ({ digest }: ModelView): Promise<BuildJob[]> =>
  (await fleet.client.call(api.listBuilds, { query: { model: digest } })).items;
const byMethod = async (model: ModelView, method: string): Promise<BuildJob> =>
  (await jobsOf(model)).find(({ recipe }) => recipe.method === method) ?? expect.unreachable();
const build = (model: ModelView, recipe: BuildRecipeInput) =>
  fleet.client.call(api.addBuild, { params: { digest: model.digest }, body: { recipe: buildRecipeSchema.parse(recipe) } });
const show = (id: string): Promise<BuildJob> => fleet.client.call(api.showBuild, { params: { id } });
const ended = (id: string): Promise<BuildJob> =>
  until(
    `build ${id} ends`,
    async () => {
      const job = await show(id);
      return job.state === 'queued' || job.state === 'running' ? undefined : job;
    },
    WAIT_MS,
  );
const untilRuns = (id: string): Promise<BuildJob> =>
  until(
    `build ${id} runs the model`,
    async () => {
      const job = await show(id);
      return job.state === 'running' && job.step.startsWith('golden') ? job : undefined;
    },
    WAIT_MS,
  );
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const logOf = async (id: string): Promise<string> =>
  (await fleet.client.call(api.listBuildLog, { params: { id }, query: { limit: 200 } })).items.map(({ text }) => text).join('\n');

describe('a fleet that is killed in the middle of a build', () => {
  test('takes it up again, and builds each recipe once', async () => {
    const model = await push(loopModel(SLOW_TURNS));
    const { id } = await byMethod(model, 'source');
    await untilRuns(id);
    await fleet.process.kill();
    await fleet.start();
    const job = await ended(id);
    expect(job).toMatchObject({ state: 'done', attempts: 2, reused: false, artefact: expect.any(String) });
    const view = await fleet.operator.waitForBuilds(model.digest);
    expect(view.artefacts.map(({ document }) => document.provenance?.recipe.method)).toEqual(['source']);
    expect(await logOf(id)).toMatch(/attempt 1[\s\S]*attempt 2/);
    // There is no weight to gain from; nobody asked for it, so that is no failure.
    expect(await byMethod(model, 'weights-int8')).toMatchObject({ state: 'done', artefact: null, note: expect.stringContaining('int8') });
  });

  test('leaves no worker behind, even one that is busy for ever', async () => {
    const model = await push(loopModel(ENDLESS_TURNS));
    const { id } = await byMethod(model, 'source');
    await untilRuns(id);
    const [worker = 0] = await childrenOf(fleet.process.pid);
    await fleet.process.kill();
    await until('the worker has ended', () => !isAlive(worker));
    await fleet.start();
    await untilRuns(id);
    for (const job of await jobsOf(model)) await fleet.client.call(api.cancelBuild, { params: { id: job.id } });
  });

  test('stopped with a request, it puts the build back without counting it', async () => {
    const model = await push(loopModel(ENDLESS_TURNS));
    const { id } = await byMethod(model, 'source');
    await untilRuns(id);
    await fleet.process.stop();
    await fleet.start();
    await untilRuns(id);
    expect(await show(id)).toMatchObject({ attempts: 1 });
    for (const job of await jobsOf(model)) await fleet.client.call(api.cancelBuild, { params: { id: job.id } }).catch(() => undefined);
  });
});

describe('a build that runs', () => {
  test('is cancelled with its process, and can be run again', async () => {
    const model = await push(loopModel(ENDLESS_TURNS));
    const { id } = await byMethod(model, 'source');
    await untilRuns(id);
    expect(await childrenOf(fleet.process.pid)).toHaveLength(1);
    await expect(fleet.client.call(api.retryBuild, { params: { id } })).rejects.toMatchObject({ code: 'still-running' });
    expect(await fleet.client.call(api.cancelBuild, { params: { id } })).toMatchObject({
      state: 'cancelled',
      error: { code: 'cancelled' },
    });
    await until('the worker is gone', async () => (await childrenOf(fleet.process.pid)).length === 0);
    await expect(fleet.client.call(api.cancelBuild, { params: { id } })).rejects.toMatchObject({ code: 'not-running' });
    expect(await fleet.client.call(api.retryBuild, { params: { id } })).toMatchObject({ attempts: 0, error: null });
    await untilRuns(id);
    // Another one waits behind it: it is cancelled before it starts.
    const waiting = await build(model, { method: 'weights-int8', keepInFloat: ['none'] });
    expect(waiting).toMatchObject({ state: 'queued', requestedBy: expect.any(String) });
    await fleet.client.call(api.cancelBuild, { params: { id: waiting.id } });
    expect(await show(waiting.id)).toMatchObject({ state: 'cancelled', attempts: 0 });
    await fleet.client.call(api.cancelBuild, { params: { id } });
  });

  test('is ended when it takes more memory than it may have', async () => {
    const outputDirectory = await mkdtemp(join(fleet.folder, 'memory-'));
    const file = join(outputDirectory, 'large.onnx');
    // 64 MB of weights are read, copied and run: far beyond what a bare Node leaves of the ceiling.
    await writeFile(file, writeOnnx(mapModel(1, { width: 2048, layers: 4 })));
    const recipe = buildRecipeSchema.parse({ method: 'weights-int8' });
    const small = createBuilder({ memoryBytes: 150 * 1024 ** 2 });
    await expect(
      small.build({ file, recipe, outputDirectory, exampleShapes: {}, model: { name: 'large', assets: {} }, companions: {} }, {}),
    ).rejects.toMatchObject({
      code: 'build-too-large',
      field: 'model',
    });
    await expect(small.inspect(file)).rejects.toMatchObject({ code: 'build-too-large' });
  });
});

describe('what was built before', () => {
  test('is not built again: not for the same version, nor for another of the same source', async () => {
    const graph = mapModel(5, { width: 64, layers: 1 });
    const first = await fleet.operator.waitForBuilds((await push(graph)).digest);
    const [artefact] = first.artefacts;
    const again = await ended((await build(first, { method: 'source' })).id);
    expect(again).toMatchObject({ state: 'done', reused: true, artefact: artefact?.digest });
    expect(await logOf(again.id)).toContain('nothing is built');
    const second = await fleet.operator.waitForBuilds((await push(graph, 'renamed')).digest);
    expect((await jobsOf(second)).map(({ reused }) => reused)).toEqual([true, true]);
    expect(second.artefacts.map(({ document }) => document.blob.digest)).toEqual(
      first.artefacts.map(({ document }) => document.blob.digest),
    );
    expect(second.artefacts.map(({ document }) => document.model)).toEqual(['renamed', 'renamed']);
  });

  test('and what is asked for twice while it waits is one job', async () => {
    const model = await push(loopModel(ENDLESS_TURNS));
    const [one, other] = [await build(model, { method: 'fp16' }), await build(model, { method: 'fp16', blockSize: 64 })];
    expect(other.id).toBe(one.id);
    for (const { id } of await jobsOf(model)) await fleet.client.call(api.cancelBuild, { params: { id } });
  });

  test('has a bill of materials under the key of the fleet', async () => {
    const model = await fleet.operator.waitForBuilds((await push(mapModel(6, { width: 64, layers: 1 }))).digest);
    const { items } = await fleet.client.call(api.listArtefacts, { query: { model: model.digest } });
    const int8 = items.find(({ precision }) => precision === 'int8') ?? expect.unreachable();
    const detail = await fleet.client.call(api.showArtefact, { params: { digest: int8.digest } });
    const { key } = await fleet.client.call(api.fleetKey, {});
    const document = await verifyDocument(detail.signed, { kind: 'artefact', keys: [key], schema: artefactSchema, maximumBytes: 1e6 });
    expect(document).toMatchObject({
      sourceDigest: model.document.source.digest,
      needs: { opset: 13, operators: expect.arrayContaining(['Conv', 'Cast', 'Mul']) },
      provenance: {
        recipe: { method: 'weights-int8' },
        tools: { starling: expect.any(String), 'onnxruntime-node': '1.30.0', node: process.versions.node },
      },
    });
    expect(detail.materials.map(({ role }) => role)).toEqual(['source', 'artefact', 'golden']);
  });
});

describe('a recipe that makes no sense for a model', () => {
  const codeOf = async (work: Promise<unknown>): Promise<unknown[]> => {
    const error: unknown = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return error instanceof StarlingError ? [error.code, error.field] : [error];
  };

  test('is refused before it is queued, with the field', async () => {
    const model = await push(mapModel(7, { width: 16, layers: 1 }));
    expect(await codeOf(build(model, { method: 'static-int8', target: 'arm' }))).toEqual(['calibration-missing', 'datasets.calibration']);
    expect(await codeOf(build(model, { method: 'weights-int4' }))).toEqual(['recipe-does-not-fit', 'recipe.method']);
    expect(await codeOf(build(model, { method: 'optimised', fixedShapes: { z: [1] } }))).toEqual(['unknown-input', 'recipe.fixedShapes.z']);
    expect(
      await codeOf(fleet.client.call(api.addBuild, { params: { digest: '0'.repeat(64) }, body: { recipe: { method: 'source' } } })),
    ).toEqual(['not-found', 'digest']);
    await fleet.operator.waitForBuilds(model.digest);
  });

  test('a model that was quantised before is taken as it is, and not quantised again', async () => {
    const quantised: GraphSpec = {
      ...mapModel(8, { width: 16, layers: 1 }),
      nodes: [
        { op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 's', 'z'] },
        { op: 'DequantizeLinear', inputs: ['q', 's', 'z'], outputs: ['d'] },
        { op: 'Conv', inputs: ['d', 'k'], outputs: ['c'] },
        { op: 'Sigmoid', inputs: ['c'], outputs: ['y'] },
      ],
      weights: { k: { shape: [1, 3, 1, 1], values: new Float32Array([0.3, 0.3, 0.3]) } },
    };
    const model = await fleet.operator.waitForBuilds((await push(quantised)).digest);
    expect((await jobsOf(model)).map(({ recipe }) => recipe.method)).not.toContain('weights-int8');
    expect(await codeOf(build(model, { method: 'weights-int8' }))).toEqual(['already-quantised', 'recipe.method']);
  });
});
