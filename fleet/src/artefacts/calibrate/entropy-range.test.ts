import { goldenInput } from '@starling/shared';
import { expect, test } from 'vitest';
import type { ValueRange } from '../contracts.ts';
import { addToHistogram, createHistogram } from './histogram.ts';
import { entropyRange } from './thresholds.ts';

const LEVELS = 256;
/** A histogram knows its values by the middles of their bins. */
const BY_BINS = 1.05;

function normals(count: number, seed: number, spread: number): Float32Array {
  const drawn = goldenInput(seed, 2 * count);
  const unit = (index: number): number => Math.min(1 - 1e-7, Math.max(1e-7, drawn[index] ?? 0.5));
  return Float32Array.from(
    { length: count },
    (_, index) => spread * Math.sqrt(-2 * Math.log(unit(2 * index))) * Math.cos(2 * Math.PI * unit(2 * index + 1)),
  );
}

const hardSwish = (value: number): number => (value * Math.min(6, Math.max(0, value + 3))) / 6;

function squaredError(values: Float32Array, { minimum, maximum }: ValueRange): number {
  const step = (maximum - minimum) / (LEVELS - 1);
  const zeroPoint = Math.round(-minimum / step);
  let sum = 0;
  for (const value of values) {
    const level = Math.min(LEVELS - 1, Math.max(0, Math.round(value / step) + zeroPoint));
    sum += (value - (level - zeroPoint) * step) ** 2;
  }
  return sum;
}

function rangesOf(values: Float32Array): { entropy: ValueRange; whole: ValueRange } {
  let [minimum, maximum] = [0, 0];
  for (const value of values) [minimum, maximum] = [Math.min(minimum, value), Math.max(maximum, value)];
  const histogram = createHistogram();
  addToHistogram(histogram, values, Math.max(-minimum, maximum));
  const found = entropyRange({ minimum, maximum, histogram, symmetric: false, levels: LEVELS });
  // As calibration does: nothing outside of what was seen.
  const entropy = { minimum: Math.max(minimum, found.minimum), maximum: Math.min(maximum, found.maximum) };
  return { entropy, whole: { minimum, maximum } };
}

/** Mostly far below zero, where all becomes almost nothing, and now and then large: as text recognition has it. */
const peaked = normals(30_000, 3, 2).map((value, index) => hardSwish(index % 400 === 0 ? Math.abs(value) * 4 : value - 4));

test('entropy gives up no rare results of a hard-swish for the sake of a finer peak', () => {
  const { entropy, whole } = rangesOf(peaked);
  expect(squaredError(peaked, entropy)).toBeLessThanOrEqual(squaredError(peaked, whole) * BY_BINS);
  expect(entropy.maximum).toBeGreaterThan(0.5 * whole.maximum);
});

test('entropy still cuts off what stands alone where that costs no more than it gains', () => {
  const values = normals(200_000, 5, 1);
  values[7] = 12;
  const { entropy, whole } = rangesOf(values);
  expect(entropy.maximum).toBeLessThan(0.8 * whole.maximum);
  expect(squaredError(values, entropy)).toBeLessThan(squaredError(values, whole) * BY_BINS);
});
