import type { Stats } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, StarlingError } from '@starling/shared';
import type { Clock, Ids } from '../ports.ts';
import type { BlobStore, StoredChunk } from './blob-store.ts';
import type { ChunkShelf } from './chunk-shelf.ts';
import { createLocks, createStore } from './create-store.ts';

/** Chunks written, or read ahead, at once. */
const AT_ONCE = 4;
/** Length of the raw chunk, before what is compressed. */
const HEADER_BYTES = 4;

/** No chunk takes so long to write: what is older was left by a process that ended. */
const HALF_WRITTEN_MS = 3_600_000;

export interface DiskStorePorts {
  clock: Clock;
  ids: Ids;
  /** Other processes write to it as well. */
  isShared?: boolean;
}

/**
 * Chunks as files: `chunks/ab/<digest>` raw, `chunks/ab/<digest>.z` as raw length (4 bytes) and deflate-raw. A file appears by rename
 * after its bytes are on disk, so what has a name is whole.
 */
export async function openDiskStore(directory: string, { clock, ids, isShared = false }: DiskStorePorts): Promise<BlobStore> {
  const chunks = join(directory, 'chunks');
  const incoming = join(directory, 'incoming');
  // Whatever a crash left half written has no name yet and is worth nothing.
  if (isShared) await removeOld(incoming, clock.nowMs() - HALF_WRITTEN_MS);
  else await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming, { recursive: true });
  await mkdir(chunks, { recursive: true });
  const pathOf = (digest: string): string => join(chunks, digest.slice(0, 2), digest);
  const filesOf = (digest: string): string[] => [pathOf(digest), `${pathOf(digest)}.z`];
  const exclusively = createLocks();
  const remove = async (digest: string): Promise<void> => {
    for (const file of filesOf(digest)) await rm(file, { force: true });
  };

  const shelf: ChunkShelf = {
    place: 'on disk',
    atOnce: AT_ONCE,
    remove,
    has: async (digest) => (await succeeds(access(pathOf(digest)))) || (await succeeds(access(`${pathOf(digest)}.z`))),
    touch: (digest) =>
      exclusively(digest, async () => {
        const now = new Date(clock.nowMs());
        for (const file of filesOf(digest)) if (await succeeds(utimes(file, now, now))) return true;
        return false;
      }),
    // A sweep that has seen no chunk here must not delete the one that comes now.
    write: (digest, chunk) =>
      exclusively(digest, () => {
        const path = chunk.compressed ? `${pathOf(digest)}.z` : pathOf(digest);
        return writeDurably(join(incoming, ids.next()), path, bytesOf(chunk), new Date(clock.nowMs()));
      }),
    async read(digest) {
      const path = pathOf(digest);
      const raw = await readIfThere(path);
      if (raw !== undefined) return { payload: raw, compressed: false, sizeBytes: raw.length };
      const packed = await readIfThere(`${path}.z`);
      if (packed === undefined) return undefined;
      return { payload: packed.subarray(HEADER_BYTES), compressed: true, sizeBytes: packed.readUInt32BE(0) };
    },
    deleteUntouched: (digest, sinceMs) =>
      exclusively(digest, async () => {
        for (const file of filesOf(digest)) if (((await statIfThere(file))?.mtimeMs ?? 0) >= sinceMs) return false;
        await remove(digest);
        return true;
      }),
    async *list() {
      for (const shard of await readdir(chunks)) {
        for (const file of await readdir(join(chunks, shard))) {
          const found = await statIfThere(join(chunks, shard, file));
          if (found !== undefined) yield { digest: file.replace(/\.z$/, ''), storedBytes: found.size, touchedAtMs: found.mtimeMs };
        }
      }
    },
  };
  return createStore(shelf);
}

function bytesOf({ payload, compressed, sizeBytes }: StoredChunk): Uint8Array {
  if (!compressed) return payload;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(sizeBytes);
  return Buffer.concat([header, payload]);
}

/** @throws StarlingError `disk-full`, `store-failed` */
async function removeOld(folder: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const file = join(folder, name);
    if (((await statIfThere(file))?.mtimeMs ?? beforeMs) < beforeMs) await rm(file, { force: true });
  }
}

async function writeDurably(temporary: string, path: string, bytes: Uint8Array, writtenAt: Date): Promise<void> {
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.utimes(writtenAt, writtenAt);
      await file.sync();
    } finally {
      await file.close();
    }
    await mkdir(join(path, '..'), { recursive: true });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC';
    throw new StarlingError(full ? 'disk-full' : 'store-failed', `a chunk could not be stored: ${messageOf(cause)}`, {
      retryable: true,
      cause,
      ...(full ? { hint: 'free space on the disk of the fleet' } : {}),
    });
  }
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined);
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch {
    return undefined;
  }
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
