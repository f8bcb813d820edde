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
  const after = createDriftWatch(monitor, before.unkept());
  expect(feed(after, 0.7, JUDGED_MINIMUM, 20).at(-1)?.drifted).toBe(true);
});

/** Values spread evenly from `from` on, over a quarter of the range. */
const spread = (count: number, from: number): number[] => Array.from({ length: count }, (_, index) => from + (0.25 * index) / count);
function windowOf(watch: ReturnType<typeof createDriftWatch>, values: readonly number[]): DriftVerdict | undefined {
  watch.add(values);
  return watch.endWindow();
}

test('a restart forgets nothing that was learned, unless the bins are others', () => {
  const first = createDriftWatch(monitor, null);
  windowOf(first, spread(REFERENCE_MINIMUM, 0.3));
  const next = createDriftWatch(monitor, first.unkept());
  expect(windowOf(next, spread(JUDGED_MINIMUM, 0.7))).toMatchObject({ drifted: true });
  const other = createDriftWatch({ ...monitor, bins: [0.5] }, first.unkept());
  expect(windowOf(other, spread(JUDGED_MINIMUM, 0.7))).toMatchObject({ reference: null, drifted: false });
});

test('the reference of the publisher holds from the first window on, and none is learned', () => {
  const watch = createDriftWatch({ ...monitor, reference: [0, 100, 100, 0, 0] }, null);
  expect(windowOf(watch, spread(JUDGED_MINIMUM, 0.7))).toMatchObject({ drifted: true, reference: [0, 100, 100, 0, 0] });
  expect(watch.unkept()).toBeNull();
});

test('a shift that is significant but of no weight is no drift', () => {
  const reference = [100_000, 100_000, 100_000, 100_000, 100_000];
  const watch = createDriftWatch({ ...monitor, reference }, null);
  const slight = windowOf(
    watch,
    [0.1, 0.3, 0.5, 0.7, 0.9].flatMap((value, bin) => Array<number>(bin === 0 ? 11_500 : 10_000).fill(value)),
  );
  expect(slight?.ksPValue).toBeLessThan(0.01);
  expect(slight?.psi).toBeLessThan(monitor.psiThreshold);
  expect(slight?.drifted).toBe(false);
});
