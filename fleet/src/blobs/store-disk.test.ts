import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '../clock.ts';
import { systemIds } from '../ids.ts';
import { describeBlobStore } from './blob-store.contract.ts';
import { openDiskStore } from './store-disk.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-disk-store-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describeBlobStore('a disk', async () => {
  const directory = await mkdtemp(join(folder, 'store-'));
  // A process has its data directory to itself: its lives share one store.
  const store = openDiskStore(join(directory, 'blobs'), { clock: systemClock, ids: systemIds });
  return { open: () => store, file: () => join(directory, systemIds.next()) };
});
