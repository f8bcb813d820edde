import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cborDecode, cborEncode } from '../codec/cbor.ts';
import { CONTROL_BYTES_MAXIMUM, PULL_WINDOW_BYTES, PULL_WINDOW_BYTES_MINIMUM, WANT_CHUNKS_MAXIMUM } from '../limits.ts';
import { type Want, wantSchema } from './blob-transfer.ts';

const good: Want = { want: 1, chunks: [new Uint8Array(32)], receivedChunks: 0, creditBytes: PULL_WINDOW_BYTES, cancel: false };

describe('a want', () => {
  test('comes back as it was sent', () => {
    const want: fc.Arbitrary<Want> = fc.record({
      want: fc.integer({ min: 0, max: 0xffffffff }),
      chunks: fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 20 }),
      receivedChunks: fc.nat(),
      creditBytes: fc.integer({ min: PULL_WINDOW_BYTES_MINIMUM, max: PULL_WINDOW_BYTES }),
      cancel: fc.boolean(),
    });
    fc.assert(
      fc.property(want, (sent) => {
        expect(cborDecode(cborEncode(sent), wantSchema)).toEqual(sent);
      }),
    );
  });

  test('at its largest is a control message', () => {
    const chunks = Array.from({ length: WANT_CHUNKS_MAXIMUM }, () => new Uint8Array(32).fill(255));
    const bytes = cborEncode({ ...good, want: 0xffffffff, receivedChunks: Number.MAX_SAFE_INTEGER, chunks });
    expect(cborDecode(bytes, wantSchema).chunks).toHaveLength(WANT_CHUNKS_MAXIMUM);
    expect(bytes.length).toBeLessThanOrEqual(CONTROL_BYTES_MAXIMUM);
  });

  test.each<[string, Record<string, unknown>]>([
    ['chunks', { chunks: Array.from({ length: WANT_CHUNKS_MAXIMUM + 1 }, () => new Uint8Array(32)) }],
    ['chunks.0', { chunks: [new Uint8Array(31)] }],
    ['chunks.0', { chunks: ['ab'.repeat(16)] }],
    ['creditBytes', { creditBytes: PULL_WINDOW_BYTES + 1 }],
    ['creditBytes', { creditBytes: PULL_WINDOW_BYTES_MINIMUM - 1 }],
    ['receivedChunks', { receivedChunks: -1 }],
    ['receivedChunks', { receivedChunks: 1.5 }],
    ['want', { want: 2 ** 32 }],
  ])('with a bad %s is refused by that name', (field, change) => {
    expect(() => cborDecode(cborEncode({ ...good, ...change }), wantSchema)).toThrowError(
      expect.objectContaining({ code: 'invalid-message', field }),
    );
  });
});
