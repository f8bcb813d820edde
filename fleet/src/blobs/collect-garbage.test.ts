import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemIds } from '../ids.ts';
import type { BlobStore } from './blob-store.ts';
import { collectGarbage, GRACE_MS } from './collect-garbage.ts';
import { openDiskStore } from './store-disk.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 1);

describe('the garbage collector of the blob store', () => {
  let directory: string;
  let store: BlobStore;
  let nowMs: number;
  const clock = { nowMs: () => nowMs };

  beforeEach(async () => {
    nowMs = START_MS;
    directory = await mkdtemp(join(tmpdir(), 'starling-garbage-'));
    store = await openDiskStore(join(directory, 'blobs'), { clock, ids: systemIds });
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const chunk = (seed: number): Uint8Array => new TextEncoder().encode(`chunk ${seed}`.repeat(50));
  const sweep = (used: Iterable<string> = []) => collectGarbage(store, directory, async () => new Set(used), clock);
  const present = async (): Promise<Set<string>> => {
    const digests = new Set<string>();
    for await (const { digest } of store.listChunks()) digests.add(digest);
    return digests;
  };

  test('keeps what is referenced for ever, and what is not for a week of sweeps', async () => {
    const [used, unused] = [await store.putChunk(chunk(1)), await store.putChunk(chunk(2))];
    expect(await sweep([used])).toEqual({ kept: 1, waiting: 1, deleted: 0, deletedBytes: 0 });
    nowMs += GRACE_MS - 1;
    expect(await sweep([used])).toMatchObject({ kept: 1, waiting: 1, deleted: 0 });
    nowMs += 1;
    expect(await sweep([used])).toMatchObject({ kept: 1, waiting: 0, deleted: 1 });
    expect(await present()).toEqual(new Set([used]));
    expect(await store.hasChunk(unused)).toBe(false);
  });

  test('starts the week anew with each new use', async () => {
    const digest = await store.putChunk(chunk(1));
    await sweep();
    nowMs += GRACE_MS - DAY_MS;
    await sweep([digest]);
    nowMs += GRACE_MS;
    // Referenced at the last sweep: this is the first at which it is not.
    expect(await sweep()).toMatchObject({ waiting: 1, deleted: 0 });
  });

  test('spares what is taken into use between its look and its deletion', async () => {
    const [stored, blob] = [await store.putChunk(chunk(1)), await store.putStream(streamOf(chunk(2)), chunk(2).length)];
    const unused = await store.putChunk(chunk(3));
    await sweep();
    nowMs += 2 * GRACE_MS;
    let asked = 0;
    const report = await collectGarbage(
      store,
      directory,
      async () => {
        asked += 1;
        // All have been listed by now, as old and unused. Neither new use is a reference yet.
        if (asked === 2) await Promise.all([store.putChunk(chunk(1)), store.touch(blob.manifest)]);
        return new Set();
      },
      clock,
    );
    expect(report.deleted).toBe(1);
    expect(await store.hasChunk(unused)).toBe(false);
    expect(await store.hasChunk(stored)).toBe(true);
    for (const digest of await store.reachable(blob.manifest)) expect(await store.hasChunk(digest)).toBe(true);
  });

  test('never takes a chunk from under one who stores it at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { minLength: 1, maxLength: 12 }), async (order) => {
        const old = await store.putChunk(chunk(7));
        nowMs += 2 * GRACE_MS;
        // Storing (odd) and deleting (even) in any order: whoever stored last can rely on it.
        const outcomes = await Promise.all(
          order.map(async (turn) =>
            turn % 2 === 1 ? ((await store.putChunk(chunk(7))) === old ? 'stored' : 'other') : store.deleteUntouched(old, nowMs),
          ),
        );
        if (outcomes.includes('stored')) expect(await store.hasChunk(old)).toBe(true);
        else expect(await store.hasChunk(old)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test('a blob of which a chunk is missing cannot be taken into use', async () => {
    const blob = await store.putStream(streamOf(chunk(1)), chunk(1).length);
    const { chunks } = await store.readManifest(blob.manifest);
    nowMs += 1;
    expect(await store.deleteUntouched(chunks[0]?.digest ?? '', nowMs)).toBe(true);
    await expect(store.touch(blob.manifest)).rejects.toMatchObject({ code: 'chunk-missing' });
  });
});

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
