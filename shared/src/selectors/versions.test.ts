import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareVersions, isVersion } from './versions.ts';

/** The order of the examples in Semantic Versioning 2.0.0, section 11, with what people write beside it. */
const inOrder = [
  ...['', 'nightly', '0', '0.0.1', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11'],
  ...['1.0.0-rc.1', '1.0.0', '1.0.1', '1.2', '1.10', '2.0.0-1', '2.0.0-010', '2.0.0-x', '2', '10.0.0'],
];

test('versions are ordered as versions', () => {
  for (const [place, left] of inOrder.entries()) {
    for (const [other, right] of inOrder.entries()) expect(Math.sign(compareVersions(left, right))).toBe(Math.sign(place - other));
  }
});

test.each([
  ['1.2', '1.2.0'],
  ['v1.2.3', '1.2.3+build.7'],
])('%s equals %s', (left, right) => {
  expect(compareVersions(left, right)).toBe(0);
});

test('every two texts have an order that does not contradict itself', () => {
  const text = fc.oneof(
    fc.constantFrom(...inOrder),
    fc.string({ maxLength: 6 }),
    fc.stringMatching(/^\d{1,2}(\.\d{1,2}){0,2}(-[a-z0-9.]{1,4})?$/),
  );
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
    }),
  );
});

test('what is no version is told from what is', () => {
  expect(['1', '1.2.3-rc.1+b', 'v3'].every(isVersion)).toBe(true);
  expect(['', '1.', 'x', '1.2.3.4', '1 ', '-1'].some(isVersion)).toBe(false);
});
