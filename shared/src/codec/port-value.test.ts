import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { cborDecode, cborEncode } from './cbor.ts';
import { decodePortValue, encodePortValue } from './port-value.ts';

const leaf = fc.oneof(
  ...[fc.string(), fc.boolean(), fc.constant(null), fc.double(), fc.integer(), fc.constant(-0), fc.bigInt(), fc.uint8Array()],
  ...[fc.float32Array(), fc.float64Array(), fc.int8Array(), fc.int16Array(), fc.uint16Array(), fc.int32Array(), fc.uint32Array()],
  ...[fc.bigInt64Array(), fc.bigUint64Array(), fc.uint8ClampedArray()],
);
const key = fc.oneof(fc.string(), fc.constantFrom('$', 'v', 'data', 'constructor')).filter((name) => name !== '__proto__');
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));

describe('values of ports', () => {
  test('are the same after the journey', () => {
    fc.assert(
      fc.property(value, (given) => {
        const bytes = cborEncode({ given: encodePortValue(given) });
        expect(decodePortValue(cborDecode(bytes, z.object({ given: z.unknown() })).given)).toEqual(given);
      }),
    );
  });

  test('are copied out of memory that threads share, and out of the middle of larger arrays', () => {
    const shared = new Float32Array(new SharedArrayBuffer(16));
    shared.set([1, 2, 3, 4]);
    const encoded = encodePortValue({ data: shared.subarray(1, 3) });
    shared.fill(0);
    expect(decodePortValue(encoded)).toEqual({ data: new Float32Array([2, 3]) });
  });

  test.each([[() => 1], [Symbol('x')], [new Map()], [new Date(0)]])('are plain data, and not %s', (given) => {
    expect(() => encodePortValue(given)).toThrow(expect.objectContaining({ code: 'not-encodable' }));
  });

  test('that nobody encoded are refused', () => {
    const wrong = [{ $: 'nothing' }, { $: 'f32', v: new Uint8Array(3) }, { $: 'bigint', v: 'x' }, { $: '__proto__' }, { $: 5 }];
    for (const given of wrong) expect(() => decodePortValue(given)).toThrow(expect.objectContaining({ code: 'invalid-message' }));
  });
});
