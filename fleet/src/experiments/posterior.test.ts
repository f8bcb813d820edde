import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { probabilityBest, type Rewards, sharesOf } from './posterior.ts';
import reference from './reference-vectors.json' with { type: 'json' };
import { seeded } from './seeded.ts';

describe('the chance to be the best, against SciPy', () => {
  test.each(reference.binary)('of yes and no: %o', ({ arms, best }) => {
    for (const [arm, chance] of probabilityBest(arms, 'binary', 'higher').entries()) expect(chance).toBeCloseTo(best[arm] ?? 0, 4);
  });

  test.each(reference.continuous)('of numbers: %o', ({ arms, best }) => {
    for (const [arm, chance] of probabilityBest(arms, 'continuous', 'higher').entries()) expect(chance).toBeCloseTo(best[arm] ?? 0, 4);
  });
});

const rewards = fc
  .record({ count: fc.integer({ min: 2, max: 100_000 }), share: fc.double({ min: 0, max: 1, noNaN: true }) })
  .map(({ count, share }): Rewards => ({ count, sum: Math.round(count * share), squares: Math.round(count * share) }));

test('chances and shares add up to one, every share is at least the floor, and less is better turns it round', () => {
  fc.assert(
    fc.property(fc.array(rewards, { minLength: 2, maxLength: 5 }), fc.double({ min: 0.001, max: 0.2, noNaN: true }), (arms, floor) => {
      const chances = probabilityBest(arms, 'binary', 'higher');
      const shares = sharesOf(chances, floor);
      for (const all of [chances, shares]) expect(all.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 9);
      expect(Math.min(...shares)).toBeGreaterThanOrEqual(floor - 1e-12);
      const mirrored = arms.map(({ count, sum }) => ({ count, sum: count - sum, squares: count - sum }));
      for (const [arm, chance] of probabilityBest(mirrored, 'binary', 'lower').entries()) expect(chance).toBeCloseTo(chances[arm] ?? 0, 9);
    }),
    { numRuns: 60 },
  );
});

/** A bandit over arms that pay with these chances: what it lost against always playing the best, and its last shares. */
function play(seed: number, pays: readonly number[], { rounds, perRound, floor }: { rounds: number; perRound: number; floor: number }) {
  const next = seeded(seed);
  const arms = pays.map(() => ({ count: 0, sum: 0, squares: 0 }));
  let shares = pays.map(() => 1 / pays.length);
  let lost = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (let item = 0; item < perRound; item += 1) {
      const point = next();
      let upTo = 0;
      const arm = shares.findIndex((share) => {
        upTo += share;
        return point < upTo;
      });
      const chosen = arms[arm] ?? arms[0];
      const paid = next() < (pays[arm] ?? 0) ? 1 : 0;
      if (chosen !== undefined) Object.assign(chosen, { count: chosen.count + 1, sum: chosen.sum + paid, squares: chosen.squares + paid });
      lost += Math.max(...pays) - (pays[arm] ?? 0);
    }
    shares = sharesOf(probabilityBest(arms, 'binary', 'higher'), floor);
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(floor - 1e-12);
  }
  return { lost, shares };
}

test('a bandit comes to play the best arm, and loses far less than an equal split would', () => {
  const pays = [0.3, 0.4, 0.32];
  const options = { rounds: 60, perRound: 50, floor: 0.02 };
  const runs = Array.from({ length: 12 }, (_, seed) => play(seed + 1, pays, options));
  const equalSplit = (options.rounds * options.perRound * (0.1 + 0.08)) / 3;
  const meanLost = runs.reduce((sum, { lost }) => sum + lost, 0) / runs.length;
  expect(meanLost).toBeLessThan(0.45 * equalSplit);
  expect(runs.filter(({ shares }) => (shares[1] ?? 0) > 0.8).length).toBeGreaterThanOrEqual(10);
});
