import { z } from 'zod';
import { tensorElementTypeSchema } from './model-version.ts';

/**
 * Inputs by seed and expected outputs by sample, so that a device can tell whether an artefact computes there what it computed
 * where it was built. Inputs are not stored: `goldenInput` makes them again.
 */
export const goldenSetSchema = z
  .object({
    schemaVersion: z.literal(1),
    inputs: z.record(
      z.string(),
      z.object({
        seed: z.number().int().nonnegative(),
        elementType: tensorElementTypeSchema,
        shape: z.array(z.number().int().positive()).max(8),
      }),
    ),
    outputs: z.record(
      z.string(),
      z.object({
        shape: z.array(z.number().int().positive()).max(8),
        /** Every `stride`-th value of the flattened output, from the first on. */
        stride: z.number().int().positive(),
        samples: z.array(z.number()).max(4096),
      }),
    ),
    /** Largest difference allowed, as a share of the largest expected magnitude. */
    tolerance: z.number().positive(),
  })
  .meta({ id: 'GoldenSet', title: 'Golden set' });
export type GoldenSet = z.infer<typeof goldenSetSchema>;

/**
 * Fills golden inputs: uniform in [-1, 1) by mulberry32, the same on every runtime.
 * @param length number of elements
 */
export function goldenInput(seed: number, length: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(length);
  let state = seed >>> 0;
  for (let index = 0; index < length; index += 1) {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    values[index] = ((mixed ^ (mixed >>> 14)) >>> 0) / 2147483648 - 1;
  }
  return values;
}

/** Largest distance of the samples to an output, as a share of the largest expected magnitude; Infinity if it holds a NaN. */
export function goldenError(expected: GoldenSet['outputs'][string], actual: ArrayLike<number>): number {
  let largestDifference = 0;
  let largestMagnitude = 0;
  for (const [index, sample] of expected.samples.entries()) {
    const value = actual[index * expected.stride];
    if (value === undefined || !Number.isFinite(value)) return Number.POSITIVE_INFINITY;
    largestDifference = Math.max(largestDifference, Math.abs(value - sample));
    largestMagnitude = Math.max(largestMagnitude, Math.abs(sample));
  }
  return largestMagnitude === 0 ? largestDifference : largestDifference / largestMagnitude;
}
