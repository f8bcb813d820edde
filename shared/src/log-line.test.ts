import { expect, test } from 'vitest';
import { readableLine } from './log-line.ts';

test('a line as agents write it reads as time, level, message and facts', () => {
  const line = '{"time":"2026-11-24T04:35:15.920Z","level":"info","message":"pulled","blob":"33332fee8e5c","sizeBytes":144474}';
  expect(readableLine(line)).toBe('2026-11-24 04:35:15.920  info   pulled  blob=33332fee8e5c  sizeBytes=144474');
});

test.each(['plain words', '{"broken": ', '[1, 2]', '42', '{"no":"words"}'])('another line stays as it is: %s', (line) => {
  expect(readableLine(line)).toBe(line);
});
