import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type NpyData, parseNpy } from './npy.ts';

/** Writes as numpy does (numpy.lib.format, version 1.0): the header ends at a multiple of 64 bytes. */
function writeNpy(descr: string, shape: readonly number[], data: NpyData, fortran = 'False'): Uint8Array {
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dictionary = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (${sides}), }`;
  const padded = `${dictionary.padEnd(Math.ceil((dictionary.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY', 'latin1');
  head.writeUInt8(1, 6);
  head.writeUInt16LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(padded), Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

const shapes = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 4 });
const lengthOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

const kinds: readonly (readonly [string, string, (bytes: ArrayBuffer) => NpyData, number])[] = [
  ['<f4', 'float32', (bytes) => new Float32Array(bytes), 4],
  ['<f2', 'float16', (bytes) => new Uint16Array(bytes), 2],
  ['<f8', 'float64', (bytes) => new Float64Array(bytes), 8],
  ['|i1', 'int8', (bytes) => new Int8Array(bytes), 1],
  ['|u1', 'uint8', (bytes) => new Uint8Array(bytes), 1],
  ['|b1', 'bool', (bytes) => new Uint8Array(bytes), 1],
  ['<i4', 'int32', (bytes) => new Int32Array(bytes), 4],
  ['<i8', 'int64', (bytes) => new BigInt64Array(bytes), 8],
];

describe('.npy files', () => {
  test.each(kinds)('of type %s are read as %s, whatever their shape and values', (descr, elementType, view, bytes) => {
    fc.assert(
      fc.property(shapes, fc.infiniteStream(fc.integer({ min: 0, max: 255 })), fc.integer({ min: 0, max: 7 }), (shape, stream, shift) => {
        const raw = Uint8Array.from([...stream.take(lengthOf(shape) * bytes)]);
        const written = writeNpy(descr, shape, view(raw.buffer));
        // At any place in a larger buffer: views have alignments, files have not.
        const shifted = new Uint8Array(written.length + shift);
        shifted.set(written, shift);
        const read = parseNpy(shifted.subarray(shift), 'x.npy');
        expect([read.elementType, read.shape]).toEqual([elementType, shape]);
        expect(new Uint8Array(read.data.buffer)).toEqual(raw);
        expect(read.data).toHaveLength(lengthOf(shape));
      }),
    );
  });

  test('of damaged bytes are refused by code, never otherwise', () => {
    const good = writeNpy('<f4', [2, 3], new Float32Array(6));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bytes = Uint8Array.from(good);
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        try {
          parseNpy(bytes, 'x.npy');
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^sample-(broken|unsupported)$/) });
        }
      }),
    );
    for (let length = 0; length < good.length; length += 1)
      expect(() => parseNpy(good.subarray(0, length), 'x.npy')).toThrow(expect.objectContaining({ code: 'sample-broken' }));
  });

  test.each([
    ['Fortran order', writeNpy('<f4', [2], new Float32Array(2), 'True'), /ascontiguousarray/],
    ['big-endian values', writeNpy('>f4', [2], new Float32Array(2)), /astype/],
    ['complex values', writeNpy('<c8', [1], new Float32Array(2)), /astype/],
  ])('in %s are refused with the call that helps', (_what, bytes, hint) => {
    expect(() => parseNpy(bytes, 'x.npy')).toThrow(
      expect.objectContaining({ code: 'sample-unsupported', hint: expect.stringMatching(hint) }),
    );
  });
});
