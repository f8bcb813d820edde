import { sha256Hex } from '@starling/shared';
import { expect, test } from 'vitest';
import { createMemoryBlobStore } from '../ports/memory/blob-store.ts';
import { createKeeper } from '../reconcile/keeper.ts';
import { pullInput } from './pull-input.ts';

const BYTES = new Uint8Array([1, 2, 3, 4]);

test('an input is not collected while it is pulled, though nothing else is needed, and is when it was read', async () => {
  const store = createMemoryBlobStore();
  const journal = { state: { good: null, previousGood: null } };
  const keeper = createKeeper({
    ...{ journal: journal as never, store, installing: () => undefined },
    fromDisk: () => Promise.reject(new Error('there is no release')),
  });
  const digest = await sha256Hex(BYTES);
  const chunk = { digest, sizeBytes: BYTES.length };
  const manifest = { kind: 'blob', schemaVersion: 1, digest, sizeBytes: BYTES.length, chunks: [chunk] } as never;
  const manifestDigest = await sha256Hex(new TextEncoder().encode('manifest'));
  const puller = {
    async blob(): Promise<never> {
      await store.putDocument(manifestDigest, BYTES);
      const partial = await store.openPartial(manifest);
      await partial.write(0, BYTES);
      await partial.commit();
      // As at the end of a probation.
      await keeper.collect();
      return manifest;
    },
  };
  const input = { manifest: manifestDigest, digest, sizeBytes: BYTES.length };
  expect(await pullInput(input, { puller, store, keeper }, AbortSignal.timeout(5_000))).toEqual(BYTES);
  await keeper.collect();
  expect([await store.has(digest), await store.getDocument(manifestDigest)]).toEqual([false, undefined]);
});
