import { expect, test } from 'vitest';
import { watchedText } from './watched-text.ts';

const tap = (edges: string[], untilMs = 2000) => ({ tap: 'a'.repeat(26), edges, account: 'anna@example.org', untilMs });
const timeOf = (atMs: number): string => `${atMs}`;

test('says who watches what, and until when', () => {
  expect(watchedText([tap(['decode.image'])], 1000, timeOf)).toBe('Edge decode.image is being watched by anna@example.org until 2000.');
  expect(watchedText([tap(['a.x', 'b.y', 'c.z'], 3000)], 1000, timeOf)).toBe(
    'Edges a.x, b.y and c.z are being watched by anna@example.org until 3000.',
  );
});

test('tells the time on a clock of 24 hours, whatever the language is', () => {
  const evening = new Date(2026, 10, 27, 21, 5, 9).getTime();
  expect(watchedText([tap(['a.x'], evening)], 1000)).toMatch(/until 21:05:09\.$/);
  expect(watchedText([tap(['a.x'], evening + 3 * 3_600_000)], 1000)).toMatch(/until 00:05:09\.$/);
});

test('says nothing once that is over, and of each tap by itself', () => {
  expect(watchedText([], 1000, timeOf)).toBe('');
  expect(watchedText([tap(['a.x'], 999)], 1000, timeOf)).toBe('');
  expect(watchedText([tap(['a.x']), tap(['b.y'])], 1000, timeOf).match(/being watched/g)).toHaveLength(2);
});

test('says that what is seen is kept, where it is', () => {
  expect(watchedText([{ ...tap(['decode.image']), isKept: true }], 1000, timeOf)).toBe(
    'Edge decode.image is being recorded by anna@example.org until 2000.',
  );
});
