import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { BlobStore } from './blob-store.ts';
import { sha256 } from './create-store.ts';

const inflate = promisify(inflateRaw);

/** One store and its later lives, as after a restart of the fleet. */
export interface BlobStoreLives {
  open(): Promise<BlobStore>;
  /** A path for a file that does not exist yet. */
  file(): string;
}

/** Far after whatever was stored: stores may keep times by a clock of their own. */
const LATER_MS = Date.UTC(2100, 0, 1);
const LONG_AGO_MS = Date.UTC(2000, 0, 1);

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

/** Bytes that do not compress, the same for one seed. */
function noise(seed: number, length: number): Uint8Array {
  let state = seed * 2_654_435_761;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return state >>> 24;
  });
}
const text = (seed: number): Uint8Array => new TextEncoder().encode(`chunk ${seed}`.repeat(500));

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What models, releases, the chunk server, backups and the garbage collector rely on. @param fresh an empty store of its own */
export function describeBlobStore(what: string, fresh: () => Promise<BlobStoreLives>): void {
  describe(`${what} as a blob store`, () => {
    test('gives blobs back as they came, in a later life too, as a stream and as a file', async () => {
      const lives = await fresh();
      const store = await lives.open();
      const bytes = noise(1, 3_000_000);
      const progress: number[] = [];
      const blob = await store.putStream(streamOf(bytes), bytes.length, { onProgress: (done) => void progress.push(done) });
      expect(blob).toMatchObject({ digest: sha256(bytes), sizeBytes: bytes.length });
      expect(progress.at(-1)).toBe(bytes.length);
      const later = await lives.open();
      expect(sha256(await collect(later.readBlob(blob.manifest)))).toBe(blob.digest);
      const file = lives.file();
      await later.exportFile(blob.manifest, file);
      expect(sha256(await readFile(file))).toBe(blob.digest);
      expect(await later.putFile(file)).toEqual(blob);
      const { chunks } = await later.readManifest(blob.manifest);
      expect(chunks.length).toBeGreaterThan(5);
      expect(await later.reachable(blob.manifest)).toEqual(new Set([blob.manifest, ...chunks.map(({ digest }) => digest)]));
    });

    test('keeps equal chunks once, compressed where that is worth it, and names them by what is in them', async () => {
      const store = await (await fresh()).open();
      const digests = await Promise.all([store.putChunk(text(1)), store.putChunk(text(1)), store.putChunk(noise(2, 50_000))]);
      expect(digests).toEqual([sha256(text(1)), sha256(text(1)), sha256(noise(2, 50_000))]);
      const listed: string[] = [];
      for await (const { digest, storedBytes, touchedAtMs } of store.listChunks()) {
        listed.push(digest);
        expect(storedBytes).toBeGreaterThan(0);
        expect(touchedAtMs).toBeGreaterThan(LONG_AGO_MS);
      }
      expect(listed.toSorted()).toEqual([digests[0], digests[2]].toSorted());
      expect((await store.totals()).chunks).toBe(2);
      const packed = await store.getStored(digests[0] ?? '');
      expect(packed).toMatchObject({ compressed: true, sizeBytes: text(1).length });
      expect(new Uint8Array(await inflate(packed?.payload ?? new Uint8Array()))).toEqual(text(1));
      expect(await store.getStored(digests[2] ?? '')).toMatchObject({ compressed: false, sizeBytes: 50_000 });
      expect(new Uint8Array(await store.getChunk(digests[2] ?? ''))).toEqual(noise(2, 50_000));
    });

    test('says what it has not', async () => {
      const store = await (await fresh()).open();
      const nowhere = sha256(text(9));
      expect([await store.hasChunk(nowhere), await store.getStored(nowhere)]).toEqual([false, undefined]);
      await expect(store.getChunk(nowhere)).rejects.toMatchObject({ code: 'chunk-missing' });
      await expect(store.touch(nowhere)).rejects.toMatchObject({ code: 'chunk-missing' });
      const bytes = noise(3, 1_500_000);
      const { manifest } = await store.putStream(streamOf(bytes), bytes.length);
      const { chunks } = await store.readManifest(manifest);
      await store.deleteUntouched(chunks[1]?.digest ?? '', LATER_MS);
      await expect(store.touch(manifest)).rejects.toMatchObject({ code: 'chunk-missing' });
      await expect(collect(store.readBlob(manifest))).rejects.toMatchObject({ code: 'chunk-missing' });
    });

    test('deletes what was not touched since, and takes it again', async () => {
      const store = await (await fresh()).open();
      const digest = await store.putChunk(text(4));
      expect(await store.deleteUntouched(digest, LONG_AGO_MS)).toBe(false);
      expect(await store.hasChunk(digest)).toBe(true);
      expect(await store.deleteUntouched(digest, LATER_MS)).toBe(true);
      expect(await store.hasChunk(digest)).toBe(false);
      expect(await store.putChunk(text(4))).toBe(digest);
      expect(new Uint8Array(await store.getChunk(digest))).toEqual(text(4));
    });

    test('has a chunk that is stored while it is deleted', async () => {
      const lives = await fresh();
      const [sweeper, user] = [await lives.open(), await lives.open()];
      for (let seed = 10; seed < 30; seed += 1) {
        const digest = await user.putChunk(text(seed));
        const deleting = sweeper.deleteUntouched(digest, LATER_MS);
        // The two meet at another point each time.
        await new Promise((resolve) => setTimeout(resolve, seed % 5));
        await user.putChunk(text(seed));
        await deleting;
        expect(await user.hasChunk(digest)).toBe(true);
      }
    });
  });
}
