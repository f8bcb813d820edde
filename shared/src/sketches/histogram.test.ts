import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addToHistogram,
  binOf,
  createHistogram,
  type Histogram,
  histogramSchema,
  latencyEdgesMs,
  mergeHistograms,
  quantileOf,
} from './histogram.ts';
import vectors from './reference-vectors.json' with { type: 'json' };

function histogramOf(values: readonly number[], edges: readonly number[] = latencyEdgesMs): Histogram {
  const histogram = createHistogram(edges);
  for (const value of values) addToHistogram(histogram, value);
  return histogram;
}

/** Sums of floating point numbers depend on their order in the last bits; everything else is exact. */
function expectSame(left: Histogram, right: Histogram): void {
  expect({ ...left, sum: 0 }).toEqual({ ...right, sum: 0 });
  expect(left.sum).toBeCloseTo(right.sum, 3);
}

const latency = fc.double({ min: 0.1, max: 99_000, noNaN: true });
const sample = fc.array(latency, { maxLength: 60 });

describe('a histogram', () => {
  test('of several samples is the sum of theirs, in any order and grouping', () => {
    fc.assert(
      fc.property(sample, sample, sample, (first, second, third) => {
        const [a, b, c] = [histogramOf(first), histogramOf(second), histogramOf(third)] as const;
        expectSame(mergeHistograms(a, b), mergeHistograms(b, a));
        expectSame(mergeHistograms(mergeHistograms(a, b), c), mergeHistograms(a, mergeHistograms(b, c)));
        expectSame(mergeHistograms(mergeHistograms(a, b), c), histogramOf([...first, ...second, ...third]));
        expectSame(mergeHistograms(a, createHistogram(latencyEdgesMs)), a);
      }),
    );
  });

  test('leaves the ones that it was merged from as they were', () => {
    const [a, b] = [histogramOf([1, 2]), histogramOf([3])];
    const before = structuredClone([a, b]);
    mergeHistograms(a, b);
    expect([a, b]).toEqual(before);
  });

  test('puts each value into the bin whose edges hold it', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 40 }), fc.double({ noNaN: true }), (numbers, value) => {
        const edges = [...new Set(numbers)].sort((a, b) => a - b);
        const bin = binOf(edges, value);
        expect(value >= (edges[bin - 1] ?? Number.NEGATIVE_INFINITY)).toBe(true);
        expect(bin === edges.length || value < (edges[bin] as number)).toBe(true);
      }),
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('passes over %s', (value) => {
    expect(histogramOf([value])).toEqual(createHistogram(latencyEdgesMs));
  });

  test('estimates any quantile of latencies within its promise of 10.1 %', () => {
    fc.assert(
      fc.property(fc.array(latency, { minLength: 1, maxLength: 200 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, fraction) => {
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] as number;
        const estimate = quantileOf(histogramOf(values), fraction) as number;
        expect(Math.abs(estimate - exact) / exact).toBeLessThanOrEqual(0.101);
      }),
      { numRuns: 500 },
    );
  });

  test('never estimates outside what it saw, and ever more for higher fractions', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
        const histogram = histogramOf(values, [-10, 0, 10]);
        let last = Number.NEGATIVE_INFINITY;
        for (const fraction of [0, 0.1, 0.5, 0.9, 0.99, 1]) {
          const estimate = quantileOf(histogram, fraction) as number;
          expect(estimate).toBeGreaterThanOrEqual(Math.min(...values));
          expect(estimate).toBeLessThanOrEqual(Math.max(...values));
          expect(estimate).toBeGreaterThanOrEqual(last - 1e-9);
          last = estimate;
        }
      }),
    );
  });

  test.each(vectors.quantiles.expected)('agrees with NumPy on the quantile $fraction', ({ fraction, value }) => {
    const estimate = quantileOf(histogramOf(vectors.quantiles.values), fraction) as number;
    expect(Math.abs(estimate - value) / value).toBeLessThanOrEqual(0.101);
  });

  test('that is empty has no quantile', () => {
    expect(quantileOf(createHistogram([1, 2]), 0.5)).toBeNull();
  });

  test('is not merged with one of other edges', () => {
    const refused = expect.objectContaining({ code: 'edges-differ' });
    expect(() => mergeHistograms(createHistogram([1, 2]), createHistogram([1, 3]))).toThrowError(refused);
    expect(() => mergeHistograms(createHistogram([1, 2]), createHistogram([1]))).toThrowError(refused);
  });

  test('passes its own schema after a journey as JSON', () => {
    fc.assert(
      fc.property(sample, (values) => {
        const sent = histogramOf(values);
        expect(histogramSchema.parse(JSON.parse(JSON.stringify(sent)))).toEqual(sent);
      }),
    );
  });

  test.each<[string, Partial<Histogram>]>([
    ['edges', { edges: [2, 1] }],
    ['edges', { edges: [1, 1] }],
    ['counts', { counts: [1, 1] }],
    ['counts.0', { counts: [-1, 1, 1] }],
    ['counts.0', { counts: [0.5, 0.5, 0] }],
    ['count', { count: 5 }],
    ['minimum', { minimum: null }],
    ['minimum', { minimum: 9, maximum: 3 }],
  ])('with bad %s is refused by that name', (field, change) => {
    const good = histogramOf([0.5, 1.5], [1, 2]);
    const issues = histogramSchema.safeParse({ ...good, ...change }).error?.issues ?? [];
    expect(issues.map(({ path }) => path.join('.'))).toContain(field);
  });
});
