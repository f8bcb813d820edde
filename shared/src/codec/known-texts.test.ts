import { decode, encode } from 'cborg';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KnownTextTokenizer } from './known-texts.ts';

const read = (bytes: Uint8Array): unknown => decode(bytes, { tokenizer: new KnownTextTokenizer(bytes) });

test('reads what the plain decoder reads, however often a text comes', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 33 }));
  // More texts than there are places to remember them: some come to lie where another lies.
  fc.assert(
    fc.property(fc.array(text, { maxLength: 200, size: 'max' }), (texts) => {
      const bytes = encode([...texts, ...texts, Object.fromEntries(texts.map((each) => [each, each]))]);
      expect(read(bytes)).toEqual(decode(bytes));
    }),
    { numRuns: 200 },
  );
});

test('refuses a text that ends before its length, also where it is known up to there', () => {
  const whole = encode('temperature');
  expect(read(whole)).toBe('temperature');
  expect(() => read(whole.subarray(0, 6))).toThrow(/not enough data|end/i);
  expect(() => read(Uint8Array.of(0x78))).toThrow();
  expect(() => read(Uint8Array.of(0x78, 5, 0x61))).toThrow();
});

test('a length that is written longer than it need be is not taken for the shorter one', () => {
  expect(read(Uint8Array.of(0x63, 0x61, 0x62, 0x63))).toBe('abc');
  expect(read(Uint8Array.of(0x82, 0x78, 3, 0x61, 0x62, 0x63, 0x01))).toEqual(['abc', 1]);
  expect(read(Uint8Array.of(0x82, 0x63, 0x61, 0x62, 0x63, 0x01))).toEqual(['abc', 1]);
});

test('an answer is no part of the message: bytes that come later change nothing', () => {
  const bytes = encode({ key: 'value' });
  const value = read(bytes);
  bytes.fill(0);
  expect(value).toEqual({ key: 'value' });
  expect(read(encode({ key: 'value' }))).toEqual({ key: 'value' });
});
