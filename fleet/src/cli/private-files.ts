import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '@starling/shared';
import { cliError } from './errors.ts';

/**
 * Reads a file that only its owner may read. Attack: another account of this machine copies a key or a token.
 * @returns undefined if there is no such file
 * @throws StarlingError `exposed-file`, `bad-file`
 */
export async function readPrivateFile(path: string, field: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw cliError('exposed-file', `${path} has mode ${shown}: others on this machine can read it`, { field, hint: `chmod 600 ${path}` });
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'ENOENT') return undefined;
    if (code === 'exposed-file') throw error;
    throw cliError('bad-file', `${path} cannot be read: ${messageOf(error)}`, { field, cause: error });
  }
}

/**
 * Writes a file of mode 0600 in a directory of mode 0700, whole or not at all.
 * @param replace otherwise a file that is there already stays, and it is an error
 */
export async function writePrivateFile(path: string, text: string, { replace, field }: { replace: boolean; field: string }): Promise<void> {
  const part = `${path}.part`;
  try {
    if (!replace && (await exists(path))) {
      throw cliError('file-exists', `${path} exists already`, { field, hint: 'name another file, or move that one away' });
    }
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rm(part, { force: true });
    await writeFile(part, text, { mode: 0o600, flag: 'wx', flush: true });
    // The umask may have taken bits away, never added any; the owner needs both.
    await chmod(part, 0o600);
    await rename(part, path);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'file-exists') throw error;
    throw cliError('bad-file', `${path} cannot be written: ${messageOf(error)}`, { field, cause: error });
  }
}

/** Puts `next` in the place of `path`, which is kept as `kept`. */
export async function replacePrivateFile(path: string, next: string, kept: string): Promise<void> {
  if (await exists(path)) await rename(path, kept);
  await rename(next, path);
}

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
