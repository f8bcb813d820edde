import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DATASET_FILES_MAXIMUM, packDataset, type TensorPort } from '@starling/shared';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkDataset, openDataset, requireSamplesFit } from './index.ts';

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-datasets-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const FIELD = 'datasets.calibration';
const picture = Buffer.from('89504e470d0a1a0a', 'hex');

/** 2 x 3 floats, as numpy writes them. */
function tensor(shape = '(2, 3)', descr = '<f4', values = 6): Buffer {
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
  return Buffer.concat([head, Buffer.from(`${dictionary}\n`), Buffer.from(new Float32Array(values).buffer)]);
}

async function saved(bytes: Uint8Array): Promise<string> {
  count += 1;
  const file = join(folder, `${count}.zip`);
  await writeFile(file, bytes);
  return file;
}

async function packed(files: Readonly<Record<string, Uint8Array>>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const listed = Object.entries(files).map(([name, bytes]) => ({
    name,
    async *read() {
      for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
    },
  }));
  for await (const piece of packDataset(listed)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const check = async (files: Readonly<Record<string, Uint8Array>>) => checkDataset(await saved(await packed(files)), FIELD);
/** A compressed file of 1,000 bytes that claims to have others: in the central directory, 24 bytes behind the signature. */
function claiming(bytes: number): Buffer {
  const archive = Buffer.from(zipSync({ 'a.png': new Uint8Array(1000) }));
  archive.writeUInt32LE(bytes, archive.indexOf(Buffer.from('504b0102', 'hex')) + 24);
  return archive;
}

const labels = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

describe('a packed data set', () => {
  test('is the same for the same files, in whatever order, on whatever day and in whatever timezone', async () => {
    const first = await packed({ 'b.png': picture, 'a.png': Buffer.from('more'), '.DS_Store': Buffer.from('litter') });
    const second = await packed({ 'a.png': Buffer.from('more'), 'b.png': picture });
    expect(second.equals(first)).toBe(true);
    // Worked out once: another release of the library, or another place, must not give another archive.
    expect(createHash('sha256').update(first).digest('hex')).toMatchInlineSnapshot(
      `"8e53b7cfe5ec24af015aaa82bdb73cef2995d370e1ca4cde8f22928cb1f8c03c"`,
    );
  });

  test('is unpacked with its labels, ordered by name, under names of our own', async () => {
    const files = { 'b.png': Buffer.from('second'), 'a.png': Buffer.from('first'), 'labels.json': labels({ 'a.png': 'cat' }) };
    const archive = await saved(await packed(files));
    expect(await checkDataset(archive, FIELD)).toEqual({ kind: 'images', samples: 2, labels: 1 });
    const dataset = await openDataset(archive, join(folder, 'open'), FIELD);
    expect(dataset.samples.map(({ name, label }) => [name, label])).toEqual([
      ['a.png', 'cat'],
      ['b.png', undefined],
    ]);
    expect(await Promise.all(dataset.samples.map(({ files: { '': file = '' } }) => readFile(file, 'utf8')))).toEqual(['first', 'second']);
    expect(dataset.samples[0]?.files['']).toBe(join(folder, 'open', '0.png'));
  });

  test('of folders holds a tensor for each input; one made elsewhere, compressed, is read as well', async () => {
    const files = { '1/x.npy': tensor(), '1/y.npy': tensor(), '0/x.npy': tensor(), '0/y.npy': tensor(), '0/': new Uint8Array(0) };
    const dataset = await openDataset(await saved(zipSync(files, { level: 9 })), join(folder, 'folders'), FIELD);
    expect(dataset.samples.map(({ name, files: each }) => [name, Object.keys(each)])).toEqual([
      ['0', ['x', 'y']],
      ['1', ['x', 'y']],
    ]);
    expect(await readFile(dataset.samples[1]?.files.y ?? '')).toEqual(tensor());
  });
});

describe('what is wrong with a data set is said by code', () => {
  test.each<[string, Record<string, Uint8Array>, string]>([
    ['no sample', { 'labels.json': labels({}) }, 'dataset-empty'],
    ['images and tensors', { 'a.png': picture, 'b.npy': tensor() }, 'dataset-mixed'],
    ['single tensors and folders', { 'a.npy': tensor(), 'b/x.npy': tensor() }, 'dataset-mixed'],
    ['a folder without an input', { 'a/x.npy': tensor(), 'a/y.npy': tensor(), 'b/x.npy': tensor() }, 'dataset-sample-incomplete'],
    ['a file that is no sample', { 'a.png': picture, 'notes.txt': picture }, 'dataset-unknown-file'],
    ['folders in folders', { 'a/b/x.npy': tensor() }, 'dataset-unknown-file'],
    ['labels that are no JSON', { 'a.png': picture, 'labels.json': Buffer.from('{') }, 'dataset-labels-invalid'],
    ['labels in a list', { 'a.png': picture, 'labels.json': labels(['cat']) }, 'dataset-labels-invalid'],
    ['a label for nothing', { 'a.png': picture, 'labels.json': labels({ 'c.png': 'cat' }) }, 'dataset-label-unknown'],
  ])('%s', async (_what, files, code) => {
    await expect(check(files)).rejects.toMatchObject({ code, field: FIELD, hint: expect.any(String) });
  });

  test.each<[string, () => Promise<Uint8Array>, string]>([
    ['no zip archive', async () => Buffer.from('hello'), 'dataset-not-a-zip'],
    ['an archive that was cut', async () => (await packed({ 'a.png': picture })).subarray(0, 60), 'dataset-not-a-zip'],
    ['a path out of the archive', async () => zipSync({ '../a.png': picture }), 'dataset-unsafe-path'],
    ['a path from the root', async () => zipSync({ '/etc/a.png': picture }), 'dataset-unsafe-path'],
    ['a name with control characters', async () => zipSync({ 'ä\u001b[2J.png': picture }), 'dataset-unsafe-path'],
    ['a backslash', async () => zipSync({ '..\\a.png': picture }), 'dataset-unsafe-path'],
    [
      'too many files',
      async () =>
        zipSync(Object.fromEntries(Array.from({ length: DATASET_FILES_MAXIMUM + 1 }, (_, index) => [`${index}.png`, picture])), {
          level: 0,
        }),
      'dataset-too-large',
    ],
    ['some kilobytes that unpack to 300 MB', async () => claiming(300 * 1024 ** 2), 'dataset-too-large'],
  ])('%s', async (_what, make, code) => {
    await expect(checkDataset(await saved(await make()), FIELD)).rejects.toMatchObject({ code, field: FIELD });
  });

  test('a file whose bytes are not those of its checksum, or longer than it claims', async () => {
    const bytes = await packed({ 'a.png': Buffer.from('abcdefgh') });
    const at = bytes.indexOf('abcdefgh');
    bytes[at] = 0;
    await expect(openDataset(await saved(bytes), join(folder, 'damaged'), FIELD)).rejects.toMatchObject({ code: 'dataset-broken' });
    await expect(openDataset(await saved(claiming(10)), join(folder, 'lying'), FIELD)).rejects.toMatchObject({ code: 'dataset-broken' });
  });
});

describe('tensors that the model does not take', () => {
  const x = { name: 'x', elementType: 'float32', shape: ['n', 3] } as const;
  const inputs: TensorPort[] = [{ ...x, shape: [...x.shape] }];
  const requireFit = async (files: Readonly<Record<string, Uint8Array>>, ports = inputs): Promise<void> => {
    count += 1;
    const dataset = await openDataset(await saved(await packed(files)), join(folder, `fit-${count}`), FIELD);
    await requireSamplesFit(dataset, ports, FIELD);
  };
  test('are named with their sample and input', async () => {
    await requireFit({ 'a.npy': tensor(), 'b.npy': tensor('(7, 3)', '<f4', 21) });
    await requireFit({ 'a/x.npy': tensor() });
    await expect(requireFit({ 'a.npy': tensor(), 'b.npy': tensor('(2, 4)', '<f4', 8) })).rejects.toMatchObject({
      code: 'sample-mismatch',
      field: FIELD,
      message: 'sample "b.npy" gives the input "x" a float32[2, 4], the model takes float32[n, 3]',
    });
    await expect(requireFit({ 'a.npy': tensor('(2, 3)', '<i4') })).rejects.toMatchObject({ code: 'sample-mismatch' });
    await expect(requireFit({ 'a/z.npy': tensor() })).rejects.toMatchObject({
      code: 'sample-mismatch',
      hint: expect.stringContaining('x.npy'),
    });
    const two = [...inputs, { name: 'y', elementType: 'float32' as const, shape: [2, 3] }];
    await expect(requireFit({ 'a.npy': tensor() }, two)).rejects.toMatchObject({ code: 'sample-mismatch' });
    await expect(requireFit({ 'a/x.npy': tensor() }, two)).rejects.toMatchObject({
      code: 'sample-mismatch',
      message: expect.stringContaining('"y"'),
    });
    await expect(requireFit({ 'a.npy': picture })).rejects.toMatchObject({ code: 'sample-broken' });
  });
});
