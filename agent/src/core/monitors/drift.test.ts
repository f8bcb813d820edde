import type { Monitor } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { createDriftWatch, type DriftVerdict, REFERENCE_MINIMUM, WINDOW_MINIMUM } from './drift.ts';

const monitor: Monitor = { edge: 'decode.image', measure: 'brightness', bins: [0.2, 0.4, 0.6, 0.8], psiThreshold: 0.25 };
/** Values spread evenly from `from` on, over a quarter of the range. */
const values = (count: number, from: number): number[] => Array.from({ length: count }, (_, index) => from + (0.25 * index) / count);

describe('a drift watch', () => {
  const windowOf = (watch: ReturnType<typeof createDriftWatch>, numbers: readonly number[]): DriftVerdict | undefined => {
    watch.add(numbers);
    return watch.endWindow();
  };

  test('learns its reference from the first windows, and judges none of them', () => {
    const watch = createDriftWatch(monitor, null);
    for (let learned = 0; learned < REFERENCE_MINIMUM; learned += 50)
      expect(windowOf(watch, values(50, 0.3))).toMatchObject({ reference: null, psi: null, ks: null, drifted: false });
    const same = windowOf(watch, values(50, 0.3));
    expect(same).toMatchObject({ drifted: false, ks: expect.closeTo(0, 6) });
    expect(same?.psi).toBeLessThan(0.1);
    expect(windowOf(watch, values(50, 0.7))).toMatchObject({ drifted: true });
    // A window that drifted does not become what later ones are compared with.
    expect(windowOf(watch, values(50, 0.3))).toMatchObject({ drifted: false });
    expect(watch.learned()?.count).toBe(REFERENCE_MINIMUM);
  });

  test('keeps what it learned across a restart, unless the bins are others', () => {
    const first = createDriftWatch(monitor, null);
    windowOf(first, values(REFERENCE_MINIMUM, 0.3));
    const next = createDriftWatch(monitor, first.learned());
    expect(windowOf(next, values(50, 0.7))).toMatchObject({ drifted: true });
    const other = createDriftWatch({ ...monitor, bins: [0.5] }, first.learned());
    expect(windowOf(other, values(50, 0.7))).toMatchObject({ reference: null, drifted: false });
  });

  test('compares with the reference of the publisher from the first window on, and learns none', () => {
    const watch = createDriftWatch({ ...monitor, reference: [0, 100, 100, 0, 0] }, null);
    expect(windowOf(watch, values(60, 0.7))).toMatchObject({ drifted: true, reference: [0, 100, 100, 0, 0] });
    expect(watch.learned()).toBeNull();
  });

  test('calls no handful of values a drift, and no shift that only one of the two tests sees', () => {
    const reference = [1000, 1000, 1000, 1000, 1000];
    const few = createDriftWatch({ ...monitor, reference }, null);
    const verdict = windowOf(few, values(WINDOW_MINIMUM - 1, 0.9));
    expect(verdict?.psi).toBeGreaterThan(monitor.psiThreshold);
    expect(verdict?.drifted).toBe(false);
    // A tiny shift in very many values: significant, and of no weight.
    const many = createDriftWatch({ ...monitor, reference: reference.map((count) => 100 * count) }, null);
    many.add([0.1, 0.3, 0.5, 0.7, 0.9].flatMap((value, bin) => Array(bin === 0 ? 11_500 : 10_000).fill(value)));
    const slight = many.endWindow();
    expect(slight?.ksPValue).toBeLessThan(0.01);
    expect(slight?.psi).toBeLessThan(monitor.psiThreshold);
    expect(slight?.drifted).toBe(false);
  });

  test('says nothing of a window without values', () => {
    expect(createDriftWatch(monitor, null).endWindow()).toBeUndefined();
  });
});
