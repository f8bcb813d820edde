import { expect, test } from 'vitest';
import { readBins } from './read-bins.ts';

test('bins are ascending numbers, however they are separated', () => {
  expect(readBins(' 0.2, 0.5 0.8,')).toEqual([0.2, 0.5, 0.8]);
  expect(readBins('-1,1e3')).toEqual([-1, 1000]);
});

test.each(['', '0.5, 0.2', '1, 1', '1, two', Array.from({ length: 65 }, (_, index) => index).join()])('no bins: %s', (text) => {
  expect(readBins(text)).toBeUndefined();
});
