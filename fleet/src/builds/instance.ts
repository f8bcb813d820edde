import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ids } from '../ports.ts';

/** The name of this data directory in leases, the same after every start: what it held before belongs to a process that has ended. */
export async function readInstance(directory: string, ids: Ids): Promise<string> {
  const file = join(directory, 'instance-id');
  const known = await readFile(file, 'utf8').catch(() => '');
  if (/^[a-z2-7]{26}$/.test(known)) return known;
  const made = ids.next();
  await writeFile(file, made, { mode: 0o600 });
  return made;
}
