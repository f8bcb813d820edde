import { operatorSignatures } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RawImage } from '../../ports/image-codec.ts';
import { placeInFrame, wayBack } from './fit.ts';
import { startOperator } from './operator-harness.ts';

const params = (given: Record<string, unknown>) => operatorSignatures['image.fit'].params.parse(given);
const centred = (width: number, height: number) => params({ width, height, mode: 'letterbox', align: 'centre' });

describe('a letterbox', () => {
  it.each([
    // Source, frame, placement: the sides rounded, the padding halved, an odd pixel of it to the right and below.
    [1280, 720, 640, 640, { left: 0, top: 140, width: 640, height: 360 }],
    [333, 500, 640, 640, { left: 107, top: 0, width: 426, height: 640 }],
    [100, 36, 64, 64, { left: 0, top: 20, width: 64, height: 23 }],
    [10_000, 1, 64, 64, { left: 0, top: 31, width: 64, height: 1 }],
  ])('of %d x %d in %d x %d lies in the middle', (width, height, frameWidth, frameHeight, placement) => {
    expect(placeInFrame({ width, height }, centred(frameWidth, frameHeight))).toEqual(placement);
  });

  it('stays in the corner unless it is asked to move', () => {
    expect(placeInFrame({ width: 100, height: 36 }, params({ width: 64, height: 64, mode: 'letterbox' }))).toMatchObject({
      left: 0,
      top: 0,
    });
  });

  it('has padding on both sides', async () => {
    const image: RawImage = { width: 4, height: 1, data: new Uint8Array(12).fill(200) };
    const fit = startOperator('image.fit', { width: 4, height: 4, mode: 'letterbox', align: 'centre', padding: 9 });
    const fitted = (await fit.run({ image })).image as RawImage;
    expect([0, 1, 2, 3].map((row) => fitted.data[row * 12])).toEqual([9, 200, 9, 9]);
  });

  it('can be undone: the corners of the picture are found again', () => {
    const side = fc.integer({ min: 1, max: 4096 });
    const mode = fc.constantFrom('stretch', 'letterbox');
    const align = fc.constantFrom('corner', 'centre');
    fc.assert(
      fc.property(side, side, side, side, mode, align, (width, height, frameWidth, frameHeight, chosenMode, chosenAlign) => {
        const fit = params({ width: frameWidth, height: frameHeight, mode: chosenMode, align: chosenAlign });
        const placed = placeInFrame({ width, height }, fit);
        const way = wayBack({ width, height }, fit);
        expect(placed.left >= 0 && placed.top >= 0).toBe(true);
        expect(placed.left + placed.width <= frameWidth && placed.top + placed.height <= frameHeight).toBe(true);
        expect(way.point(placed.left, placed.top)).toEqual([0, 0]);
        const [x, y] = way.point(placed.left + placed.width, placed.top + placed.height);
        expect(x).toBeCloseTo(width, 6);
        expect(y).toBeCloseTo(height, 6);
      }),
    );
  });
});
