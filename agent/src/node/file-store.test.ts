import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeFileStore } from '../core/ports/file-store.contract.ts';
import { openFileStore } from './file-store.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describeFileStore(
  'a directory',
  async () => {
    const directory = await mkdtemp(join(folder, 'store-'));
    return { open: () => openFileStore(directory) };
  },
  10,
);

test('a directory is its user’s alone, and what a cut write has left is no file', async () => {
  const directory = join(folder, 'private');
  const store = await openFileStore(directory);
  await store.write('a', Uint8Array.of(1));
  expect([(await stat(directory)).mode & 0o777, (await stat(join(directory, 'a'))).mode & 0o777]).toEqual([0o700, 0o600]);
  await writeFile(join(directory, 'b.new'), 'half');
  const next = await openFileStore(directory);
  expect(await next.list('')).toEqual([{ name: 'a', sizeBytes: 1 }]);
  await next.write('b', Uint8Array.of(2));
  expect((await readdir(directory)).sort()).toEqual(['a', 'b']);
});
