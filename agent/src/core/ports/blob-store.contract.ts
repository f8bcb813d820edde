import { type BlobManifest, sha256Hex } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import type { BlobStore } from './blob-store.ts';

/** One store and its later lives, as after a restart of the agent. */
export interface BlobStoreLives {
  open(): Promise<BlobStore>;
}

const chunk = (seed: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (seed * 31 + index * 7) % 256);

async function blobOf(chunks: readonly Uint8Array[]): Promise<{ manifest: BlobManifest; bytes: Uint8Array }> {
  const bytes = Uint8Array.from(chunks.flatMap((each) => [...each]));
  const references = await Promise.all(chunks.map(async (each) => ({ digest: await sha256Hex(each), sizeBytes: each.length })));
  return { bytes, manifest: { digest: await sha256Hex(bytes), sizeBytes: bytes.length, chunks: references } };
}

/** What the puller, the journal of releases and the engine may rely on. @param fresh an empty store of its own */
export function describeBlobStore(what: string, fresh: () => Promise<BlobStoreLives>): void {
  describe(`${what} as a blob store`, () => {
    const chunks = [chunk(1, 700), chunk(2, 300), chunk(3, 500)];

    test('gives documents back as they were put, and none that nobody put', async () => {
      const lives = await fresh();
      const store = await lives.open();
      const bytes = chunk(5, 100);
      const digest = await sha256Hex(bytes);
      expect(await store.getDocument(digest)).toBeUndefined();
      await store.putDocument(digest, bytes);
      bytes.fill(0);
      expect(await (await lives.open()).getDocument(digest)).toEqual(chunk(5, 100));
    });

    test('has a blob only when it is whole, whatever the order of its chunks', async () => {
      const lives = await fresh();
      const store = await lives.open();
      const { manifest, bytes } = await blobOf(chunks);
      const partial = await store.openPartial(manifest);
      for (const index of [2, 0, 1]) {
        expect([await store.has(manifest.digest), await store.readRange(manifest.digest, 0, 1)]).toEqual([false, undefined]);
        await partial.write(index, chunks[index] ?? new Uint8Array());
      }
      expect([...partial.verified].toSorted()).toEqual([0, 1, 2]);
      await partial.commit();
      await partial.close();
      const next = await lives.open();
      expect([await next.has(manifest.digest), await next.verify(manifest.digest)]).toEqual([true, true]);
      expect(await next.readRange(manifest.digest, 650, 100)).toEqual(bytes.slice(650, 750));
      expect(await next.readRange(manifest.digest, bytes.length - 10, 11)).toBeUndefined();
    });

    test('goes on with a cut pull where an earlier life ended', async () => {
      const lives = await fresh();
      const { manifest, bytes } = await blobOf(chunks);
      const first = await (await lives.open()).openPartial(manifest);
      await first.write(1, chunks[1] ?? new Uint8Array());
      await first.close();
      const store = await lives.open();
      const second = await store.openPartial(manifest);
      expect([...second.verified]).toEqual([1]);
      for (const index of [0, 2]) await second.write(index, chunks[index] ?? new Uint8Array());
      await second.commit();
      await second.close();
      expect(await store.readRange(manifest.digest, 0, bytes.length)).toEqual(bytes);
    });

    test('never shows what is not the digest, and keeps nothing of it', async () => {
      const store = await (await fresh()).open();
      const { manifest } = await blobOf(chunks);
      const lie = { ...manifest, digest: await sha256Hex(chunk(9, 9)) };
      const partial = await store.openPartial(lie);
      for (const [index, each] of chunks.entries()) await partial.write(index, each);
      await expect(partial.commit()).rejects.toMatchObject({ code: 'digest-mismatch' });
      await partial.close();
      expect([await store.has(lie.digest), await store.verify(lie.digest)]).toEqual([false, false]);
      const again = await store.openPartial(lie);
      expect([...again.verified]).toEqual([]);
      await again.close();
    });

    test('removes what it is told to, and by keeping the rest', async () => {
      const store = await (await fresh()).open();
      const blobs = await Promise.all([1, 2, 3].map((seed) => blobOf([chunk(seed, 50)])));
      for (const { manifest, bytes } of blobs) {
        const partial = await store.openPartial(manifest);
        await partial.write(0, bytes);
        await partial.commit();
        await partial.close();
        await store.putDocument(manifest.digest, bytes);
      }
      const [first = '', second = '', third = ''] = blobs.map(({ manifest }) => manifest.digest);
      const present = async () =>
        Promise.all(
          [first, second, third].map(async (digest) => [await store.has(digest), (await store.getDocument(digest)) !== undefined]),
        );
      await store.remove(new Set([first]));
      expect(await present()).toEqual([
        [false, false],
        [true, true],
        [true, true],
      ]);
      await store.keepOnly(new Set([third]));
      expect(await present()).toEqual([
        [false, false],
        [false, false],
        [true, true],
      ]);
      expect(await store.freeBytes()).toBeGreaterThan(0);
    });
  });
}
