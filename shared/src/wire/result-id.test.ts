import { expect, test } from 'vitest';
import { makeResultId, parseResultId } from './result-id.ts';

const origin = { device: 'a'.repeat(26), release: '0123456789abcdef'.repeat(4), atMs: 1_700_000_000_000 };

test('a result id says where it comes from, and is one part of an address', () => {
  const id = makeResultId(origin, (count) => new Uint8Array(count).fill(7));
  expect(parseResultId(id)).toEqual({ ...origin, release: '0123456789abcdef' });
  expect(encodeURIComponent(id)).toBe(id);
  expect(makeResultId(origin, (count) => new Uint8Array(count).fill(8))).not.toBe(id);
});

test.each([
  '',
  'a',
  `${'a'.repeat(26)}-0123456789abcdef-018bcfe56800`,
  `${'A'.repeat(26)}-0123456789abcdef-018bcfe56800-${'0'.repeat(20)}`,
])('what is none is refused: "%s"', (text) =>
  expect(() => parseResultId(text)).toThrow(expect.objectContaining({ code: 'invalid-result-id' })),
);
