import { type Interval, isStarlingError, type SearchStep } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requireBudget, searchMixedPrecision } from './search.ts';

/** A model whose loss is the sum of the harms of its quantised layers, with an interval half as wide again. */
function judgeOf(harms: readonly number[], order = harms.map((_, index) => index)) {
  const names = harms.map((_, index) => `layer-${index}`);
  const lossOf = (kept: readonly string[]): Interval => {
    const value = harms.reduce((sum, harm, index) => sum + (kept.includes(names[index] ?? '') ? 0 : harm), 0);
    return { value, low: 0.5 * value, high: 1.5 * value };
  };
  const built: string[][] = [];
  return {
    layers: order.map((index) => names[index] ?? ''),
    lossOf,
    built,
    build: async (kept: readonly string[]) => {
      built.push([...kept]);
      return JSON.stringify(kept);
    },
    judge: async (file: string) => lossOf(JSON.parse(file) as string[]),
  };
}

const harms = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 120 });

describe('search for layers to leave in float', () => {
  test('whatever the order and the harms: within the budget or the nearest, judged, bounded, and no set twice', async () => {
    const property = fc.asyncProperty(
      harms,
      fc.integer({ min: 0, max: 300 }),
      fc.nat(),
      fc.integer({ min: 1, max: 30 }),
      async (all, budget, seed, most) => {
        const order = all.map((_, index) => index).sort((a, b) => ((a * 7919 + seed) % 104_729) - ((b * 7919 + seed) % 104_729));
        const model = judgeOf(all, order);
        const seen: SearchStep[] = [];
        const result = await searchMixedPrecision({
          ...model,
          budgetPoints: budget,
          evaluationsMaximum: most,
          onStep: (step) => seen.push(step),
        });
        expect(result.steps).toEqual(seen);
        expect(result.steps.length).toBeLessThanOrEqual(most);
        expect(new Set(model.built.map((kept) => JSON.stringify(kept))).size).toBe(model.built.length);
        expect(model.built).toContainEqual(result.keptInFloat);
        expect(result.loss).toEqual(model.lossOf(result.keptInFloat));
        expect(result.withinBudget).toBe(result.loss.high <= budget);
        // All in float loses nothing here, so only the bound can keep the search from an answer.
        if (!result.withinBudget) expect(result.steps).toHaveLength(most);
        if (!result.withinBudget) expect(result.loss.high).toBe(Math.min(...result.steps.map(({ lossPoints }) => lossPoints.high)));
      },
    );
    await fc.assert(property, { seed: 1, numRuns: 200 });
  });

  test('with the true order never keeps more layers than the shortest that would do', async () => {
    const property = fc.asyncProperty(harms, fc.integer({ min: 0, max: 300 }), async (all, budget) => {
      const order = all.map((_, index) => index).sort((a, b) => (all[b] ?? 0) - (all[a] ?? 0));
      const model = judgeOf(all, order);
      const result = await searchMixedPrecision({ ...model, budgetPoints: budget, evaluationsMaximum: 40 });
      const shortest = [...model.layers.keys(), model.layers.length].find(
        (length) => model.lossOf(model.layers.slice(0, length)).high <= budget,
      );
      expect(result.withinBudget).toBe(true);
      expect(result.keptInFloat.length).toBeLessThanOrEqual(shortest ?? -1);
    });
    await fc.assert(property, { seed: 1, numRuns: 200 });
  });

  test('gives back layers that a wrong order put first', async () => {
    const all = Array.from({ length: 32 }, (_, index) => (index === 13 ? 10 : 0));
    const { keptInFloat, steps } = await searchMixedPrecision({ ...judgeOf(all), budgetPoints: 1 });
    expect(keptInFloat).toEqual(['layer-13']);
    expect(steps.length).toBeLessThanOrEqual(24);
  });

  test('keeps nothing where the budget holds as it is, and looks no further', async () => {
    const { keptInFloat, steps, withinBudget } = await searchMixedPrecision({ ...judgeOf([1, 1]), budgetPoints: 3 });
    expect([keptInFloat, steps.length, withinBudget]).toEqual([[], 1, true]);
  });

  test('the upper end of the interval is judged, not the point', async () => {
    const { keptInFloat } = await searchMixedPrecision({ ...judgeOf([2, 1]), budgetPoints: 2.9 });
    expect(keptInFloat).toEqual(['layer-0']);
  });

  test('a budget that nothing meets names the nearest', async () => {
    const model = judgeOf([3, 2, 1]);
    const judge = async (file: string): Promise<Interval> => {
      const { value } = model.lossOf(JSON.parse(file) as string[]);
      return { value: value + 4, low: value + 3, high: value + 5.125 };
    };
    const result = await searchMixedPrecision({ ...model, judge, budgetPoints: 1 });
    expect([result.withinBudget, result.keptInFloat.length, result.loss.high]).toEqual([false, 3, 5.125]);
    let refused: unknown;
    try {
      requireBudget(result, 1);
    } catch (error) {
      refused = error;
    }
    if (!isStarlingError(refused)) expect.fail('no StarlingError');
    expect(refused.code).toBe('accuracy-budget-not-met');
    expect(refused.message).toContain('4.00 (95 %: 3.00 to 5.13)');
    expect(refused.hint).toContain('5.13 points');
    expect(() => requireBudget({ ...result, withinBudget: true }, 1)).not.toThrow();
  });

  test('a loss that is no number is never within the budget', async () => {
    const judge = async (): Promise<Interval> => ({ value: Number.NaN, low: Number.NaN, high: Number.NaN });
    expect((await searchMixedPrecision({ ...judgeOf([1]), judge, budgetPoints: 100 })).withinBudget).toBe(false);
  });

  test('stops when it is cancelled', async () => {
    const cancel = new AbortController();
    const search = searchMixedPrecision({ ...judgeOf([5, 5, 5]), budgetPoints: 1, signal: cancel.signal, onStep: () => cancel.abort() });
    await expect(search).rejects.toThrow(cancel.signal.reason);
  });
});
