import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isStarlingError } from '../errors.ts';
import { CHUNK_BYTES_MAXIMUM, CHUNK_FRAME_BYTES_MAXIMUM, CHUNK_FRAME_HEADER_BYTES } from '../limits.ts';
import { type ChunkFrame, decodeChunkFrame, encodeChunkFrame } from './chunk-frame.ts';

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const want = fc.integer({ min: 0, max: 0xffffffff });
const payload = fc.uint8Array({ minLength: 1, maxLength: 2000 });
const frame: fc.Arbitrary<ChunkFrame> = fc.oneof(
  fc.record({ kind: fc.constant('missing' as const), want, digest }),
  fc
    .record({ kind: fc.constant('chunk' as const), want, digest, payload, extra: fc.integer({ min: 0, max: 5000 }) })
    .map(({ extra, ...rest }): ChunkFrame => ({ ...rest, compressed: extra > 0, sizeBytes: rest.payload.length + extra })),
);

/** What a frame looks like on the wire, before any check. */
function raw(fields: { version?: number; kind?: number; reserved?: number; sizeBytes: number; payloadBytes: number }): Uint8Array {
  const bytes = new Uint8Array(CHUNK_FRAME_HEADER_BYTES + fields.payloadBytes);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, fields.version ?? 1);
  view.setUint8(1, fields.kind ?? 0);
  view.setUint16(2, fields.reserved ?? 0);
  view.setUint32(40, fields.sizeBytes);
  return bytes;
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (isStarlingError(error)) return error.code;
    throw error;
  }
  return undefined;
}

describe('a chunk frame', () => {
  test('comes back as it was sent, at any place in a buffer', () => {
    fc.assert(
      fc.property(frame, fc.nat(10), (sent, offset) => {
        const bytes = encodeChunkFrame(sent);
        const moved = new Uint8Array(bytes.length + offset);
        moved.set(bytes, offset);
        expect(decodeChunkFrame(moved.subarray(offset))).toEqual(sent);
      }),
    );
  });

  test('has the layout that is documented', () => {
    const bytes = encodeChunkFrame({
      kind: 'chunk',
      want: 0x01020304,
      digest: 'ab'.repeat(32),
      sizeBytes: 0x0506,
      compressed: true,
      payload: new Uint8Array([9]),
    });
    expect(Buffer.from(bytes).toString('hex')).toBe(`01010000${'01020304'}${'ab'.repeat(32)}${'00000506'}09`);
  });

  test('at its largest is what the limit says', () => {
    const sent: ChunkFrame = {
      kind: 'chunk',
      want: 0,
      digest: '00'.repeat(32),
      sizeBytes: CHUNK_BYTES_MAXIMUM,
      compressed: false,
      payload: new Uint8Array(CHUNK_BYTES_MAXIMUM),
    };
    expect(encodeChunkFrame(sent).length).toBe(CHUNK_FRAME_BYTES_MAXIMUM);
    expect(decodeChunkFrame(encodeChunkFrame(sent))).toEqual(sent);
  });

  test('is refused with a code, whatever the bytes are', () => {
    const anyBytes = fc.uint8Array({ maxLength: 200 });
    const almost = fc.tuple(frame, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([sent, at, flip]) => {
      const bytes = encodeChunkFrame(sent);
      const place = at % CHUNK_FRAME_HEADER_BYTES;
      bytes[place] = (bytes[place] as number) ^ flip;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(anyBytes, almost), (bytes) => {
        expect([undefined, 'invalid-frame']).toContain(codeOf(() => decodeChunkFrame(bytes)));
      }),
      { numRuns: 500 },
    );
  });

  test('that was cut off is refused, if it is not compressed', () => {
    fc.assert(
      fc.property(frame, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (sent, share) => {
        const bytes = encodeChunkFrame(sent);
        const cut = bytes.subarray(0, Math.floor(bytes.length * share));
        // A compressed stream that ends early is found by the decompressor and the digest.
        fc.pre(sent.kind === 'missing' || !sent.compressed || cut.length <= CHUNK_FRAME_HEADER_BYTES);
        expect(codeOf(() => decodeChunkFrame(cut))).toBe('invalid-frame');
      }),
    );
  });

  test.each([
    ['another version', raw({ version: 2, sizeBytes: 1, payloadBytes: 1 })],
    ['an unknown kind', raw({ kind: 3, sizeBytes: 1, payloadBytes: 1 })],
    ['reserved bytes in use', raw({ reserved: 1, sizeBytes: 1, payloadBytes: 1 })],
    ['an empty chunk', raw({ sizeBytes: 0, payloadBytes: 0 })],
    ['a payload of another length', raw({ sizeBytes: 5, payloadBytes: 6 })],
    ['more raw bytes than a chunk has', raw({ kind: 1, sizeBytes: CHUNK_BYTES_MAXIMUM + 1, payloadBytes: 9 })],
    ['a compressed payload that saves nothing', raw({ kind: 1, sizeBytes: 9, payloadBytes: 9 })],
    ['a missing chunk with bytes', raw({ kind: 2, sizeBytes: 0, payloadBytes: 1 })],
    ['a missing chunk with a size', raw({ kind: 2, sizeBytes: 1, payloadBytes: 0 })],
  ])('with %s is refused', (_what, bytes) => {
    expect(codeOf(() => decodeChunkFrame(bytes))).toBe('invalid-frame');
  });
});
