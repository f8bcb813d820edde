import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BURST_MS, burstRuns, isSlowed, liveMean, pauseMs } from './pace.ts';
import { latencyOf } from './statistics.ts';

test('a burst is short, does something, and no more than is left', () => {
  expect(burstRuns(10, 100)).toBe(BURST_MS / 10);
  expect(burstRuns(5_000, 100)).toBe(1);
  expect(burstRuns(0.001, 7)).toBe(7);
  expect(burstRuns(Number.POSITIVE_INFINITY, 7)).toBe(1);
});

test('bursts and pauses together stay within the share', () => {
  const positive = fc.double({ min: 0.001, max: 10, noNaN: true });
  fc.assert(
    fc.property(
      positive,
      positive,
      fc.integer({ min: 1, max: 64 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (cpu, wall, cores, share) => {
        const burst = { cpuSeconds: cpu, wallMs: wall * 1000 };
        const pause = pauseMs(burst, cores, share, 0);
        const taken = cpu / (((burst.wallMs + pause) / 1000) * cores);
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(taken).toBeLessThanOrEqual(share * 1.000001);
      },
    ),
  );
});

test('slowed pipelines get more room each time, up to a bound', () => {
  const burst = { cpuSeconds: 0.1, wallMs: 100 };
  const pauses = [0, 1, 2, 3, 4, 5, 6].map((slowed) => pauseMs(burst, 2, 1, slowed));
  expect(pauses).toEqual([0, 200, 400, 800, 1600, 1600, 1600]);
});

test('pipelines are slowed when their mean is over the share, and a few items say nothing', () => {
  const mean = liveMean({ items: 5, totalMs: 50 }, { items: 15, totalMs: 150 });
  expect(mean).toEqual({ items: 10, meanMs: 10 });
  expect(isSlowed(mean, { items: 9, meanMs: 18 }, 0.5)).toBe(true);
  expect(isSlowed(mean, { items: 9, meanMs: 16.9 }, 0.5)).toBe(false);
  expect(isSlowed(mean, { items: 2, meanMs: 900 }, 0.5)).toBe(false);
  expect(isSlowed({ items: 0, meanMs: 0 }, { items: 9, meanMs: 900 }, 0.5)).toBe(false);
});

test('latency: the middle of an even number, and the nearest rank for p95', () => {
  expect(latencyOf([4, 1, 3, 2])).toEqual({ median: 2.5, p95: 4, mean: 2.5 });
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(latencyOf(hundred)).toEqual({ median: 50.5, p95: 95, mean: 50.5 });
  expect(latencyOf([7])).toEqual({ median: 7, p95: 7, mean: 7 });
});
