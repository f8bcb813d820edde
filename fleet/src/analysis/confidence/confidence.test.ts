import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  informationFor,
  levelBounds,
  logBetaBinomialMixture,
  logGamma,
  mixtureRadius,
  multinomialP,
  proportionBounds,
  scaleFor,
} from './index.ts';
import reference from './reference-vectors.json' with { type: 'json' };

describe('against SciPy', () => {
  test('the logarithm of the gamma function', () => {
    for (const [x, value] of reference.logGamma) expect(logGamma(x as number)).toBeCloseTo(value as number, 9);
  });

  test.each(reference.normalMixture)('the normal mixture, integrated: %o', ({ variance, scale, alpha, radius }) => {
    expect(mixtureRadius(variance, Number.POSITIVE_INFINITY, scale, alpha)).toBeCloseTo(radius, 8);
  });

  test.each(reference.tMixture)('the mixture of the t statistic, integrated over the noncentral t: %o', (row) => {
    expect(mixtureRadius(row.variance, row.degreesOfFreedom, row.scale, row.alpha)).toBeCloseTo(row.radius, 4);
  });

  test.each(reference.betaBinomial)('the beta-binomial mixture: %o', ({ hits, trials, alpha, low, high }) => {
    const bounds = proportionBounds(hits, trials, alpha);
    expect(bounds.low).toBeCloseTo(low, 9);
    expect(bounds.high).toBeCloseTo(high, 9);
  });

  test.each(reference.levels)('levels that fit a quantile: %o', ({ level, trials, alpha, low, high }) => {
    const bounds = levelBounds(level, trials, alpha);
    expect(bounds.low).toBeCloseTo(low, 9);
    expect(bounds.high).toBeCloseTo(high, 9);
  });

  test.each(reference.multinomial)('the Dirichlet mixture: %o', ({ counts, shares, p }) => {
    expect(multinomialP(counts, shares)).toBeCloseTo(p, 9);
  });
});

test('with more degrees of freedom the t mixture becomes the normal one, from above', () => {
  const normal = mixtureRadius(0.01, Number.POSITIVE_INFINITY, 5, 0.05);
  const radii = [20, 50, 200, 1e6].map((freedom) => mixtureRadius(0.01, freedom, 5, 0.05));
  expect(radii.every((radius, index) => radius > normal && radius <= (radii[index - 1] ?? Infinity))).toBe(true);
  expect(radii.at(-1)).toBeCloseTo(normal, 5);
  expect(mixtureRadius(0.01, 1, 50, 0.05)).toBe(Number.POSITIVE_INFINITY);
});

test('the scale makes the bound narrowest near the information that it was chosen for', () => {
  const information = informationFor(0.1);
  const best = mixtureRadius(1 / information, Infinity, scaleFor(information, 0.05), 0.05);
  for (const other of [0.2, 5])
    expect(mixtureRadius(1 / information, Infinity, other * scaleFor(information, 0.05), 0.05)).toBeGreaterThan(best);
});

test('bounds hold their estimate, whatever was counted, and more of the same makes them narrower', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(0.05, 0.001),
      (trials, share, alpha) => {
        const hits = Math.round(share * trials);
        const { low, high } = proportionBounds(hits, trials, alpha);
        expect(low).toBeLessThanOrEqual(hits / trials);
        expect(high).toBeGreaterThanOrEqual(hits / trials);
        const ten = proportionBounds(hits * 10, trials * 10, alpha);
        expect(ten.high - ten.low).toBeLessThan(high - low + 1e-12);
      },
    ),
  );
});

test('a mixture against the true proportion is expected to stay at one', () => {
  // Over all outcomes of 12 trials: what makes its passing 1 / alpha as rare as alpha.
  const trials = 12;
  const proportion = 0.3;
  let expected = 0;
  for (let hits = 0; hits <= trials; hits += 1) {
    const logChoose = logGamma(trials + 1) - logGamma(hits + 1) - logGamma(trials - hits + 1);
    const chance = Math.exp(logChoose) * proportion ** hits * (1 - proportion) ** (trials - hits);
    expected += chance * Math.exp(logBetaBinomialMixture(hits, trials, proportion));
  }
  expect(expected).toBeCloseTo(1, 10);
});
