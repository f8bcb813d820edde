import { describe, expect, test } from 'vitest';
import { type ArmSample, differenceOfArms, meanOfArm } from './compare-arms.ts';
import { probabilityBest, sharesOf } from './posterior.ts';
import { seeded } from './seeded.ts';

const sample = (count: number, sum: number, squares = sum): ArmSample => ({ count, sum, squares, devices: 1 });
const options = { kind: 'binary', isAdaptive: false, alpha: 0.05, plan: 400 } as const;

describe('two arms', () => {
  test('are apart where they are, and not where little is known', () => {
    expect(differenceOfArms(sample(1000, 900), sample(1000, 700), options)?.low).toBeGreaterThan(0.1);
    expect(differenceOfArms(sample(20, 18), sample(20, 14), options)?.low).toBeLessThan(0);
    expect(differenceOfArms(sample(0, 0), sample(20, 14), options)).toBeNull();
  });

  test('of a bandit are apart later: each has bounds of its own', () => {
    const fixed = differenceOfArms(sample(400, 320), sample(400, 260), options);
    const adaptive = differenceOfArms(sample(400, 320), sample(400, 260), { ...options, isAdaptive: true });
    expect(adaptive?.low).toBeLessThan(fixed?.low ?? 0);
    expect(adaptive?.high).toBeGreaterThan(fixed?.high ?? 0);
  });

  test('of numbers, by their own spread', () => {
    const near = differenceOfArms(sample(500, 5_000, 50_500), sample(500, 5_500, 61_000), { ...options, kind: 'continuous' });
    expect(near?.estimate).toBeCloseTo(-1);
    expect(near?.high).toBeLessThan(0);
    expect(meanOfArm(sample(1, 5, 25), 'continuous', 0.05, 400)).toMatchObject({ low: null, high: null });
  });
});

/** Looks at two equal arms after every 25 items. @returns whether any look found them apart */
function everApart(seed: number, { isAdaptive, kind }: { isAdaptive: boolean; kind: 'binary' | 'continuous' }): boolean {
  const next = seeded(seed);
  const arms = [sample(0, 0), sample(0, 0)];
  let share = isAdaptive ? 0.5 : 0.1;
  for (let item = 1; item <= 3_000; item += 1) {
    const value = kind === 'binary' ? (next() < 0.2 ? 1 : 0) : -Math.log(1 - next());
    const arm = arms[next() < share ? 1 : 0] ?? sample(0, 0);
    Object.assign(arm, { count: arm.count + 1, sum: arm.sum + value, squares: arm.squares + value ** 2 });
    if (item % 25 > 0) continue;
    const [champion = sample(0, 0), challenger = sample(0, 0)] = arms;
    if (Math.min(champion.count, challenger.count) < 50) continue;
    const difference = differenceOfArms(challenger, champion, { kind, isAdaptive, alpha: 0.05, plan: 200 });
    if ((difference?.low ?? -1) > 0 || (difference?.high ?? 1) < 0) return true;
    if (isAdaptive && item % 100 === 0) share = sharesOf(probabilityBest(arms, 'binary', 'higher'), 0.05)[1] ?? 0.5;
  }
  return false;
}

test.each([
  { isAdaptive: false, kind: 'binary' },
  { isAdaptive: false, kind: 'continuous' },
  { isAdaptive: true, kind: 'binary' },
] as const)('equal arms are hardly ever found apart, looked at all the time: %o', { timeout: 180_000 }, (given) => {
  const alarms = Array.from({ length: 200 }, (_, seed) => everApart(seed + 1, given)).filter(Boolean).length;
  // 5 % of 200, and what chance may add to that in one of a thousand runs.
  expect(alarms).toBeLessThanOrEqual(20);
});
