import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Ids } from './ports.ts';

/** A random secret that stays the same over restarts, in a file that only this user may read. */
export async function readSecret(file: string, ids: Ids): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    const secret = Buffer.from(ids.bytes(32)).toString('base64url');
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, secret, { mode: 0o600 });
    return secret;
  }
}
