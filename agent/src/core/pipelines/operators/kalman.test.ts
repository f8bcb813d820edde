import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { correctBox, correctMotion, likelyBox, type Motion, predictBox, predictMotion, startBox, startMotion } from './kalman.ts';

const seconds = fc.double({ min: 0, max: 5, noNaN: true });

function predicted(motion: Motion, ...steps: number[]): Motion {
  const copy = { ...motion };
  for (const step of steps) predictMotion(copy, step, 50);
  return copy;
}

describe('a predicted motion', () => {
  it('is the same in one step as in two: a dropped frame changes nothing', () => {
    const motion = startMotion(10, 50);
    motion.velocity = -30;
    fc.assert(
      fc.property(seconds, seconds, (first, second) => {
        const [whole, parts] = [predicted(motion, first + second), predicted(motion, first, second)];
        for (const key of Object.keys(whole) as (keyof Motion)[]) {
          expect(Math.abs(whole[key] - parts[key])).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(whole[key])));
        }
      }),
    );
  });

  it('stands still where time does', () => {
    const motion = startMotion(10, 50);
    expect(predicted(motion, 0)).toEqual(motion);
  });
});

describe('a corrected motion', () => {
  it('comes to the speed of what moves steadily', () => {
    const motion = startMotion(0, 50);
    for (let frame = 1; frame <= 100; frame += 1) {
      predictMotion(motion, 0.04, 50);
      correctMotion(motion, 3 * frame, 50);
    }
    expect(motion.velocity).toBeCloseTo(75, 1);
    expect(motion.value).toBeCloseTo(300, 1);
  });

  it('is ever less unsure than before it, and never impossibly sure', () => {
    const measurement = fc.tuple(seconds, fc.double({ min: -1e5, max: 1e5, noNaN: true }));
    fc.assert(
      fc.property(fc.array(measurement, { minLength: 1, maxLength: 30 }), (measurements) => {
        const motion = startMotion(0, 50);
        for (const [step, value] of measurements) {
          predictMotion(motion, step, 50);
          const before = { ...motion };
          correctMotion(motion, value, 50);
          expect(motion.valueVariance).toBeLessThan(before.valueVariance);
          expect(motion.velocityVariance).toBeLessThanOrEqual(before.velocityVariance);
          // A covariance matrix has no negative determinant.
          expect(motion.valueVariance * motion.velocityVariance - motion.covariance ** 2).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});

describe('a box in motion', () => {
  it('has sides of 0 at least', () => {
    const filter = startBox([0, 0, 40, 40]);
    for (const side of [30, 20, 10]) {
      predictBox(filter, 0.04);
      correctBox(filter, [0, 0, side, side]);
    }
    predictBox(filter, 10);
    const [left, top, right, bottom] = likelyBox(filter);
    expect(right - left).toBeGreaterThanOrEqual(0);
    expect(bottom - top).toBeGreaterThanOrEqual(0);
  });

  it('may have no area', () => {
    const filter = startBox([5, 5, 5, 5]);
    predictBox(filter, 0.04);
    correctBox(filter, [5, 5, 5, 5]);
    expect(likelyBox(filter)).toEqual([5, 5, 5, 5]);
  });
});
