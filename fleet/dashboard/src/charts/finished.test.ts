import { expect, test } from 'vitest';
import { finished } from './finished.ts';

const points = [0, 60_000, 120_000].map((atMs) => ({ atMs, items: 60 }));

test('the part that still goes on says nothing, and keeps its place', () => {
  expect(finished(points, 60_000, 140_000)).toEqual([points[0], points[1], { atMs: 120_000 }]);
});

test('a part that is just over waits until devices have told of it', () => {
  expect(finished(points, 60_000, 121_000)).toEqual([points[0], { atMs: 60_000 }, { atMs: 120_000 }]);
});

test('what is long over is shown whole', () => {
  expect(finished(points, 60_000, 1_000_000)).toEqual(points);
});
