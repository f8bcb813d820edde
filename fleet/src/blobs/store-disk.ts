import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, type Stats } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, deflateRaw, inflateRaw } from 'node:zlib';
import {
  type BlobManifest,
  type ChunkReference,
  decodeManifestPage,
  messageOf,
  paginateManifest,
  readManifest,
  StarlingError,
} from '@starling/shared';
import type { Clock, Ids } from '../ports.ts';
import type { BlobStore, PutOptions, StoredBlob, StoredChunk } from './blob-store.ts';
import { cutStream } from './chunk.ts';

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Compression has to save at least this share to be worth inflating on a small device. */
const WORTHWHILE_SHARE = 0.03;
/** Trial on the first part: weights rarely shrink, and finding out on all of them would double the time of a push. */
const TRIAL_BYTES = 32 * 1024;
/** Chunks written at once. */
const WRITES_AT_ONCE = 4;

export interface DiskStorePorts {
  clock: Clock;
  ids: Ids;
}

/**
 * Chunks as files: `chunks/ab/<digest>` raw, `chunks/ab/<digest>.z` as raw length (4 bytes) and deflate-raw. A file appears by rename
 * after its bytes are on disk, so what has a name is whole.
 */
export async function openDiskStore(directory: string, { clock, ids }: DiskStorePorts): Promise<BlobStore> {
  const chunks = join(directory, 'chunks');
  const incoming = join(directory, 'incoming');
  // Whatever a crash left half written has no name yet and is worth nothing.
  await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming, { recursive: true });
  await mkdir(chunks, { recursive: true });
  const pathOf = (digest: string): string => join(chunks, digest.slice(0, 2), digest);
  const filesOf = (digest: string): string[] => [pathOf(digest), `${pathOf(digest)}.z`];
  const exclusively = createLocks();

  /** A new use of an old chunk protects it from a sweep that is under way. @returns whether the chunk is here */
  const touchChunk = (digest: string): Promise<boolean> =>
    exclusively(digest, async () => {
      const now = new Date(clock.nowMs());
      for (const file of filesOf(digest)) if (await succeeds(utimes(file, now, now))) return true;
      return false;
    });
  const putChunk = async (bytes: Uint8Array): Promise<string> => {
    const digest = sha256(bytes);
    if (await touchChunk(digest)) return digest;
    const compressed = await compress(bytes);
    const path = compressed === undefined ? pathOf(digest) : `${pathOf(digest)}.z`;
    // A sweep that has seen no chunk here must not delete the one that comes now.
    await exclusively(digest, () => writeDurably(join(incoming, ids.next()), path, compressed ?? bytes, new Date(clock.nowMs())));
    return digest;
  };
  const getStored = async (digest: string): Promise<StoredChunk | undefined> => {
    const path = pathOf(digest);
    const raw = await readIfThere(path);
    if (raw !== undefined) return { payload: raw, compressed: false, sizeBytes: raw.length };
    const packed = await readIfThere(`${path}.z`);
    if (packed === undefined) return undefined;
    return { payload: packed.subarray(4), compressed: true, sizeBytes: packed.readUInt32BE(0) };
  };
  const getChunk = async (digest: string): Promise<Uint8Array<ArrayBuffer>> => {
    const stored = await getStored(digest);
    if (stored === undefined) throw missing(digest);
    const bytes = stored.compressed ? await inflateOrNothing(stored) : new Uint8Array(stored.payload);
    if (bytes === undefined || sha256(bytes) !== digest) {
      await deleteChunk(digest);
      throw new StarlingError('chunk-damaged', `chunk ${digest} was damaged on disk and has been removed`, {
        hint: 'push the model again',
      });
    }
    return bytes;
  };
  const deleteChunk = async (digest: string): Promise<void> => {
    for (const file of filesOf(digest)) await rm(file, { force: true });
  };
  const deleteUntouched = (digest: string, sinceMs: number): Promise<boolean> =>
    exclusively(digest, async () => {
      for (const file of filesOf(digest)) if (((await statIfThere(file))?.mtimeMs ?? 0) >= sinceMs) return false;
      await deleteChunk(digest);
      return true;
    });
  const putStream = (source: AsyncIterable<Uint8Array>, sizeBytes: number, options: PutOptions = {}): Promise<StoredBlob> =>
    storeBlob(putChunk, source, sizeBytes, options);
  const manifestOf = (manifest: string): Promise<BlobManifest> => readManifest(manifest, getChunk);
  const readBlob = async function* (manifest: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (const chunk of (await manifestOf(manifest)).chunks) yield await getChunk(chunk.digest);
  };
  const listChunks = async function* (): ReturnType<BlobStore['listChunks']> {
    for (const shard of await readdir(chunks)) {
      for (const file of await readdir(join(chunks, shard))) {
        const found = await statIfThere(join(chunks, shard, file));
        if (found !== undefined) yield { digest: file.replace(/\.z$/, ''), storedBytes: found.size, touchedAtMs: found.mtimeMs };
      }
    }
  };
  return {
    putChunk,
    getChunk,
    getStored,
    deleteUntouched,
    putStream,
    readBlob,
    listChunks,
    hasChunk: async (digest) => (await succeeds(access(pathOf(digest)))) || (await succeeds(access(`${pathOf(digest)}.z`))),
    putFile: async (path, options) => putStream(createReadStream(path, { highWaterMark: 1 << 20 }), (await stat(path)).size, options),
    readManifest: manifestOf,
    async touch(manifest) {
      const { pages } = decodeManifestPage(await getChunk(manifest));
      const found = await manifestOf(manifest);
      for (const digest of [manifest, ...pages, ...found.chunks.map((chunk) => chunk.digest)]) {
        if (!(await touchChunk(digest))) throw missing(digest);
      }
      return found;
    },
    async reachable(manifest) {
      const top = decodeManifestPage(await getChunk(manifest));
      const { chunks: listed } = await manifestOf(manifest);
      return new Set([manifest, ...top.pages, ...listed.map((chunk) => chunk.digest)]);
    },
    exportFile: (manifest, path) => pipeline(Readable.from(readBlob(manifest)), createWriteStream(path, { mode: 0o600 })),
    async totals() {
      let count = 0;
      let storedBytes = 0;
      for await (const chunk of listChunks()) {
        count += 1;
        storedBytes += chunk.storedBytes;
      }
      return { chunks: count, storedBytes };
    },
  };
}

async function storeBlob(
  putChunk: (bytes: Uint8Array) => Promise<string>,
  source: AsyncIterable<Uint8Array>,
  sizeBytes: number,
  { regions, onProgress, signal }: PutOptions,
): Promise<StoredBlob> {
  const whole = createHash('sha256');
  const listed: ChunkReference[] = [];
  const writing = new Set<Promise<unknown>>();
  let done = 0;
  for await (const bytes of cutStream(source, sizeBytes, regions)) {
    signal?.throwIfAborted();
    whole.update(bytes);
    listed.push({ digest: sha256(bytes), sizeBytes: bytes.length });
    const write = putChunk(bytes).finally(() => writing.delete(write));
    writing.add(write);
    if (writing.size >= WRITES_AT_ONCE) await Promise.race(writing);
    done += bytes.length;
    onProgress?.(done, sizeBytes);
  }
  await Promise.all(writing);
  const digest = whole.digest('hex');
  let manifest = '';
  for (const page of await paginateManifest({ digest, sizeBytes: done, chunks: listed }, async (bytes) => sha256(bytes))) {
    manifest = await putChunk(page.bytes);
  }
  return { digest, sizeBytes: done, manifest };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function compress(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const options = { level: constants.Z_BEST_SPEED };
  if (bytes.length > 2 * TRIAL_BYTES) {
    const trial = await deflate(bytes.subarray(0, TRIAL_BYTES), options);
    if (trial.length > TRIAL_BYTES * (1 - WORTHWHILE_SHARE)) return undefined;
  }
  const packed = await deflate(bytes, options);
  if (packed.length + 4 > bytes.length * (1 - WORTHWHILE_SHARE)) return undefined;
  const header = Buffer.alloc(4);
  header.writeUInt32BE(bytes.length);
  return Buffer.concat([header, packed]);
}

async function inflateOrNothing(stored: StoredChunk): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await inflate(stored.payload, { maxOutputLength: stored.sizeBytes }));
  } catch {
    return undefined;
  }
}

/** @throws StarlingError `disk-full`, `store-failed` */
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

function missing(digest: string): StarlingError {
  return new StarlingError('chunk-missing', `chunk ${digest} is not in the store`);
}

/** Runs what concerns one chunk one after the other: between a look at its file and its deletion nobody may take it into use. */
function createLocks(): <Value>(key: string, work: () => Promise<Value>) => Promise<Value> {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const done = (last.get(key) ?? Promise.resolve()).then(work);
    const ended: Promise<unknown> = done.then(
      () => undefined,
      () => undefined,
    );
    last.set(key, ended);
    ended.then(() => {
      if (last.get(key) === ended) last.delete(key);
    });
    return done;
  };
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
