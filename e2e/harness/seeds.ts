/** A name and how to make a folder -> made once per run of the tests, and copied wherever a suite begins with it. */
import { execFile } from 'node:child_process';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
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

/** Suites run in processes of their own: making a folder is what only one of them manages to do. The others wait for what it makes. */
async function madeOnce(seed: string, make: (folder: string) => Promise<void>): Promise<void> {
  const claim = `${seed}.claim`;
  while (!(await isThere(seed))) {
    if (await isMadeHere(claim)) return makeWhole(seed, claim, make);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function makeWhole(seed: string, claim: string, make: (folder: string) => Promise<void>): Promise<void> {
  const unfinished = `${seed}.unfinished`;
  try {
    await make(unfinished);
    await rename(unfinished, seed);
  } catch (error) {
    // Another suite may do better.
    await rm(unfinished, { recursive: true, force: true });
    await rm(claim, { recursive: true });
    throw error;
  }
}

/** Whether this call has made the folder. */
export async function isMadeHere(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
