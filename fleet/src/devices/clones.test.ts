import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCloneWatch } from './clones.ts';

test('a device that is started again and again, and reconnects in each life, is none', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { maxLength: 40 }), (reconnects) => {
      const watch = createCloneWatch();
      for (const [life, count] of reconnects.entries())
        for (let hello = 0; hello <= count; hello += 1) expect(watch.isClone('device', `boot-${life}`, life)).toBe(false);
    }),
  );
});

test('a life that comes back after another one is told once an hour, for its device alone', () => {
  const watch = createCloneWatch();
  const hello = (bootId: string, atMs: number, device = 'device') => watch.isClone(device, bootId, atMs);
  expect([hello('a', 0), hello('b', 1), hello('a', 2), hello('b', 3), hello('a', 4)]).toEqual([false, false, true, false, false]);
  expect([hello('a', 5, 'other'), hello('b', 6, 'other')]).toEqual([false, false]);
  expect([hello('b', 3_600_002), hello('a', 3_600_003)]).toEqual([true, false]);
});

test('three that share a disk are told as well', () => {
  const watch = createCloneWatch();
  expect(['a', 'b', 'c', 'a'].map((bootId, atMs) => watch.isClone('device', bootId, atMs))).toEqual([false, false, false, true]);
});
