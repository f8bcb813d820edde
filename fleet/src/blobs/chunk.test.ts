import { createHash } from 'node:crypto';
import { CHUNK_BYTES_MAXIMUM, CHUNK_BYTES_MEAN_MINIMUM } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunkSizesFor, cutStream, type Region } from './chunk.ts';

/** Bytes that look random and are the same in every run. */
function noise(length: number, seed: string): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0, block = 0; at < length; at += 64, block += 1) {
    const digest = createHash('sha512').update(`${seed} ${block}`).digest();
    bytes.set(digest.subarray(0, Math.min(64, length - at)), at);
  }
  return bytes;
}

async function* inPieces(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const length = lengths[index % lengths.length] ?? bytes.length;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

async function cut(bytes: Uint8Array, regions: readonly Region[] = [], pieces: readonly number[] = [65_536]): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of cutStream(inPieces(bytes, pieces), bytes.length, regions)) chunks.push(chunk);
  return chunks;
}

const digestsOf = (chunks: readonly Uint8Array[]): string[] => chunks.map((chunk) => createHash('sha256').update(chunk).digest('hex'));
function startsOf(chunks: readonly Uint8Array[]): Set<number> {
  const starts = new Set<number>();
  let at = 0;
  for (const chunk of chunks) {
    starts.add(at);
    at += chunk.length;
  }
  // A region may end where the blob does.
  return starts.add(at);
}
const blob = fc.tuple(fc.integer({ min: 0, max: 300_000 }), fc.integer()).map(([length, seed]) => noise(length, String(seed)));
const pieces = fc.array(fc.integer({ min: 500, max: 100_000 }), { minLength: 1, maxLength: 5 });

describe('chunks', () => {
  test('put together are the blob, however it arrives, and are the same each time', async () => {
    await fc.assert(
      fc.asyncProperty(blob, pieces, async (bytes, lengths) => {
        const chunks = await cut(bytes, [], lengths);
        expect(Buffer.concat(chunks).equals(Buffer.from(bytes))).toBe(true);
        expect(digestsOf(chunks)).toEqual(digestsOf(await cut(bytes)));
      }),
      { numRuns: 30 },
    );
  });

  test('keep to their sizes; only the last, or one before a region, may be shorter', async () => {
    await fc.assert(
      fc.asyncProperty(blob, async (bytes) => {
        const { minimum, maximum } = chunkSizesFor(bytes.length);
        const chunks = await cut(bytes);
        expect(chunks.every((chunk) => chunk.length > 0 && chunk.length <= maximum && maximum <= CHUNK_BYTES_MAXIMUM)).toBe(true);
        expect(chunks.slice(0, -1).every((chunk) => chunk.length >= minimum)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('of bytes without any pattern, or of one byte alone, stay within bounds too', async () => {
    for (const bytes of [new Uint8Array(500_000), new Uint8Array(500_000).fill(255)]) {
      const chunks = await cut(bytes);
      expect(chunks.length).toBeLessThanOrEqual(Math.ceil(bytes.length / chunkSizesFor(bytes.length).minimum));
      expect(Buffer.concat(chunks).equals(Buffer.from(bytes))).toBe(true);
    }
  });

  test('start and end where a region does', async () => {
    const cuts = fc
      .uniqueArray(fc.integer({ min: 0, max: 199_999 }), { minLength: 2, maxLength: 10 })
      .map((places) => places.sort((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(cuts, pieces, async (places, lengths) => {
        const regions: Region[] = [];
        for (let index = 0; index + 1 < places.length; index += 2) {
          const [offset, end] = [places[index] as number, places[index + 1] as number];
          regions.push({ offset, length: end - offset });
        }
        const starts = startsOf(await cut(noise(200_000, 'regions'), regions, lengths));
        for (const { offset, length } of regions) expect(starts.has(offset) && starts.has(offset + length)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('of a changed region are new; all others are the same', async () => {
    const before = noise(2_000_000, 'model');
    const region = { offset: 700_000, length: 120_000 };
    const after = before.slice();
    after.set(noise(region.length, 'trained again'), region.offset);
    const known = new Set(digestsOf(await cut(before, [region])));
    const fresh = (await cut(after, [region])).filter((chunk) => !known.has(digestsOf([chunk])[0] ?? ''));
    expect(fresh.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(region.length);
  });

  test('move with the content: bytes put in change only the chunks around them', async () => {
    const before = noise(2_000_000, 'document');
    const after = Buffer.concat([before.subarray(0, 1_000_000), Buffer.from('put in'), before.subarray(1_000_000)]);
    const known = new Set(digestsOf(await cut(before)));
    const fresh = (await cut(after)).filter((chunk) => !known.has(digestsOf([chunk])[0] ?? ''));
    expect(fresh.reduce((sum, chunk) => sum + chunk.length, 0)).toBeLessThan(6 * chunkSizesFor(before.length).maximum);
  });

  test('have about the mean that they are made for', async () => {
    const bytes = noise(4_000_000, 'mean');
    const { mean } = chunkSizesFor(bytes.length);
    const found = bytes.length / (await cut(bytes)).length;
    expect(found).toBeGreaterThan(mean / 2);
    expect(found).toBeLessThan(mean * 2);
  });

  test('grow with the blob, between the bounds', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (length) => {
        const { minimum, mean, maximum } = chunkSizesFor(length);
        expect(minimum < mean && mean < maximum && maximum <= CHUNK_BYTES_MAXIMUM && mean >= CHUNK_BYTES_MEAN_MINIMUM).toBe(true);
        expect(Number.isInteger(Math.log2(mean))).toBe(true);
      }),
    );
  });
});
