import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scaleOf, timeTicks } from './axis-ticks.ts';

const plain = (value: number): string => String(value);

describe('a scale', () => {
  test('of a measure that ends somewhere ends there', () => {
    expect(scaleOf([10, 63], 100, plain)).toEqual({ domain: [0, 100], ticks: [0, 25, 50, 75, 100] });
    expect(scaleOf([100], 100, plain)).toEqual({ domain: [0, 100], ticks: [0, 25, 50, 75, 100] });
    expect(scaleOf([], 1, plain)).toEqual({ domain: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1] });
    // Beyond its end nothing is hidden.
    expect(scaleOf([130], 100, plain).domain[1]).toBeGreaterThanOrEqual(130);
  });

  test.each([
    [[0.3], [0, 0.1, 0.2, 0.3]],
    [[98], [0, 25, 50, 75, 100]],
    [[7], [0, 2, 4, 6, 8]],
    [
      [-3, 4],
      [-4, -2, 0, 2, 4],
    ],
    [
      [0, 0],
      [0, 1],
    ],
  ])('of %o goes in round steps', (values, ticks) => {
    expect(scaleOf(values, undefined, plain).ticks).toEqual(ticks);
  });

  test('says nothing twice', () => {
    expect(scaleOf([1.2], undefined, (value) => value.toFixed(0)).ticks).toEqual([0, 0.5, 1.5]);
    expect(
      timeTicks(
        [1, 2, 3, 11, 12].map((atMs) => ({ atMs })),
        (atMs) => String(Math.floor(atMs / 10)),
      ),
    ).toEqual([1, 11]);
  });

  test('holds all values, in few ticks', () => {
    const value = fc.double({ min: -1e9, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(
          value.filter((each) => each === 0 || Math.abs(each) > 1e-9),
          { maxLength: 20 },
        ),
        (values) => {
          const { domain, ticks } = scaleOf(values, undefined, plain);
          const margin = (domain[1] - domain[0]) * 1e-9;
          expect(Math.min(0, ...values)).toBeGreaterThanOrEqual(domain[0] - margin);
          expect(Math.max(0, ...values)).toBeLessThanOrEqual(domain[1] + margin);
          expect(ticks.length).toBeLessThanOrEqual(5);
        },
      ),
    );
  });
});
