import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeBlobStore } from '../core/ports/blob-store.contract.ts';
import { openBlobStore } from './blob-store.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-blobs-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describeBlobStore('a disk', async () => {
  const directory = await mkdtemp(join(folder, 'store-'));
  return { open: () => openBlobStore(directory) };
});

test('what has changed at rest is not given out', async () => {
  const directory = join(folder, 'rest');
  const store = await openBlobStore(directory);
  const bytes = Uint8Array.of(1, 2, 3, 4);
  const digest = await sha256Hex(bytes);
  const partial = await store.openPartial({ digest, sizeBytes: 4, chunks: [{ digest, sizeBytes: 4 }] });
  await partial.write(0, bytes);
  await partial.commit();
  await partial.close();
  await store.putDocument(digest, bytes);
  for (const kind of ['blobs', 'documents']) {
    const file = join(directory, kind, digest);
    await writeFile(file, (await readFile(file)).fill(9, 0, 1));
  }
  expect([await store.verify(digest), await store.has(digest), await store.getDocument(digest)]).toEqual([false, false, undefined]);
});
