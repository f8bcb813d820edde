import { expect, test } from 'vitest';
import { duration, relativeTime, utcTime } from './time.ts';

const now = Date.UTC(2026, 10, 24, 3, 12, 5);

test('a moment reads in UTC', () => {
  expect(utcTime(now)).toBe('2026-11-24 03:12:05 UTC');
});

test.each([
  [-1000, 'just now'],
  [3000, 'just now'],
  [-65_000, '1 min. ago'],
  [-7_200_000, '2 hr. ago'],
  [86_400_000, 'tomorrow'],
  [-40 * 86_400_000, 'last mo.'],
])('%d ms from now reads %s', (difference, words) => {
  expect(relativeTime(now + difference, now)).toBe(words);
});

test.each([
  [0.01, '0 ms'],
  [1.25, '1.3 ms'],
  [173.4, '173 ms'],
  [4243, '4.24 s'],
  [12_345, '12.3 s'],
  [200_000, '3 min 20 s'],
  // What is rounded up to the next unit is told in it.
  [9.96, '10 ms'],
  [999.6, '1.00 s'],
  [9_996, '10.0 s'],
  [59_960, '1 min 0 s'],
  [299_600, '5 min 0 s'],
])('%d ms lasts %s', (lengthMs, words) => {
  expect(duration(lengthMs)).toBe(words);
});
