import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import type { RawImage } from '../core/ports/image-codec.ts';
import { resample } from './resample.ts';

/** As devices with Node scale. */
async function scaleByLibvips({ width, height, data }: RawImage, toWidth: number, toHeight: number): Promise<Uint8Array> {
  const input = sharp(data, { raw: { width, height, channels: 3 } });
  return input.resize(toWidth, toHeight, { fit: 'fill', kernel: 'linear', fastShrinkOnLoad: false }).raw().toBuffer();
}

/** Noise hides no difference. */
function noise(width: number, height: number, seed: number): RawImage {
  let state = seed;
  const data = Uint8Array.from({ length: width * height * 3 }, () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return state >>> 16;
  });
  return { width, height, data };
}

async function differences(image: RawImage, toWidth: number, toHeight: number): Promise<number[]> {
  const [theirs, ours] = [await scaleByLibvips(image, toWidth, toHeight), resample(image, toWidth, toHeight)];
  expect([ours.width, ours.height, ours.data.length]).toEqual([toWidth, toHeight, theirs.length]);
  return [...ours.data].map((value, at) => Math.abs(value - (theirs[at] as number))).filter((difference) => difference > 0);
}

const side = fc.integer({ min: 1, max: 160 });

test('makes smaller, to the byte, what a device with Node makes', async () => {
  await fc.assert(
    fc.asyncProperty(side, side, side, side, fc.nat(), async (width, height, less, lower, seed) => {
      const image = noise(width, height, seed);
      expect(await differences(image, Math.min(width, less), Math.min(height, lower))).toEqual([]);
    }),
    { numRuns: 150, seed: 1 },
  );
});

test('makes larger what a device with Node makes: no byte is off by more than one, and of a thousand at most one', async () => {
  let [off, all] = [0, 0];
  await fc.assert(
    fc.asyncProperty(side, side, side, side, fc.nat(), async (width, height, toWidth, toHeight, seed) => {
      const found = await differences(noise(width, height, seed), toWidth, toHeight);
      expect(Math.max(0, ...found)).toBeLessThanOrEqual(1);
      off += found.length;
      all += toWidth * toHeight * 3;
    }),
    { numRuns: 150, seed: 1 },
  );
  expect(off / all).toBeLessThan(0.001);
});

test.each([
  [1280, 720, 960, 544],
  [3000, 200, 320, 48],
  [64, 900, 48, 48],
])('scales %d x %d to %d x %d as in the demo pipeline', async (width, height, toWidth, toHeight) => {
  expect(await differences(noise(width, height, 3), toWidth, toHeight)).toEqual([]);
});
