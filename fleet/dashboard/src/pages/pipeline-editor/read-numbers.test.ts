import { expect, test } from 'vitest';
import { readNumbers, readPoints } from './read-numbers.ts';

test('numbers are separated as one likes, and words are none', () => {
  expect(readNumbers('0.1, 0.2 3')).toEqual([0.1, 0.2, 3]);
  expect(readNumbers('')).toEqual([]);
  expect(readNumbers('1, two')).toBeUndefined();
});

test('points stand one a line, also as a list writes them', () => {
  expect(readPoints('0, 1\n[2, 3]')).toEqual([
    [0, 1],
    [2, 3],
  ]);
  expect(readPoints('0, 1; 1, 1')).toHaveLength(2);
  expect(readPoints('0, 1, 2')).toBeUndefined();
});
