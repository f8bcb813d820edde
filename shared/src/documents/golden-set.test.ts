import fc from 'fast-check';
import { expect, test } from 'vitest';
import { float16Bits, float16Value, goldenError, goldenInput, goldenNumbers, goldenTensor } from './golden-set.ts';

/** The runtime of the tests has half precision of its own: the oracle. */
const oracleBits = (value: number): number => new Uint16Array(new Float16Array([value]).buffer)[0] ?? 0;

test('half precision is that of the runtime, both ways', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true }), (value) => {
      expect(float16Bits(value)).toBe(oracleBits(value));
    }),
    { numRuns: 2000 },
  );
  for (const value of [0, -0, 1, -1, 65504, 65519.99, 65520, 2 ** -24, 2 ** -25, 6.1e-5, Infinity, -Infinity])
    expect(float16Bits(value)).toBe(oracleBits(value));
  for (let bits = 0; bits < 65_536; bits += 7) {
    const expected = new Float16Array(new Uint16Array([bits]).buffer)[0] ?? 0;
    expect(Object.is(float16Value(bits), expected)).toBe(true);
  }
});

test('a float32 golden tensor is what it always was', () => {
  expect(goldenTensor({ seed: 7, elementType: 'float32', shape: [3, 5] })).toEqual(goldenInput(7, 15));
});

test('whole numbers stay in their range, and reach both ends', () => {
  const range = { minimum: 3, maximum: 6 };
  for (const elementType of ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'] as const) {
    const values = [...goldenTensor({ seed: 1, elementType, shape: [400], range })].map(Number);
    expect([Math.min(...values), Math.max(...values)]).toEqual([3, 6]);
  }
  const bytes = [...goldenTensor({ seed: 2, elementType: 'uint8', shape: [4000] })].map(Number);
  expect([Math.min(...bytes), Math.max(...bytes)]).toEqual([0, 255]);
});

test('truth values are both, and float16 is read back as numbers', () => {
  expect(new Set([...goldenTensor({ seed: 3, elementType: 'bool', shape: [64] })].map(Number))).toEqual(new Set([0, 1]));
  const half = goldenTensor({ seed: 4, elementType: 'float16', shape: [100] });
  const numbers = Array.from(goldenNumbers('float16', half), Number);
  const exact = goldenInput(4, 100);
  expect(numbers.every((value, index) => Math.abs(value - (exact[index] ?? 9)) <= 2 ** -11)).toBe(true);
});

test('strings cannot be made', () => {
  expect(() => goldenTensor({ seed: 1, elementType: 'string', shape: [1] })).toThrowError(
    expect.objectContaining({ code: 'golden-unsupported' }),
  );
});

test('64-bit outputs are compared as numbers, and a golden set that holds a NaN lets nothing pass', () => {
  expect(goldenError({ shape: [2], stride: 1, samples: [4, 8] }, new BigInt64Array([4n, 6n]))).toBe(0.25);
  expect(goldenError({ shape: [1], stride: 1, samples: [Number.NaN] }, [0])).toBe(Number.POSITIVE_INFINITY);
});
