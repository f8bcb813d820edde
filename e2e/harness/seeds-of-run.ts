/** Before the tests -> an empty folder for what suites share; after them it is gone. Vitest runs this once, in its own process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setSeedsFolder } from './config.ts';

export async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-seeds-'));
  setSeedsFolder(folder);
  return () => rm(folder, { recursive: true, force: true });
}
