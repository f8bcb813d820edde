import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Dataset } from '../datasets/index.ts';
import type { Feeds } from './contracts.ts';
import { tensorFeeds } from './tensor-feeds.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-feeds-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A file of two values, as numpy writes it. */
async function npy(name: string, descr: string, values: ArrayBufferView<ArrayBuffer>): Promise<string> {
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': (1, 2), }`.padEnd(117);
  const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
  const file = join(folder, name);
  await writeFile(file, Buffer.concat([head, Buffer.from(`${dictionary}\n`), Buffer.from(values.buffer)]));
  return file;
}

test('tensors become feeds by input, in order, from the first sample each time', async () => {
  const dataset: Dataset = {
    kind: 'tensors',
    samples: [
      {
        name: 'first',
        files: {
          f: await npy('f.npy', '<f4', new Float32Array([1, 2])),
          // The bits of 1 and -2.
          h: await npy('h.npy', '<f2', new Uint16Array([0x3c00, 0xc000])),
          l: await npy('l.npy', '<i8', new BigInt64Array([3n, -4n])),
        },
        label: undefined,
      },
      { name: 'second', files: { f: await npy('f2.npy', '<f4', new Float32Array([5, 6])) }, label: 'x' },
      { name: 'third', files: {}, label: undefined },
    ],
  };
  const inputs = ['f', 'h', 'l'].map((name) => ({ name, elementType: 'float32' as const, shape: [1, 2] }));
  const source = tensorFeeds(dataset, inputs, 'datasets.calibration', 2);
  expect(source.samples).toBe(2);
  for (let round = 0; round < 2; round += 1) {
    const feeds: Feeds[] = [];
    for await (const each of source.feeds()) feeds.push(each);
    expect(feeds.map((each) => Object.keys(each))).toEqual([['f', 'h', 'l'], ['f']]);
    expect(feeds[0]?.f).toMatchObject({ type: 'float32', dims: [1, 2], data: new Float32Array([1, 2]) });
    expect(feeds[0]?.h).toMatchObject({ type: 'float16', dims: [1, 2] });
    expect(Array.from(feeds[0]?.l?.data as BigInt64Array)).toEqual([3n, -4n]);
    expect(feeds[1]?.f?.data).toEqual(new Float32Array([5, 6]));
  }
});
