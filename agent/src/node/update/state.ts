import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonDecode, jsonEncode } from '@starling/shared';
import { z } from 'zod';
import { writeDurably } from '../file-store.ts';

const buildSchema = z.object({ version: z.string(), issuedAtMs: z.number(), folder: z.string() });
export type InstalledBuild = z.infer<typeof buildSchema>;

const stateSchema = z.object({
  /** The build that runs; null: the one that was installed by hand. */
  current: buildSchema.nullable(),
  /** How often it was started without having been well. */
  starts: z.number().int(),
  trial: buildSchema.extend({ command: z.string(), hasRelease: z.boolean(), attempts: z.number().int() }).nullable(),
  /** What came of the newest update, until the next one. */
  last: z.object({ command: z.string(), version: z.string(), before: z.string().nullable(), failure: z.string().nullable() }).nullable(),
});
export type UpdateState = z.infer<typeof stateSchema>;

const FILE = 'agent-update.json';
/** Written by a build on trial alone, where everything else is written by whoever watches over it. */
const HEALTHY_FILE = 'agent-update-healthy';
export const BUILDS_FOLDER = 'agents';

export const noUpdate: UpdateState = { current: null, starts: 0, trial: null, last: null };

export async function readUpdateState(directory: string): Promise<UpdateState> {
  const bytes = await readFile(join(directory, FILE)).catch(() => undefined);
  return bytes === undefined ? noUpdate : jsonDecode(bytes, stateSchema);
}

export async function writeUpdateState(directory: string, state: UpdateState): Promise<void> {
  await writeDurably(directory, FILE, jsonEncode(state));
}

export async function sayHealthy(directory: string, mark: string): Promise<void> {
  await writeDurably(directory, HEALTHY_FILE, new TextEncoder().encode(mark));
}

/** @param mark of this very try: one of before may still be ending, and write */
export async function isHealthy(directory: string, mark: string): Promise<boolean> {
  return (await readFile(join(directory, HEALTHY_FILE), 'utf8').catch(() => '')) === mark;
}

export async function forgetHealthy(directory: string): Promise<void> {
  await rm(join(directory, HEALTHY_FILE), { force: true });
}
