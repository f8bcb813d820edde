import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, deflateRaw, inflateRaw } from 'node:zlib';
import {
  type BlobManifest,
  type ChunkReference,
  decodeManifestPage,
  paginateManifest,
  readManifest,
  StarlingError,
} from '@starling/shared';
import type { BlobStore, PutOptions, StoredBlob, StoredChunk } from './blob-store.ts';
import { cutStream } from './chunk.ts';
import type { ChunkShelf } from './chunk-shelf.ts';

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Compression has to save at least this share to be worth inflating on a small device. */
const WORTHWHILE_SHARE = 0.03;
/** Trial on the first part: weights rarely shrink, and finding out on all of them would double the time of a push. */
const TRIAL_BYTES = 32 * 1024;

/** Cuts, compresses, names and verifies; the shelf keeps. */
export function createStore(shelf: ChunkShelf): BlobStore {
  const putChunk = async (bytes: Uint8Array): Promise<string> => {
    const digest = sha256(bytes);
    if (!(await shelf.touch(digest))) await shelf.write(digest, await pack(bytes));
    return digest;
  };
  const getChunk = async (digest: string): Promise<Uint8Array<ArrayBuffer>> => {
    const stored = await shelf.read(digest);
    if (stored === undefined) throw missing(digest);
    const bytes = stored.compressed ? await inflateOrNothing(stored) : new Uint8Array(stored.payload);
    if (bytes === undefined || sha256(bytes) !== digest) {
      await shelf.remove(digest);
      throw new StarlingError('chunk-damaged', `chunk ${digest} was damaged ${shelf.place} and has been removed`, {
        hint: 'push the model again',
      });
    }
    return bytes;
  };
  const putStream = (source: AsyncIterable<Uint8Array>, sizeBytes: number, options: PutOptions = {}): Promise<StoredBlob> =>
    storeBlob(putChunk, shelf.atOnce, source, sizeBytes, options);
  const manifestOf = (manifest: string): Promise<BlobManifest> => readManifest(manifest, getChunk);
  const readBlob = async function* (manifest: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { chunks } = await manifestOf(manifest);
    yield* inOrder(chunks, shelf.atOnce, ({ digest }) => getChunk(digest));
  };
  return {
    putChunk,
    getChunk,
    putStream,
    readBlob,
    getStored: shelf.read,
    hasChunk: shelf.has,
    deleteUntouched: shelf.deleteUntouched,
    listChunks: shelf.list,
    putFile: async (path, options) => putStream(createReadStream(path, { highWaterMark: 1 << 20 }), (await stat(path)).size, options),
    readManifest: manifestOf,
    async touch(manifest) {
      const { pages } = decodeManifestPage(await getChunk(manifest));
      const found = await manifestOf(manifest);
      const digests = [manifest, ...pages, ...found.chunks.map((chunk) => chunk.digest)];
      for await (const { digest, isHere } of inOrder(digests, shelf.atOnce, async (each) => ({
        digest: each,
        isHere: await shelf.touch(each),
      }))) {
        if (!isHere) throw missing(digest);
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
      for await (const chunk of shelf.list()) {
        count += 1;
        storedBytes += chunk.storedBytes;
      }
      return { chunks: count, storedBytes };
    },
  };
}

async function storeBlob(
  putChunk: (bytes: Uint8Array) => Promise<string>,
  atOnce: number,
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
    if (writing.size >= atOnce) await Promise.race(writing);
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

/** What the items give, in their order, with some of them under way: a store behind a network answers each late, and many at once. */
async function* inOrder<Item, Result>(
  items: Iterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const underWay: Promise<Result>[] = [];
  for (const item of items) {
    const result = work(item);
    // Whoever stops at the first failure leaves the others to themselves.
    result.catch(() => undefined);
    underWay.push(result);
    if (underWay.length >= atOnce) yield (await underWay.shift()) as Result;
  }
  for (const result of underWay) yield await result;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function pack(bytes: Uint8Array): Promise<StoredChunk> {
  const raw: StoredChunk = { payload: bytes, compressed: false, sizeBytes: bytes.length };
  const options = { level: constants.Z_BEST_SPEED };
  if (bytes.length > 2 * TRIAL_BYTES) {
    const trial = await deflate(bytes.subarray(0, TRIAL_BYTES), options);
    if (trial.length > TRIAL_BYTES * (1 - WORTHWHILE_SHARE)) return raw;
  }
  const packed = await deflate(bytes, options);
  if (packed.length + 4 > bytes.length * (1 - WORTHWHILE_SHARE)) return raw;
  return { payload: packed, compressed: true, sizeBytes: bytes.length };
}

async function inflateOrNothing(stored: StoredChunk): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await inflate(stored.payload, { maxOutputLength: stored.sizeBytes }));
  } catch {
    return undefined;
  }
}

function missing(digest: string): StarlingError {
  return new StarlingError('chunk-missing', `chunk ${digest} is not in the store`);
}

/** Runs what concerns one chunk one after the other: between a look at it and its deletion nobody may take it into use. */
export function createLocks(): <Value>(key: string, work: () => Promise<Value>) => Promise<Value> {
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
