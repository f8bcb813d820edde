import {
  CHUNK_BYTES_MAXIMUM,
  CHUNK_FRAME_BYTES_MAXIMUM,
  type ChunkFrame,
  decodeChunkFrame,
  hexToBytes,
  PULL_QUEUE_CHUNKS_MAXIMUM,
  PULL_WINDOW_BYTES,
  PULL_WINDOW_BYTES_MINIMUM,
} from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChunkServer, createChunkServer } from './serve.ts';

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const digestOf = (index: number): string => index.toString(16).padStart(64, '0');

interface Bench {
  server: ChunkServer;
  /** Frames of each device, in the order of sending. */
  sent(device: string): ChunkFrame[];
  sentBytes(device: string): number;
}

/** A chunk server whose store has a chunk of `sizes[index]` bytes under each digest; `stalled` devices never take a frame. */
function createBench(
  sizes: readonly number[],
  options: { stalled?: readonly string[]; mayHave?: (device: string, digest: string) => boolean; failing?: Set<string> } = {},
): Bench {
  const frames = new Map<string, Uint8Array[]>();
  const byDigest = new Map(sizes.map((size, index) => [digestOf(index), size]));
  const server = createChunkServer({
    store: {
      async getStored(digest) {
        if (options.failing?.has(digest)) throw new Error('the store does not answer');
        const sizeBytes = byDigest.get(digest);
        return sizeBytes === undefined ? undefined : { payload: new Uint8Array(sizeBytes), compressed: false, sizeBytes };
      },
    },
    isReachable: async (device, digest) => options.mayHave?.(device, digest) ?? true,
    failed: () => undefined,
    send(device, frame) {
      frames.set(device, [...(frames.get(device) ?? []), frame]);
      return options.stalled?.includes(device) ? new Promise(() => undefined) : Promise.resolve();
    },
  });
  return {
    server,
    sent: (device) => (frames.get(device) ?? []).map(decodeChunkFrame),
    sentBytes: (device) => (frames.get(device) ?? []).reduce((sum, frame) => sum + frame.length, 0),
  };
}

const want = (chunks: readonly number[], change: Partial<Parameters<ChunkServer['want']>[1]> = {}): Parameters<ChunkServer['want']>[1] => ({
  ...{
    want: 1,
    chunks: chunks.map((index) => hexToBytes(digestOf(index))),
    receivedChunks: 0,
    creditBytes: PULL_WINDOW_BYTES,
    cancel: false,
  },
  ...change,
});

describe('the chunk server', () => {
  test('answers each chunk once, whatever the sizes, and never has more under way than the credit', async () => {
    const size = fc.oneof(
      fc.integer({ min: 1, max: 20_000 }),
      fc.integer({ min: 1, max: CHUNK_BYTES_MAXIMUM }),
      fc.constant(CHUNK_BYTES_MAXIMUM),
    );
    const credit = fc.integer({ min: PULL_WINDOW_BYTES_MINIMUM, max: PULL_WINDOW_BYTES });
    await fc.assert(
      fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 40 }), credit, async (sizes, creditBytes) => {
        const bench = createBench(sizes);
        bench.server.want(
          'a',
          want(
            sizes.map((_, index) => index),
            { creditBytes },
          ),
        );
        let confirmedBytes = 0;
        let confirmed = 0;
        for (let round = 0; round < 200 && confirmed < sizes.length; round += 1) {
          await settle();
          expect(bench.sentBytes('a') - confirmedBytes).toBeLessThanOrEqual(creditBytes);
          const frames = bench.sent('a');
          // Something always comes: the smallest credit holds the largest frame.
          expect(frames.length).toBeGreaterThan(confirmed);
          confirmed = frames.length;
          confirmedBytes = bench.sentBytes('a');
          bench.server.want('a', want([], { want: round + 2, receivedChunks: confirmed, creditBytes }));
        }
        expect(
          bench
            .sent('a')
            .map(({ digest }) => digest)
            .sort(),
        ).toEqual(sizes.map((_, index) => digestOf(index)).sort());
      }),
      { numRuns: 30 },
    );
  });

  test('says that a chunk is missing where it is not there, or not for this device', async () => {
    const bench = createBench([10, 10], { mayHave: (device, digest) => device === 'a' || digest === digestOf(0) });
    bench.server.want('b', want([0, 1, 7], { want: 9 }));
    await settle();
    expect(Object.fromEntries(bench.sent('b').map((frame) => [frame.digest, [frame.kind, frame.want]]))).toEqual({
      [digestOf(0)]: ['chunk', 9],
      [digestOf(1)]: ['missing', 9],
      [digestOf(7)]: ['missing', 9],
    });
  });

  test.each([1, 3, 150])('goes on with others while %i take nothing, and keeps little for those', async (count) => {
    const sizes = Array.from({ length: 60 }, () => CHUNK_BYTES_MAXIMUM);
    const stalled = Array.from({ length: count }, (_, index) => `slow-${index}`);
    const bench = createBench(sizes, { stalled });
    const all = sizes.map((_, index) => index);
    for (const device of stalled) bench.server.want(device, want(all));
    bench.server.want('fast', want(all));
    for (let confirmed = -1; confirmed < bench.sent('fast').length; ) {
      confirmed = bench.sent('fast').length;
      bench.server.want('fast', want([], { receivedChunks: confirmed }));
      await settle();
    }
    expect(bench.sent('fast')).toHaveLength(60);
    const waitingBytes = stalled.map((device) => bench.sentBytes(device));
    // One frame for each at least, and no more once there are many of them.
    expect(Math.min(...waitingBytes)).toBeGreaterThanOrEqual(CHUNK_FRAME_BYTES_MAXIMUM);
    expect(Math.max(...waitingBytes)).toBeLessThan(10 * CHUNK_FRAME_BYTES_MAXIMUM);
    expect(waitingBytes.reduce((sum, bytes) => sum + bytes)).toBeLessThan((count + 60) * CHUNK_FRAME_BYTES_MAXIMUM);
  });

  test('has no more on the way to a device that begins again and again and takes nothing', async () => {
    const sizes = Array.from({ length: 60 }, () => CHUNK_BYTES_MAXIMUM);
    const bench = createBench(sizes, { stalled: ['slow'] });
    for (let round = 0; round < 20; round += 1) {
      bench.server.forget('slow');
      bench.server.want('slow', want(sizes.map((_, index) => index)));
      await settle();
    }
    expect(bench.sent('slow').length).toBeLessThan(10);
  });

  test('is done with thousands of devices that wait for each other', async () => {
    const bench = createBench([1000]);
    const devices = Array.from({ length: 20_000 }, (_, index) => `${index}`);
    for (const device of devices) bench.server.want(device, want([0, 0, 0]));
    await expect.poll(() => bench.server.counters().sentChunks).toBe(60_000);
  });

  test('keeps no more of the wishes of one device than the protocol says', async () => {
    const bench = createBench([1000], { stalled: ['greedy'] });
    for (let round = 0; round < 20; round += 1) bench.server.want('greedy', want(Array(256).fill(0)));
    await settle();
    bench.server.forget('greedy');
    const willing = createBench([100]);
    for (let round = 0; round < 20; round += 1) willing.server.want('a', want(Array(256).fill(0)));
    await settle();
    let frames = 0;
    while (willing.sent('a').length > frames) {
      frames = willing.sent('a').length;
      willing.server.want('a', want([], { receivedChunks: frames }));
      await settle();
    }
    expect(frames).toBeLessThanOrEqual(PULL_QUEUE_CHUNKS_MAXIMUM + 16);
    expect(frames).toBeGreaterThanOrEqual(PULL_QUEUE_CHUNKS_MAXIMUM);
  });

  test('forgets what was asked with the session, and on demand', async () => {
    const sizes = Array.from({ length: 40 }, () => CHUNK_BYTES_MAXIMUM);
    const bench = createBench(sizes);
    bench.server.want('a', want(sizes.map((_, index) => index)));
    await settle();
    const before = bench.sent('a').length;
    expect(before).toBe(Math.floor(PULL_WINDOW_BYTES / CHUNK_FRAME_BYTES_MAXIMUM));
    bench.server.want('a', want([], { receivedChunks: before, cancel: true }));
    await settle();
    expect(bench.sent('a')).toHaveLength(before);
    bench.server.forget('a');
    // A new session counts from 0: what was under way in the old one holds nothing up.
    bench.server.want('a', want([0]));
    await settle();
    expect(bench.sent('a')).toHaveLength(before + 1);
  });

  test('says nothing about a chunk that cannot be read now, and gives it when it is asked again', async () => {
    const failing = new Set([digestOf(1)]);
    const { server, sent } = createBench([10, 20, 30], { failing });
    server.want('a', want([0, 1, 2]));
    await settle();
    expect(sent('a').map(({ kind, digest }) => [kind, digest])).toEqual([
      ['chunk', digestOf(0)],
      ['chunk', digestOf(2)],
    ]);
    failing.clear();
    server.want('a', want([1], { cancel: true, receivedChunks: 2 }));
    await settle();
    expect(sent('a').at(-1)).toMatchObject({ kind: 'chunk', digest: digestOf(1) });
  });
});
