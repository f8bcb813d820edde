import { setTimeout as delay } from 'node:timers/promises';
import { StarlingError } from '@starling/shared';
import type { BlobStore, StoredChunk } from './blob-store.ts';
import type { ChunkShelf } from './chunk-shelf.ts';
import { createLocks, createStore } from './create-store.ts';
import type { S3Client } from './s3-client.ts';

/** Requests that hide each other's latency, within what one connection pool carries. */
const AT_ONCE = 16;
/** Kind (1 byte: 0 raw, 1 deflate-raw) and length of the raw chunk (4 bytes). */
const HEADER_BYTES = 5;
/** A chunk younger than this is far from the end of its grace: writing it anew would be a request for nothing. */
const RENEW_AFTER_MS = 86_400_000;
/** Whoever deletes gives up this long after it has said so, and whoever waits for it waits a little longer. */
const DYING_MS = 30_000;
const STALE_MS = 2 * DYING_MS;
const LOOK_AGAIN_MS = 250;
/** HTTP dates have whole seconds. */
const DATE_STEP_MS = 1000;
const OWNER_KEY = 'owner';

export interface S3StoreOptions {
  /** Id of the fleet whose garbage collector is to work here; undefined: nothing is deleted. */
  owner?: string | undefined;
  renewAfterMs?: number;
}

/**
 * Chunks as objects: `chunks/ab/<digest>`. None is larger than a chunk (512 KiB), so that an object is written by one request and is
 * there whole or not at all; a large blob is many of them, some under way at once.
 *
 * Several fleet processes may share a bucket. A use and a deletion of one old chunk exclude each other by order: who deletes writes
 * `dying/<digest>` first and then looks how old the chunk is; who uses it renews it first and then looks for that mark. S3 answers with
 * what was written last, so one of the two sees the other.
 */
export async function openS3Store(client: S3Client, { owner, renewAfterMs = RENEW_AFTER_MS }: S3StoreOptions = {}): Promise<BlobStore> {
  // A wrong key, bucket or endpoint is told at the start, not with the first model.
  for await (const _any of client.list('chunks/', 1)) break;
  if (owner !== undefined) await claim(client, owner);
  const keyOf = (digest: string): string => `chunks/${digest.slice(0, 2)}/${digest}`;
  const markOf = (digest: string): string => `dying/${digest}`;
  const exclusively = createLocks();

  const touch = async (digest: string): Promise<boolean> => {
    const found = await client.ageMs(keyOf(digest));
    if (found === undefined) return false;
    if (found.ageMs < renewAfterMs) return true;
    if (!(await client.renew(keyOf(digest)))) return false;
    for (;;) {
      const mark = await client.ageMs(markOf(digest));
      if (mark === undefined || mark.ageMs > STALE_MS) break;
      await delay(LOOK_AGAIN_MS);
    }
    return (await client.ageMs(keyOf(digest))) !== undefined;
  };
  const deleteUntouched = async (digest: string, sinceMs: number): Promise<boolean> => {
    const startedMs = performance.now();
    await client.put(markOf(digest), new Uint8Array());
    try {
      const found = await client.ageMs(keyOf(digest));
      if (found !== undefined && found.writtenAtMs + DATE_STEP_MS > sinceMs) return false;
      if (performance.now() - startedMs > DYING_MS) return false;
      await client.remove(keyOf(digest));
      return true;
    } finally {
      await client.remove(markOf(digest));
    }
  };
  const shelf: ChunkShelf = {
    place: 'in the bucket',
    atOnce: AT_ONCE,
    has: async (digest) => (await client.ageMs(keyOf(digest))) !== undefined,
    touch: (digest) => exclusively(digest, () => touch(digest)),
    write: (digest, chunk) => exclusively(digest, () => client.put(keyOf(digest), bytesOf(chunk))),
    read: async (digest) => chunkOf(await client.get(keyOf(digest))),
    remove: (digest) => client.remove(keyOf(digest)),
    deleteUntouched: (digest, sinceMs) => exclusively(digest, () => deleteUntouched(digest, sinceMs)),
    async *list() {
      for await (const { key, sizeBytes, writtenAtMs } of client.list('chunks/')) {
        yield { digest: key.slice(key.lastIndexOf('/') + 1), storedBytes: sizeBytes, touchedAtMs: writtenAtMs };
      }
    },
  };
  return createStore(shelf);
}

/** What one fleet does not refer to is garbage to it: two fleets in one place would delete each other's models. */
async function claim(client: S3Client, owner: string): Promise<void> {
  if ((await client.get(OWNER_KEY)) === undefined) await client.put(OWNER_KEY, Buffer.from(owner));
  const found = (await client.get(OWNER_KEY))?.toString('utf8');
  if (found === owner) return;
  throw new StarlingError('store-of-another', `the blobs of fleet ${found} lie in this bucket`, {
    field: 'blobStore',
    hint: 'give each fleet a bucket, or a prefix, of its own',
  });
}

function bytesOf({ payload, compressed, sizeBytes }: StoredChunk): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(compressed ? 1 : 0);
  header.writeUInt32BE(sizeBytes, 1);
  return Buffer.concat([header, payload]);
}

function chunkOf(object: Buffer | undefined): StoredChunk | undefined {
  if (object === undefined || object.length < HEADER_BYTES) return undefined;
  return { payload: object.subarray(HEADER_BYTES), compressed: object.readUInt8() === 1, sizeBytes: object.readUInt32BE(1) };
}
