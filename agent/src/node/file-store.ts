import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, StarlingError } from '@starling/shared';
import type { FileStore } from '../core/ports/file-store.ts';

/** Files in one directory, flushed to the disk before a call returns: the file, and the directory that names it. */
export async function openFileStore(directory: string): Promise<FileStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const known = new Set(await readdir(directory));
  return {
    async read(name) {
      return known.has(name) ? new Uint8Array(await readFile(join(directory, name))) : undefined;
    },
    async write(name, bytes) {
      await writeDurably(directory, name, bytes);
      known.add(name);
    },
    async append(name, bytes) {
      await durably(async () => {
        await writeAndSync(join(directory, name), 'a', bytes);
        if (!known.has(name)) await syncDirectory(directory);
      });
      known.add(name);
    },
    async list(prefix) {
      const names = [...known].filter((name) => name.startsWith(prefix) && !name.endsWith('.new'));
      return Promise.all(names.map(async (name) => ({ name, sizeBytes: (await stat(join(directory, name))).size })));
    },
    async remove(name) {
      known.delete(name);
      await rm(join(directory, name), { force: true });
    },
  };
}

/** A file that only its user may read, whole or as it was before, whatever happens meanwhile. @throws StarlingError `disk-full`, `disk-failed` */
export async function writeDurably(directory: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(directory, `${name}.new`);
  await durably(async () => {
    // One that a crash has left keeps the mode that it was made with.
    await rm(temporary, { force: true });
    await writeAndSync(temporary, 'w', bytes);
    await rename(temporary, join(directory, name));
    await syncDirectory(directory);
  });
}

async function writeAndSync(path: string, flags: 'w' | 'a', bytes: Uint8Array): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** A rename is only durable when its directory is. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws StarlingError `disk-full`, `disk-failed` */
export async function durably(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof StarlingError) throw cause;
    const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC';
    throw new StarlingError(full ? 'disk-full' : 'disk-failed', messageOf(cause), {
      retryable: true,
      cause,
      ...(full ? { hint: 'free space on the device' } : {}),
    });
  }
}
