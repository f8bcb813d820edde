import { expect, test } from 'vitest';
import { markStrength } from './mark-strength.ts';

test('marks are whole while they fit, faint when their frame is old, and gone when nothing newer comes', () => {
  expect([0, 300, 500].map((ageMs) => markStrength(ageMs, 0))).toEqual([1, 1, 1]);
  const half = markStrength(750, 200);
  expect(half).toBeGreaterThan(0.35);
  expect(half).toBeLessThan(1);
  expect([markStrength(1_000, 500), markStrength(1_500, 0), markStrength(4_000, 1_000)]).toEqual([0.35, 0.35, 0.35]);
  expect([markStrength(1_500, 1_001), markStrength(60_000, 59_000)]).toEqual([0, 0]);
});
