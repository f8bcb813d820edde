/**
 * How much of a repeated test runs. `npm test` does a tenth of everything that is merely repeated (kills, generated cases, scenes),
 * from a fixed seed; `npm run test:full` does all of it.
 */

import { availableParallelism, loadavg } from 'node:os';

const DEFAULT_SCALE = 0.1;
const TRIES = 3;

/** @param text the value of STARLING_TEST_SCALE: a number above 0, at most 1 */
export function parseScale(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_SCALE;
  const scale = Number(text);
  if (!(scale > 0 && scale <= 1)) throw new Error(`STARLING_TEST_SCALE is "${text}": give a number above 0, at most 1`);
  return scale;
}

/** How many of `count` repetitions to run: never none. */
export function scaled(count: number, scale: number = parseScale(process.env.STARLING_TEST_SCALE)): number {
  return Math.max(1, Math.round(count * scale));
}

/** The seed of everything random in tests, so that a failure can be seen again: STARLING_TEST_SEED, else 1. */
export function testSeed(): number {
  return Number(process.env.STARLING_TEST_SEED ?? '1');
}

/** The least of some measures, of which one under `enoughMs` is enough: what is slow by itself is slow each time, a pause of the machine is not. */
export async function quickest(enoughMs: number, measureMs: () => Promise<number>): Promise<number> {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES && leastMs >= enoughMs; tries += 1) leastMs = Math.min(leastMs, await measureMs());
  return leastMs;
}

/** How much longer things may take because the machine has other work: runnable processes per core, at least 1. */
export function slowness(): number {
  return Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
}
