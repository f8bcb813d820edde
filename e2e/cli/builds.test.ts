import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  artefactDetailSchema,
  artefactListItemSchema,
  buildJobSchema,
  buildLogLineSchema,
  measurePlanItemSchema,
  modelViewSchema,
  pageOf,
} from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openModel, readModel, writeModel, writeModelFile } from '../../fleet/src/artefacts/onnx/index.ts';
import { HUB_COMMIT, HUB_TOKEN, type ModelHub, startModelHub } from '../harness/model-hub.ts';
import { writeOnnx } from '../harness/onnx-file.ts';
import { type FleetProcess, startFleetProcess } from '../harness/processes.ts';
import { loopModel, mapCard, mapModel } from '../harness/small-models.ts';
import { createStarling, type Starling } from './starling.ts';

let folder: string;
let fleet: FleetProcess;
let hub: ModelHub;
let starling: Starling;

const model = writeOnnx(mapModel(3, { width: 96, layers: 2 }));
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const sha256 = digestOf(model);
/** The same model with its data in a file beside it. */
let graph: Buffer;
let data: Buffer;
const work = (...parts: string[]): string => join(folder, 'work', ...parts);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-cli-builds-'));
  await mkdir(work('apart'), { recursive: true });
  writeModelFile(readModel(model), work('apart', 'net.onnx'), { externalData: 'always' });
  graph = await readFile(work('apart', 'net.onnx'));
  data = await readFile(work('apart', 'net.onnx.data'));
  // A name of as many letters, so that the file stays whole.
  const greedy = Buffer.from(graph.toString('latin1').replaceAll('net.onnx.data', '../../dev/pts'), 'latin1');
  await writeFile(work('greedy.onnx'), greedy);
  hub = await startModelHub({
    'apart/net.onnx': { bytes: graph },
    'apart/net.onnx.data': { bytes: data, large: true },
    'alone/net.onnx': { bytes: graph },
    'changed/net.onnx': { bytes: graph },
    'changed/net.onnx.data': { bytes: data, large: true, claimedDigest: 'a'.repeat(64) },
    'greedy/net.onnx': { bytes: greedy },
    'model.onnx': { bytes: model },
    'onnx/large.onnx': { bytes: model, large: true },
    'cut.onnx': { bytes: model, large: true, cutAfterBytes: Math.ceil(model.length / 3) },
    'whole.onnx': { bytes: model, cutAfterBytes: model.length - 10, ignoresRange: true },
    'other.onnx': { bytes: model, large: true, claimedDigest: 'a'.repeat(64) },
    'changed.onnx': { bytes: model, claimedDigest: 'b'.repeat(40) },
    'huge.onnx': { bytes: model, large: true, claimedBytes: 3e9 },
    'endless.onnx': { bytes: model, claimedBytes: 3e9 },
  });
  fleet = await startFleetProcess({ dataDirectory: join(folder, 'fleet'), flags: { 'log-level': 'warn' } });
  starling = createStarling(join(folder, 'config'), work());
  const { email = '', password = '' } = fleet.ready.firstLogin ?? {};
  await starling.run(['login', '--fleet', fleet.ready.addresses.http, '--email', email, '--password-stdin'], { stdin: `${password}\n` });
  await starling.json(['key', 'create', '--root']);
  await writeFile(work('net.onnx'), model);
  await writeFile(work('loop.onnx'), writeOnnx(loopModel(1e12)));
  await writeFile(work('card.yaml'), JSON.stringify(mapCard));
});
afterAll(async () => {
  await hub?.stop();
  await fleet?.stop();
  await rm(folder, { recursive: true, force: true });
});

const named = (name: string, version = '1.0.0'): string[] => ['--name', name, '--version', version];
const push = (file: string, name: string, ...more: string[]): string[] => [
  'model',
  'push',
  file,
  ...named(name),
  '--card',
  'card.yaml',
  ...more,
];

/** Values as numpy writes them. */
function tensor(shape: readonly number[]): Buffer {
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`.padEnd(117);
  const values = new Float32Array(shape.reduce((product, side) => product * side, 1)).fill(0.5);
  const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
  return Buffer.concat([head, Buffer.from(`${dictionary}\n`), Buffer.from(values.buffer)]);
}

async function samples(name: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  await mkdir(work(name), { recursive: true });
  for (const [file, bytes] of Object.entries(files)) await writeFile(work(name, file), bytes);
  return name;
}

describe('builds and artefacts', () => {
  test('are pushed with samples, listed, followed and shown with all that they are made of', async () => {
    const calibration = await samples('calibration', { 'a.npy': tensor([1, 3, 32, 32]), 'b.npy': tensor([1, 3, 32, 32]) });
    const evaluation = await samples('evaluation', {
      'c.npy': tensor([1, 3, 32, 32]),
      'd.npy': tensor([1, 3, 32, 32]),
      '.DS_Store': 'litter',
    });
    const pushed = await starling.run(
      push('net.onnx', 'net', '--calibration', calibration, '--evaluation', evaluation, '--wait', '--json'),
    );
    expect(pushed.exitCode, pushed.stderr).toBe(0);
    expect(pushed.stderr).toMatch(/done pack calibration: 2 samples[\s\S]*done upload calibration set[\s\S]*done build net@1\.0\.0/);
    const view = modelViewSchema.parse(JSON.parse(pushed.stdout));
    expect(view.document.datasets).toMatchObject({ calibration: { name: 'calibration' }, evaluation: { name: 'evaluation' } });

    const builds = pageOf(buildJobSchema).parse(await starling.json(['build', 'ls', '--model', 'net', '--state', 'done']));
    expect(builds.items.map(({ label }) => label)).toEqual(expect.arrayContaining(['source', 'weights-int8']));
    const [build] = builds.items;
    const id = build?.id ?? '';
    expect(buildJobSchema.parse(await starling.json(['build', 'show', id.slice(0, 10), '--watch']))).toMatchObject({ id, state: 'done' });
    expect((await starling.run(['build', 'show', id])).stdout).toMatch(/^state +done$/m);
    const logs = await starling.run(['build', 'logs', id, '--json', '--watch']);
    const lines = logs.stdout
      .trim()
      .split('\n')
      .map((line) => buildLogLineSchema.parse(JSON.parse(line)));
    expect(lines.map(({ sequence }) => sequence)).toEqual(lines.map((_, index) => index + 1));
    expect(lines.map(({ text }) => text).join('\n')).toContain('evaluation set: 2 samples (tensors)');
    expect((await starling.run(['build', 'logs', id, '--lines', '2'])).stdout.trim().split('\n')).toHaveLength(2);
    expect((await starling.run(['build', 'ls', '--watch'])).exitCode).toBe(0);

    const artefacts = pageOf(artefactListItemSchema).parse(await starling.json(['artefact', 'ls', '--model', 'net']));
    expect(artefacts.total).toBe(view.artefacts.length);
    const digest = artefacts.items[0]?.digest ?? '';
    const detail = artefactDetailSchema.parse(await starling.json(['artefact', 'show', digest.slice(0, 12)]));
    expect(detail.materials.map(({ role }) => role)).toEqual(['source', 'evaluation', 'artefact', 'golden']);
    expect(detail.document.provenance).toMatchObject({ evaluationDigest: view.document.datasets?.evaluation?.digest });
    expect((await starling.run(['artefact', 'show', digest])).stdout).toMatch(/^tools .*onnxruntime-node/m);
  });

  test('of a recipe of your own: what fails is said with an exit code of 1, and what makes no sense with 5 or 2', async () => {
    const recipe = ['model', 'build', 'net', '--method'];
    expect(buildJobSchema.parse(await starling.json([...recipe, 'weights-int8', '--wait']))).toMatchObject({ state: 'done', reused: true });
    expect(await starling.failure([...recipe, 'weights-int4'])).toMatchObject({ exitCode: 5, error: { code: 'recipe-does-not-fit' } });
    expect(await starling.failure([...recipe, 'magic'])).toMatchObject({ exitCode: 2, error: { code: 'usage', field: '--method' } });
    expect(await starling.failure([...recipe, 'fp16', '--sparsity', '2'])).toMatchObject({ exitCode: 2, error: { field: '--sparsity' } });
    expect(await starling.failure([...recipe, 'optimised', '--fixed-shapes', 'z=1x3'])).toMatchObject({
      exitCode: 5,
      error: { code: 'unknown-input', field: 'recipe.fixedShapes.z' },
    });
    expect(await starling.failure(['build', 'show', 'zzzz'])).toMatchObject({ exitCode: 4, error: { code: 'not-found', field: 'build' } });
    expect(await starling.failure(['artefact', 'show', 'abcdef'])).toMatchObject({ exitCode: 4, error: { code: 'not-found' } });
  });

  test('with samples of another shape fail with the sample and the input', async () => {
    const wrong = await samples('wrong', { 'a.npy': tensor([1, 3, 32, 32]), 'b.npy': tensor([1, 4, 32, 32]) });
    await starling.json(push('net.onnx', 'wrong', '--calibration', wrong));
    const failed = await starling.failure(['model', 'build', 'wrong', '--method', 'static-int8', '--target', 'arm', '--wait']);
    expect(failed).toMatchObject({ exitCode: 1, error: { code: 'build-failed', field: 'datasets.calibration' } });
    expect(failed.stderr).toContain('sample "b.npy" gives the input "x" a float32[1, 4, 32, 32]');
  });

  test('are cancelled and retried', async () => {
    await starling.json(push('loop.onnx', 'loop'));
    const { items } = pageOf(buildJobSchema).parse(await starling.json(['build', 'ls', '--model', 'loop', '--method', 'source']));
    const id = items[0]?.id ?? '';
    expect(await starling.json(['build', 'cancel', id])).toMatchObject({ id, state: 'cancelled' });
    expect(await starling.failure(['build', 'cancel', id])).toMatchObject({ exitCode: 5, error: { code: 'not-running' } });
    expect(await starling.failure(['build', 'show', id, '--watch'])).toBeDefined();
    expect(await starling.json(['build', 'retry', id])).toMatchObject({ id, state: expect.stringMatching(/queued|running/) });
    expect(await starling.json(['build', 'cancel', id])).toMatchObject({ state: 'cancelled' });
  });
});

test('a model whose data lies beside it is pushed as one file; without the data nothing is', async () => {
  const { files } = writeModelFile(readModel(model), work('apart.onnx'), { externalData: 'always' });
  expect(files).toHaveLength(2);
  const { stdout, stderr, exitCode } = await starling.run(push('apart.onnx', 'apart', '--json'));
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('apart.onnx.data: joined to ') });
  const { document } = modelViewSchema.parse(JSON.parse(stdout));
  const opened = openModel(work('apart.onnx'), { externalDirectory: work() });
  const joined = writeModel(opened.model);
  opened.close();
  expect(document.source).toMatchObject({ digest: createHash('sha256').update(joined).digest('hex'), sizeBytes: joined.length });
  await rm(work('apart.onnx.data'));
  const failed = await starling.failure(push('apart.onnx', 'apart'));
  expect(failed).toMatchObject({ exitCode: 2, error: { code: 'external-data-missing', field: 'file' } });
  expect(failed.stderr).toMatch(/^fix: put the file beside the model/m);
});

test('a model whose weights shall be apart is pushed as two files, of which one names the other', async () => {
  const { stdout, stderr, exitCode } = await starling.run(push('net.onnx', 'two-files', '--weights-apart', '--wait', '--json'));
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('net.onnx is sent in two: its graph, ') });
  const { document, artefacts } = modelViewSchema.parse(JSON.parse(stdout));
  const source = artefacts.find(({ optimisation }) => optimisation === 'none');
  expect(source?.document).toMatchObject({ critical: ['weights'], blob: document.source, weights: document.weights });
  expect(source?.sizeBytes).toBe(document.source.sizeBytes + (document.weights?.sizeBytes ?? 0));
  const detail = artefactDetailSchema.parse(await starling.json(['artefact', 'show', source?.digest ?? '']));
  expect(detail.materials.filter(({ role }) => role === 'weights').map(({ digest }) => digest)).toEqual(
    new Array(2).fill(document.weights?.digest),
  );
});

test('what is to be measured is listed, and a fleet that measures nothing by itself says so', async () => {
  const plan = pageOf(measurePlanItemSchema).parse(await starling.json(['benchmark', 'plan', '--model', 'net']));
  expect(plan.items).toEqual([]);
  expect((await starling.run(['benchmark', 'plan'])).stderr).toContain('measureDevicesPerProfile is 0');
  expect(await starling.failure(['benchmark', 'plan', '--model', 'nothing'])).toMatchObject({ exitCode: 4, error: { code: 'not-found' } });
});

describe('samples that are none', () => {
  test.each<[string, Record<string, Uint8Array | string>, string]>([
    ['nothing in it', {}, 'dataset-empty'],
    ['a stray file', { 'a.npy': tensor([1]), 'notes.txt': 'x' }, 'dataset-unknown-file'],
    ['labels for nothing', { 'a.npy': tensor([1]), 'labels.json': '{"z.npy": 1}' }, 'dataset-label-unknown'],
  ])('%s: said before anything is sent', async (what, files, code) => {
    const directory = await samples(what.replaceAll(' ', '-'), files);
    const failed = await starling.failure(push('net.onnx', 'none', '--calibration', directory));
    expect(failed).toMatchObject({ error: { code, field: '--calibration' } });
    expect(failed.stderr).not.toContain('upload');
  });

  test('no directory; images without a pipeline', async () => {
    expect(await starling.failure(push('net.onnx', 'none', '--calibration', 'nowhere'))).toMatchObject({
      exitCode: 2,
      error: { code: 'bad-file', field: '--calibration' },
    });
    const images = await samples('images', { 'a.png': 'x' });
    expect(await starling.failure(push('net.onnx', 'none', '--calibration', images))).toMatchObject({
      exitCode: 5,
      error: { code: 'pipeline-missing', field: 'card.evaluation.pipeline' },
    });
  });
});

describe('a model that lies elsewhere', () => {
  const fetchModel = (source: string, name: string, environment: Record<string, string> = {}, ...more: string[]) =>
    starling.run(['model', 'import', source, ...named(name), '--example-shapes', 'x=1x3x32x32', '--json', ...more], {
      environment: { HF_ENDPOINT: hub.url, HF_TOKEN: '', ...environment },
    });
  const originOf = (stdout: string) => modelViewSchema.parse(JSON.parse(stdout)).document.card;

  test('is imported from a hub, with commit, hash and licence', async () => {
    const ended = await fetchModel('hf://old/name/onnx/large.onnx', 'from-hub', { HF_TOKEN: HUB_TOKEN });
    expect(ended.exitCode, ended.stderr).toBe(0);
    expect(originOf(ended.stdout)).toMatchObject({
      licence: 'apache-2.0',
      title: 'from-hub',
      origin: { address: 'hf://old/name/onnx/large.onnx', revision: HUB_COMMIT, sha256, licence: 'apache-2.0' },
    });
    // The token is for the hub, not for whoever keeps the bytes.
    expect(new Set(hub.requests.filter(({ at }) => at === 'storage').map(({ authorization }) => authorization))).toEqual(
      new Set([undefined]),
    );
    expect(hub.requests.some(({ at, authorization }) => at === 'hub' && authorization === `Bearer ${HUB_TOKEN}`)).toBe(true);
  });

  test('goes on where a transfer broke off, and begins again where it cannot', async () => {
    const ended = await fetchModel('hf://owner/name/cut.onnx@main', 'cut');
    expect(ended.exitCode, ended.stderr).toBe(0);
    expect(ended.stderr).toContain('broke off after');
    const parts = hub.requests.filter(({ path, method }) => path === '/cut.onnx' && method === 'GET').map(({ range }) => range);
    expect(parts.length).toBeGreaterThanOrEqual(3);
    expect(parts[0]).toBeUndefined();
    expect(parts.slice(1).every((range) => /^bytes=[1-9]/.test(range ?? ''))).toBe(true);
  });

  test('or at an address, or on this disk', async () => {
    const address = `${hub.url}/owner/name/resolve/${HUB_COMMIT}/model.onnx?key=secret`;
    const ended = await fetchModel(address, 'from-address', {}, '--licence', 'MIT', '--sha256', sha256);
    expect(ended.exitCode, ended.stderr).toBe(0);
    expect(originOf(ended.stdout)).toMatchObject({ licence: 'MIT', origin: { address: address.split('?')[0], sha256 } });
    const local = await fetchModel('net.onnx', 'from-disk', {}, '--licence', 'MIT');
    expect(originOf(local.stdout)).toMatchObject({ origin: { address: 'file:net.onnx', sha256 } });
    const audit = (await starling.json(['audit', 'ls', '--all'])) as { items: { subject: string; detail: unknown }[] };
    expect(audit.items.find(({ subject }) => subject === 'from-address@1.0.0')?.detail).toMatchObject({ origin: { sha256 } });
  });

  test('comes with the file in which it keeps its data, of the same commit, and is joined', async () => {
    const address = `${hub.url}/owner/name/resolve/${HUB_COMMIT}/apart/net.onnx`;
    const origin = { sha256: digestOf(graph), data: [{ file: 'net.onnx.data', sha256: digestOf(data) }] };
    const whole = writeModel(openModel(work('apart', 'net.onnx'), { externalDirectory: work('apart') }).model);
    for (const [source, name] of [
      ['hf://owner/name/apart/net.onnx@main', 'apart-hub'],
      [address, 'apart-address'],
      ['apart/net.onnx', 'apart-disk'],
    ] as const) {
      const ended = await fetchModel(source, name, {}, '--licence', 'MIT');
      expect(ended.exitCode, ended.stderr).toBe(0);
      const { document } = modelViewSchema.parse(JSON.parse(ended.stdout));
      expect(document).toMatchObject({ source: { digest: digestOf(whole) }, card: { origin } });
    }
    expect(hub.requests.filter(({ path }) => path.endsWith(`/resolve/${HUB_COMMIT}/apart/net.onnx.data`))).not.toEqual([]);
  });

  test.each<[string, string, string[], number, string]>([
    ['keeps its data in a file that is not there', 'hf://owner/name/alone/net.onnx', [], 4, 'import-not-found'],
    ['keeps its data in a file that is not what the hub says', 'hf://owner/name/changed/net.onnx', [], 5, 'import-hash-differs'],
    ['asks for a file out of its folder', 'hf://owner/name/greedy/net.onnx', [], 2, 'external-data-path'],
    ['asks for a file out of its folder on this disk', 'greedy.onnx', [], 2, 'external-data-path'],
    ['is not there', 'hf://owner/name/nothing.onnx', [], 4, 'import-not-found'],
    ['is of a revision that is not there', 'hf://owner/name/model.onnx@v9', [], 4, 'import-not-found'],
    ['asks for a login', 'hf://owner/gated/model.onnx', [], 3, 'import-forbidden'],
    ['is not what the hub says (SHA-256)', 'hf://owner/name/other.onnx', [], 5, 'import-hash-differs'],
    ['is not what the hub says (git)', 'hf://owner/name/changed.onnx', [], 5, 'import-hash-differs'],
    ['is not what was expected', 'hf://owner/name/model.onnx', ['--sha256', '0'.repeat(64)], 5, 'import-hash-differs'],
    ['is too large, as the hub says', 'hf://owner/name/huge.onnx', [], 5, 'import-too-large'],
    ['is too large, as its length says', 'hf://owner/name/endless.onnx', [], 5, 'import-too-large'],
    ['breaks off whatever is asked', 'hf://owner/name/whole.onnx', [], 6, 'import-cut'],
    ['has no file name', 'hf://owner/name', [], 2, 'bad-source'],
    ['is of another protocol', 'ftp://example.org/x.onnx', [], 2, 'bad-source'],
    ['comes over plain HTTP', 'http://example.org/x.onnx', [], 2, 'insecure-address'],
    ['has a password in its address', 'https://me:secret@example.org/x.onnx', [], 2, 'bad-source'],
  ])('is refused when it %s', async (_what, source, more, exitCode, code) => {
    const ended = await fetchModel(source, 'refused', {}, ...more);
    expect([ended.exitCode, JSON.parse(ended.stdout)]).toMatchObject([exitCode, { error: { code, field: 'source' } }]);
    expect(ended.stderr).toMatch(/^fix: /m);
  });

  test('is refused without a licence, and for a name that is taken before a byte is fetched', async () => {
    const unlicensed = await fetchModel('net.onnx', 'unlicensed');
    expect([unlicensed.exitCode, JSON.parse(unlicensed.stdout)]).toMatchObject([2, { error: { field: '--licence' } }]);
    await starling.json(push('net.onnx', 'taken'));
    const before = hub.requests.length;
    const taken = await fetchModel('hf://owner/name/model.onnx', 'taken');
    expect([taken.exitCode, JSON.parse(taken.stdout)]).toMatchObject([5, { error: { code: 'version-exists' } }]);
    expect(hub.requests.length).toBe(before);
  });
});
