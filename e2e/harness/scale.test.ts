import { expect, test } from 'vitest';
import { parseScale, scaled } from './scale.ts';

test('a tenth, unless told otherwise', () => {
  expect(parseScale(undefined)).toBe(0.1);
  expect(parseScale('1')).toBe(1);
  expect(scaled(50, 0.1)).toBe(5);
  expect(scaled(300, 1)).toBe(300);
});

test('never none', () => {
  expect(scaled(3, 0.1)).toBe(1);
});

test.each(['0', '-1', '2', 'all', 'NaN'])('refuses a scale of %s', (text) => {
  expect(() => parseScale(text)).toThrow('STARLING_TEST_SCALE');
});
