import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { seededRandom } from '../scenes/random.ts';

/** Pixels of a side. */
export const SIDE = 28;
const PIXELS = SIDE * SIDE;
const CLASSES = 10;
/** The split is part of what the kept model means: another seed would test it on digits that it was trained on. */
const SPLIT_SEED = 20_240;
const HELD_OUT = 2000;

export interface Digit {
  label: number;
  /** 0 for the background, 255 for ink; row by row. */
  pixels: Uint8Array;
}

export type DigitPart = 'training' | 'held-out';

const digitsSchema = z.object({ data: z.array(z.number().min(0).max(1)) });

/** The 10,000 digits of the package: 8,000 for training and calibration, and 2,000 that nothing was fitted to, in a fixed order. */
export async function readDigits(): Promise<Record<DigitPart, Digit[]>> {
  const digits: Digit[] = [];
  for (let label = 0; label < CLASSES; label += 1) {
    const text = await readFile(fileURLToPath(import.meta.resolve(`mnist/src/digits/${label}.json`)), 'utf8');
    const { data } = digitsSchema.parse(JSON.parse(text));
    for (let start = 0; start < data.length; start += PIXELS) {
      digits.push({ label, pixels: Uint8Array.from(data.slice(start, start + PIXELS), (value) => Math.round(value * 255)) });
    }
  }
  const random = seededRandom(SPLIT_SEED, 0);
  for (let last = digits.length - 1; last > 0; last -= 1) {
    const other = random.integer(0, last);
    [digits[last], digits[other]] = [digits[other] as Digit, digits[last] as Digit];
  }
  return { 'held-out': digits.slice(0, HELD_OUT), training: digits.slice(HELD_OUT) };
}
