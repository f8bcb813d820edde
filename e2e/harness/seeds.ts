/** A name and how to make a folder -> made once per run of the tests, and copied wherever a suite begins with it. */
import { execFile } from 'node:child_process';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, StarlingError } from '@starling/shared';
import { seedsFolder } from './config.ts';

const POLL_MS = 100;

/**
 * Fills `folder` with what `make` makes. In a run of the tests it is made for the first suite that asks, and the others take copies, so
 * it must be the same for all of them, and nothing may run in it any more once it is made.
 * @param folder must not be there yet
 */
export async function growFromSeed(name: string, folder: string, make: (folder: string) => Promise<void>): Promise<void> {
  const seeds = seedsFolder();
  await mkdir(dirname(folder), { recursive: true });
  if (seeds === undefined) return make(folder);
  const seed = join(seeds, name);
  await madeOnce(seed, make);
  // With modes and times, and where the file system can, without writing a byte.
  await promisify(execFile)('cp', ['-a', seed, folder]);
}

/** Suites run in processes of their own: making a folder is what only one of them manages to do. */
async function madeOnce(seed: string, make: (folder: string) => Promise<void>): Promise<void> {
  const claim = `${seed}.claim`;
  if ((await mkdir(claim, { recursive: false }).catch(refusal)) === 'exists') return untilMade(seed);
  try {
    await make(`${seed}.unfinished`);
    await rename(`${seed}.unfinished`, seed);
  } catch (error) {
    await writeFile(join(claim, 'failed'), messageOf(error));
    throw error;
  } finally {
    await rm(`${seed}.unfinished`, { recursive: true, force: true });
  }
}

async function untilMade(seed: string): Promise<void> {
  while (!(await isThere(seed))) {
    if (await isThere(join(`${seed}.claim`, 'failed'))) throw new StarlingError('seed-failed', `another suite could not make ${seed}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function refusal(error: NodeJS.ErrnoException): 'exists' {
  if (error.code === 'EEXIST') return 'exists';
  throw error;
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
