import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../digest.ts';
import { armAt, pointOf, splitText } from './assign-arm.ts';

const encoder = new TextEncoder();
const pointFor = async (experiment: string, key: string): Promise<number> =>
  pointOf(await sha256(encoder.encode(splitText(experiment, key))));

describe('the split', () => {
  test('is the one that the guide writes down', async () => {
    // printf 'abc\ncamera-1' | sha256sum | cut -c1-12, as a fraction of 2^48.
    expect(await pointFor('abc', 'camera-1')).toBe(0xc35ed7f77601 / 2 ** 48);
  });

  test('gives every arm its share, of any kind of names, within what chance allows', async () => {
    const shares = [0.1, 0.25];
    const count = 5_000;
    for (const name of [(n: number) => `camera-${n}`, (n: number) => `${n}`, (n: number) => `http\n${1_700_000_000_000 + n * 40}`]) {
      const points = await Promise.all(Array.from({ length: count }, (_, n) => pointFor('experiment', name(n))));
      const arms = points.map((point) => armAt(shares, point) ?? 2);
      for (const [arm, share] of [...shares, 0.65].entries()) {
        const spread = Math.sqrt((share * (1 - share)) / count);
        expect(Math.abs(arms.filter((each) => each === arm).length / count - share)).toBeLessThan(4 * spread);
      }
    }
  });

  test('is another one in another experiment', async () => {
    const keys = Array.from({ length: 2_000 }, (_, n) => `${n}`);
    const points = await Promise.all(keys.map(async (key) => [await pointFor('one', key), await pointFor('two', key)] as const));
    const both = points.filter(([one, two]) => one < 0.5 && two < 0.5).length / keys.length;
    expect(both).toBeGreaterThan(0.21);
    expect(both).toBeLessThan(0.29);
  });

  test('takes from the champion alone when a single share grows, and each point has one arm', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.double({ min: 0, max: 0.999_999, noNaN: true }), (one, other, point) => {
        const [small, large] = [Math.min(one, other), Math.max(one, other)];
        if (armAt([small], point) === 0) expect(armAt([large], point)).toBe(0);
        expect(armAt([0, large], point)).toBe(point < large ? 1 : undefined);
      }),
    );
  });
});
