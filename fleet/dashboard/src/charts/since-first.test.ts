import { expect, test } from 'vitest';
import { sinceFirst } from './since-first.ts';

const hour = (from: number): number[] => Array.from({ length: 60 }, (_, minute) => (minute < from ? 0 : minute));
const shown = (from: number): number[] => sinceFirst(hour(from), (value) => value > 0);

test('starts one point before the first that says something', () => {
  expect(shown(30)).toEqual(hour(30).slice(29));
});

test('is the whole range where that is full, and where nothing is there', () => {
  expect(sinceFirst(hour(0), () => true)).toHaveLength(60);
  expect(sinceFirst(hour(60), (value) => value > 0)).toHaveLength(60);
});

test('shows enough of the range for its first minutes', () => {
  expect(shown(59)).toHaveLength(12);
  expect(shown(59).at(-1)).toBe(59);
  expect(sinceFirst([0, 0, 3], (value) => value > 0)).toEqual([0, 0, 3]);
});
