import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isStarlingError } from '../errors.ts';
import { cborDecode, cborEncode, jsonDecode, jsonEncode, parseWith } from './cbor.ts';

const anything = z.unknown();
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

/** What both codecs carry: no -0, which JSON loses, and no key that would set a prototype. */
const key = fc.string().filter((text) => text !== '__proto__');
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.boolean(),
    fc.constant(null),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value;

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (isStarlingError(error)) return error.code;
    throw error;
  }
  return undefined;
}

describe('CBOR', () => {
  test('comes back as it was sent', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(cborDecode(cborEncode(value), anything)).toEqual(value);
      }),
    );
  });

  test('carries bytes as bytes, wherever they lie in a buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(9), (bytes, offset) => {
        const view = new Uint8Array([...Array(offset).fill(1), ...bytes]).subarray(offset);
        expect(cborDecode(cborEncode({ view }), z.object({ view: z.instanceof(Uint8Array) })).view).toEqual(bytes);
      }),
    );
  });

  // RFC 8949, appendix A.
  test.each<[string, unknown]>([
    ['00', 0],
    ['1903e8', 1000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['3903e7', -1000],
    ['fb3ff199999999999a', 1.1],
    ['f5', true],
    ['f6', null],
    ['62c3bc', 'ü'],
    ['83010203', [1, 2, 3]],
    ['a201020304', new Map()],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
  ])('reads %s of the standard', (bytes, value) => {
    // A map with numbers as keys is no plain data: it is refused or becomes something that is not plain, never a mix-up of keys.
    if (value instanceof Map) return expect(codeOf(() => cborDecode(hex(bytes), z.record(z.string(), z.unknown())))).toBeDefined();
    expect(cborDecode(hex(bytes), anything)).toEqual(value);
  });

  test.each([
    ['bytes after the end', '0000'],
    ['nothing', ''],
    ['an indefinite length', '9f01ff'],
    ['a key twice', 'a2616101616102'],
    ['a length that the bytes do not have', '5903e801'],
    ['an array of 2^32 items', '9affffffff'],
    ['a break without a start', 'ff'],
  ])('with %s is refused', (_what, bytes) => {
    expect(codeOf(() => cborDecode(hex(bytes), anything))).toBe('invalid-cbor');
  });

  test('that was cut anywhere is refused', () => {
    fc.assert(
      fc.property(plain, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (value, share) => {
        const bytes = cborEncode(value);
        expect(codeOf(() => cborDecode(bytes.subarray(0, Math.floor(bytes.length * share)), anything))).toBe('invalid-cbor');
      }),
    );
  });

  test('of any bytes gives a value or a code, never another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect([undefined, 'invalid-cbor']).toContain(codeOf(() => cborDecode(bytes, anything)));
      }),
      { numRuns: 1000 },
    );
  });

  test('nested as deep as a packet allows is answered, not crashed on', () => {
    const nested = new Uint8Array(128 * 1024).fill(0x81);
    expect(codeOf(() => cborDecode(nested, anything))).toBe('invalid-cbor');
  });

  test('leaves out fields that are undefined, as JSON does', () => {
    expect(cborDecode(cborEncode({ a: 1, b: undefined }), anything)).toEqual({ a: 1 });
  });
});

describe('JSON', () => {
  test('comes back as it was sent', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(jsonDecode(jsonEncode(value), anything)).toEqual(value);
      }),
    );
  });

  test('of any bytes gives a value or a code, never another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect([undefined, 'invalid-json']).toContain(codeOf(() => jsonDecode(bytes, anything)));
      }),
    );
  });

  test('that is not UTF-8 is refused', () => {
    expect(codeOf(() => jsonDecode(hex('22ff22'), anything))).toBe('invalid-json');
  });
});

describe('the error of a value that is not the schema', () => {
  const schema = z.object({
    name: z.string(),
    nodes: z.record(
      z.string().regex(/^[a-z]+$/, 'use a-z'),
      z.union([z.strictObject({ op: z.string(), width: z.number().max(9).optional() }), z.strictObject({ model: z.string() })]),
    ),
  });

  test.each<[string, unknown, string]>([
    ['', 5, 'expected object'],
    ['name', { nodes: {} }, 'expected string'],
    ['nodes.a.width', { name: 'x', nodes: { a: { op: 'y', width: 10 } } }, 'Too big'],
    ['nodes.a.model', { name: 'x', nodes: { a: { model: 5 } } }, 'expected string'],
    ['nodes.B', { name: 'x', nodes: { B: { op: 'y' } } }, 'use a-z'],
  ])('names %j', (field, value, words) => {
    expect(() => parseWith(schema, value)).toThrowError(
      expect.objectContaining({ code: 'invalid-message', field, message: expect.stringContaining(words) }),
    );
  });
});
