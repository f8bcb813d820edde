import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostExperiment } from '../ports/runtime-host.ts';
import { agree } from './agree.ts';
import { createArmGuard } from './arm-guard.ts';
import { createArmChooser } from './choose-arm.ts';
import { createShadowBudget } from './shadow-budget.ts';

const experiment: HostExperiment = {
  ...{ id: 'e'.repeat(26), mode: 'split', key: 'item' },
  arms: [
    { key: 'one', release: 'a', share: 0.1 },
    { key: null, release: 'b', share: 0.2 },
  ],
};

describe('where items go', () => {
  test('an item goes the same way after any start, and one of an arm that is off to the champion', () => {
    const choose = createArmChooser(experiment, () => 0);
    const again = createArmChooser(experiment, () => 5_000);
    const counts = { one: 0, champion: 0 };
    for (let item = 0; item < 20_000; item += 1) {
      const { arm = 'champion' } = choose({ source: 'http', item: `${item}` });
      expect(again({ source: 'other', item: `${item}` }).arm ?? 'champion').toBe(arm);
      counts[arm as 'one'] += 1;
    }
    expect(counts.one / 20_000).toBeCloseTo(0.1, 1.7);
    expect(counts.one + counts.champion).toBe(20_000);
  });

  test('a stream goes one way as a whole', () => {
    const choose = createArmChooser({ ...experiment, key: 'stream' }, () => 0);
    const ways = new Set(Array.from({ length: 50 }, (_, timeMs) => choose({ source: 'camera-1', timeMs }).arm));
    expect(ways.size).toBe(1);
    const cameras = Array.from({ length: 400 }, (_, camera) => choose({ source: `camera-${camera}` }).arm);
    expect(cameras.filter((arm) => arm === 'one').length).toBeGreaterThan(15);
  });

  test('items without a name are spread all the same, also within a millisecond', () => {
    const choose = createArmChooser({ ...experiment, arms: [{ key: 'one', release: 'a', share: 0.5 }] }, () => 1_000);
    const chosen = Array.from({ length: 2_000 }, () => choose({ source: '' }).arm);
    expect(chosen.filter((arm) => arm === 'one').length / 2_000).toBeCloseTo(0.5, 1);
  });

  test('copies do not keep an item from the champion', () => {
    const choose = createArmChooser({ ...experiment, mode: 'shadow', arms: [{ key: 's', release: 'a', share: 1 }] }, () => 0);
    expect(choose({ source: 'x' })).toEqual({ mirrors: ['s'] });
  });
});

describe('two answers', () => {
  const box = (left: number, label: string) => ({ box: [left, 0, left + 10, 10], score: 0.9, class: 1, label });
  test.each<[string, unknown, unknown, boolean]>([
    ['equal numbers but for rounding', 1.001, 1.0, true],
    ['other numbers', 1.5, 1, false],
    ['texts but for spaces and case', { text: 'Exit  12', confidence: 0.9 }, { text: 'exit 12 ', confidence: 0.4 }, true],
    ['other texts', { text: 'exit 12' }, { text: 'exit 13' }, false],
    ['things in the same places, in another order', [box(0, 'car'), box(50, 'bus')], [box(51, 'bus'), box(1, 'car')], true],
    ['a thing more', [box(0, 'car')], [box(0, 'car'), box(50, 'car')], false],
    ['another name', [box(0, 'car')], [box(0, 'bus')], false],
    ['another place', [box(0, 'car')], [box(8, 'car')], false],
    ['the same class first', new Float32Array([0.1, 0.8, 0.1]), new Float32Array([0.2, 0.6, 0.2]), true],
    ['another class first', new Float32Array([0.1, 0.8, 0.1]), new Float32Array([0.5, 0.4, 0.1]), false],
    ['not a number', new Float32Array([Number.NaN]), new Float32Array([0]), false],
    ['nothing and nothing', [], [], true],
    ['nothing said at all', 1, undefined, false],
  ])('%s', (_what, champion, challenger, expected) => expect(agree({ out: champion }, { out: challenger })).toBe(expected));

  test('always agree with themselves', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (outputs) => {
        expect(agree(outputs, structuredClone(outputs))).toBe(true);
      }),
    );
  });
});

describe('what copies cost', () => {
  test('stays within the share of the processor and the energy of an hour, however long and often copies would run', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.9, noNaN: true }),
        fc.double({ min: 1, max: 500, noNaN: true }),
        fc.integer({ min: 1, max: 400 }),
        (maxCpuShare, maxJoulesPerHour, nodeMs) => {
          const budget = createShadowBudget({ maxCpuShare, maxJoulesPerHour }, 0);
          budget.learn({ coresPerRun: 0.5, joulesPerMs: 0.01 });
          let spentMs = 0;
          for (let nowMs = 0; nowMs < 3_600_000; nowMs += Math.max(nodeMs, 500)) {
            if (!budget.may(nowMs)) continue;
            budget.spent(nodeMs);
            spentMs += nodeMs;
          }
          // One copy may begin on the last of it.
          expect((spentMs - nodeMs) * 0.5).toBeLessThanOrEqual(maxCpuShare * 3_600_000);
          expect((spentMs - nodeMs) * 0.01).toBeLessThanOrEqual(maxJoulesPerHour);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('nothing is copied while the energy of a copy is not known', () => {
    const budget = createShadowBudget({ maxCpuShare: 1, maxJoulesPerHour: 10 }, 0);
    expect(budget.may(10)).toBe(false);
    budget.learn({ joulesPerMs: 0.01 });
    expect(budget.may(10)).toBe(true);
  });
});

describe('a challenger that fails', () => {
  const feed = (champion: number, challenger: number): boolean => {
    const guard = createArmGuard();
    for (let item = 0; item < 200; item += 1) {
      guard.ended(undefined, item % 100 < champion);
      if (guard.ended('arm', item % 100 < challenger)) return true;
    }
    return false;
  };
  test('is noticed, unless the champion fails as well', () => {
    expect(feed(0, 90)).toBe(true);
    expect(feed(0, 5)).toBe(false);
    expect(feed(90, 90)).toBe(false);
  });
});
