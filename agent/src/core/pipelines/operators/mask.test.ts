import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RawImage } from '../../ports/image-codec.ts';
import { decodeMask, encodeMask } from './mask.ts';
import { startOperator } from './operator-harness.ts';

describe('masks', () => {
  it('are lengths of runs, first those outside', () => {
    expect(encodeMask(Uint8Array.of(0, 0, 1, 1, 1, 0), 3, 2)).toEqual({ width: 3, height: 2, runs: [2, 3, 1] });
    expect(encodeMask(Uint8Array.of(1, 1), 2, 1)).toEqual({ width: 2, height: 1, runs: [0, 2] });
  });

  it('come back as they were', () => {
    const sides = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }));
    const masks = sides.chain(([width, height]) =>
      fc.tuple(
        fc.constant(width),
        fc.constant(height),
        fc.array(fc.constantFrom(0, 1), { minLength: width * height, maxLength: width * height }),
      ),
    );
    fc.assert(
      fc.property(masks, ([width, height, pixels]) => {
        expect([...decodeMask(encodeMask(Uint8Array.from(pixels), width, height))]).toEqual(pixels);
      }),
    );
  });

  it.each([
    [{ width: 2, height: 2, runs: [3] }],
    [{ width: 2, height: 2, runs: [5, -1] }],
    [{ width: 0, height: 2, runs: [] }],
    [{ width: 1e6, height: 1e6, runs: [1e12] }],
    [{ width: 2, height: 2, runs: [1.5, 2.5] }],
  ])('are refused where they are none: %j', (mask) => {
    expect(() => decodeMask(mask)).toThrow(expect.objectContaining({ code: 'wrong-value', field: 'mask' }));
  });
});

describe('detections.to-mask', () => {
  const source = { width: 6, height: 4, data: new Uint8Array(6 * 4 * 3) };
  async function shown(params: Record<string, unknown>, detections: unknown[]): Promise<string[]> {
    const { image } = await startOperator('detections.to-mask', params).run({ source, detections });
    const { width, height, data } = image as RawImage;
    return Array.from({ length: height }, (_, y) =>
      Array.from({ length: width }, (_, x) => (data[(y * width + x) * 3] === 0 ? '.' : '#')).join(''),
    );
  }

  it('fills masks stretched over their boxes, and boxes without one', async () => {
    const mask = encodeMask(Uint8Array.of(1, 0), 2, 1);
    const detections = [
      { box: [0, 0, 4, 2], score: 1, class: 0, mask },
      { box: [4, 3, 99, 99], score: 1, class: 0 },
    ];
    expect(await shown({}, detections)).toEqual(['##....', '##....', '......', '....##']);
    expect(await shown({ invert: true }, detections)).toEqual(['..####', '..####', '######', '####..']);
  });

  it('turns what is turned', async () => {
    // 4 x 2 around 3, 2, a quarter turn: 2 x 4.
    expect(await shown({}, [{ box: [1, 1, 5, 3], score: 1, class: 0, angle: Math.PI / 2 }])).toEqual([
      '..##..',
      '..##..',
      '..##..',
      '..##..',
    ]);
  });

  it('names the mask that is none', async () => {
    const broken = { box: [0, 0, 4, 2], score: 1, class: 0, mask: { width: 2, height: 1, runs: [1] } };
    await expect(shown({}, [broken])).rejects.toMatchObject({ code: 'wrong-value', field: 'detections.0.mask' });
  });
});
