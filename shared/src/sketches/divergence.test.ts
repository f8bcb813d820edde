import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kolmogorovSmirnov, kolmogorovSmirnovPValue, populationStabilityIndex } from './divergence.ts';
import vectors from './reference-vectors.json' with { type: 'json' };

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
const pair = fc
  .integer({ min: 1, max: 30 })
  .chain((bins) => fc.tuple(...[0, 1].map(() => fc.array(fc.nat(1000), { minLength: bins, maxLength: bins }))));

describe('against SciPy', () => {
  test.each(vectors.divergences)('$name', ({ reference, current, psi, ks, ksPValue }) => {
    expect(populationStabilityIndex(reference, current)).toBeCloseTo(psi, 10);
    const statistic = kolmogorovSmirnov(reference, current);
    expect(statistic).toBeCloseTo(ks, 12);
    expect(kolmogorovSmirnovPValue(statistic, total(reference), total(current))).toBeCloseTo(ksPValue, 9);
  });
});

describe('the population stability index', () => {
  test('is never negative, the same both ways, and 0 for equal shares', () => {
    fc.assert(
      fc.property(pair, ([reference = [], current = []]) => {
        const index = populationStabilityIndex(reference, current);
        expect(index).toBeGreaterThanOrEqual(-1e-12);
        expect(index).toBeCloseTo(populationStabilityIndex(current, reference), 10);
        expect(populationStabilityIndex(reference, reference)).toBeCloseTo(0, 12);
      }),
    );
  });

  test('stays finite where a bin is empty on one side, and for empty samples', () => {
    expect(populationStabilityIndex([0, 10], [10, 0])).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(populationStabilityIndex([0, 0], [0, 0])).toBe(0);
  });
});

describe('the Kolmogorov-Smirnov statistic', () => {
  test('lies between 0 and 1, and is the same both ways', () => {
    fc.assert(
      fc.property(pair, ([reference = [], current = []]) => {
        const statistic = kolmogorovSmirnov(reference, current);
        expect(statistic).toBeGreaterThanOrEqual(0);
        expect(statistic).toBeLessThanOrEqual(1 + 1e-12);
        expect(statistic).toBeCloseTo(kolmogorovSmirnov(current, reference), 12);
      }),
    );
  });

  test('of samples without a common bin is 1, of an empty one 0', () => {
    expect(kolmogorovSmirnov([5, 0], [0, 7])).toBe(1);
    expect(kolmogorovSmirnov([0, 0], [3, 4])).toBe(0);
  });

  test('has a p-value between 0 and 1 that falls with it', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 100_000 }), (statistic, count) => {
        const pValue = kolmogorovSmirnovPValue(statistic, count, count);
        expect(pValue).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeLessThanOrEqual(1);
        expect(kolmogorovSmirnovPValue(Math.min(1, statistic + 0.01), count, count)).toBeLessThanOrEqual(pValue + 1e-12);
      }),
    );
    expect(kolmogorovSmirnovPValue(0.5, 0, 10)).toBe(1);
  });
});
