import type { Monitor } from '@starling/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDriftWatch, type DriftVerdict, JUDGED_MINIMUM, REFERENCE_MINIMUM } from './drift.ts';

const monitor: Monitor = { edge: 'decode.image', measure: 'brightness', bins: [0.2, 0.4, 0.6, 0.8], psiThreshold: 0.25 };

/** Windows of a few values each, all around one place. */
function feed(watch: ReturnType<typeof createDriftWatch>, around: number, count: number, perWindow: number): DriftVerdict[] {
  const verdicts: DriftVerdict[] = [];
  for (let at = 0; at < count; at += perWindow) {
    watch.add(Array.from({ length: perWindow }, (_, index) => around + 0.19 * Math.sin(at + index)));
    const verdict = watch.endWindow();
    if (verdict !== undefined) verdicts.push(verdict);
  }
  return verdicts;
}

test('a window without values is none', () => {
  expect(createDriftWatch(monitor, null).endWindow()).toBeUndefined();
});

test('a slow camera is judged too: windows of five values count together, and its drift is found', () => {
  const watch = createDriftWatch(monitor, null);
  expect(feed(watch, 0.3, REFERENCE_MINIMUM, 5).every(({ reference }) => reference === null)).toBe(true);
  const steady = feed(watch, 0.3, 3 * JUDGED_MINIMUM, 5);
  expect(steady[0]).toMatchObject({ psi: null, drifted: false, reference: expect.anything() });
  expect(steady.at(-1)?.psi).toBeLessThan(0.25);
  expect(steady.some(({ drifted }) => drifted)).toBe(false);

  const moved = feed(watch, 0.7, JUDGED_MINIMUM, 5);
  // The verdict before stands until enough values are there.
  expect(moved.slice(0, -1).some(({ drifted }) => drifted)).toBe(false);
  expect(moved.at(-1)).toMatchObject({ drifted: true });
  expect(moved.at(-1)?.histogram.count).toBe(5);

  const back = feed(watch, 0.3, JUDGED_MINIMUM, 5);
  expect(back.at(-2)?.drifted).toBe(true);
  expect(back.at(-1)?.drifted).toBe(false);
});

test('whatever the sizes of the windows: no verdict below the minimum, no value judged twice or forgotten', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 40 }), (sizes) => {
      const watch = createDriftWatch({ ...monitor, reference: [10, 20, 40, 20, 10] }, null);
      let unjudged = 0;
      let judged = false;
      for (const size of sizes) {
        watch.add(Array.from({ length: size }, (_, index) => (index % 10) / 10));
        const verdict = watch.endWindow();
        expect(verdict === undefined).toBe(size === 0);
        unjudged += size;
        if (unjudged >= JUDGED_MINIMUM) {
          judged = true;
          unjudged = 0;
        }
        if (verdict !== undefined) expect(verdict.psi !== null).toBe(judged);
      }
    }),
  );
});

test('what was learned goes on after a restart', () => {
  const before = createDriftWatch(monitor, null);
  feed(before, 0.3, REFERENCE_MINIMUM, 20);
  const after = createDriftWatch(monitor, before.learned());
  expect(feed(after, 0.7, JUDGED_MINIMUM, 20).at(-1)?.drifted).toBe(true);
});
