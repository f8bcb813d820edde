/** Before the tests -> an empty folder for what suites and their processes share; after them it is gone. Vitest runs this once. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seedsFolder, shareFolders } from './config.ts';

export async function setup(): Promise<() => Promise<void>> {
  // Each project of the tests asks, and a run inside a run: one folder serves all.
  if (seedsFolder() !== undefined) return async () => undefined;
  const folder = await mkdtemp(join(tmpdir(), 'starling-tests-'));
  await mkdir(join(folder, 'seeds'));
  shareFolders({ seeds: join(folder, 'seeds'), compiled: join(folder, 'compiled') });
  // Processes that are ending still write what they have compiled.
  return () => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
