import { expect, test } from 'vitest';
import { createFrameRate } from './frame-rate.ts';

test('two results that arrive together are no hundred a second', () => {
  const rate = createFrameRate();
  rate.add(1_000, 1_000);
  expect(rate.perSecond(1_000)).toBeUndefined();
  rate.add(1_010, 1_000);
  expect(rate.perSecond(1_010)).toBeCloseTo(2, 1);
});

test('frames every 50 ms are 20 a second from the second one on', () => {
  const rate = createFrameRate();
  for (let atMs = 50; atMs <= 20_000; atMs += 50) {
    rate.add(atMs, 50);
    if (atMs > 50) expect(rate.perSecond(atMs)).toBeCloseTo(20, 5);
  }
});

test('a slow model keeps its figure between results', () => {
  const rate = createFrameRate();
  for (let atMs = 4_000; atMs <= 40_000; atMs += 4_000) rate.add(atMs, 4_000);
  for (let nowMs = 40_000; nowMs < 44_000; nowMs += 500) expect(rate.perSecond(nowMs)).toBeCloseTo(0.25, 5);
});

test('when nothing comes any more, or another source begins, there is no figure', () => {
  const rate = createFrameRate();
  for (let atMs = 100; atMs <= 1_000; atMs += 100) rate.add(atMs, 100);
  expect(rate.perSecond(20_000)).toBeUndefined();
  rate.add(20_100, 100);
  rate.add(20_200, 100);
  expect(rate.perSecond(20_200)).toBeCloseTo(10, 5);
  rate.forget();
  expect(rate.perSecond(20_200)).toBeUndefined();
});
