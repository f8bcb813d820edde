import { operatorSignatures } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RawImage } from '../../ports/image-codec.ts';
import { startOperator } from './operator-harness.ts';

const grey = (width: number, height: number, brightness: (x: number, y: number) => number): RawImage => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, at) => brightness(Math.floor(at / 3) % width, Math.floor(at / 3 / width))),
});
const noise = (x: number, y: number) => (Math.imul(x * 7919 + y * 104_729 + 13, 2_654_435_761) >>> 24) & 255;
const at = ({ width, data }: RawImage, x: number, y: number) => data[(y * width + x) * 3];
const thing = (...box: number[]) => ({ box, score: 1, class: 0 });

async function blurred(params: Record<string, unknown>, image: RawImage, regions: unknown): Promise<RawImage> {
  return (await startOperator('image.blur-regions', { margin: 0, ...params }).run({ image, regions })).image as RawImage;
}

describe('image.blur-regions', () => {
  it('writes the average of each cell', async () => {
    // 8 x 8 with two cells along a side: squares of 4 x 4, each of one grey but for one pixel.
    const image = grey(8, 8, (x, y) => (x === 0 && y === 0 ? 160 : x < 4 ? 0 : 100));
    const result = await blurred({ mode: 'pixelate', cells: 2 }, image, [thing(0, 0, 8, 8)]);
    expect([at(result, 0, 0), at(result, 3, 3), at(result, 4, 0), at(result, 0, 4)]).toEqual([10, 10, 100, 0]);
  });

  it('runs from average to average where it blurs', async () => {
    const image = grey(8, 4, (x) => (x < 4 ? 0 : 80));
    const result = await blurred({ mode: 'blur', cells: 2 }, image, [thing(0, 0, 8, 4)]);
    // Middles of the cells at 2 and 6: a quarter of the way for each pixel, from half a pixel on.
    expect(Array.from({ length: 8 }, (_, x) => at(result, x, 1))).toEqual([0, 0, 10, 30, 50, 70, 80, 80]);
  });

  it('fills with black, and leaves the picture that it was given', async () => {
    const image = grey(6, 6, () => 50);
    const result = await blurred({ mode: 'fill' }, image, [thing(1.5, 1, 3, 3)]);
    expect([at(result, 0, 1), at(result, 1, 1), at(result, 2, 2), at(result, 3, 2)]).toEqual([50, 0, 0, 50]);
    expect(new Set(image.data)).toEqual(new Set([50]));
  });

  it('takes boxes, turned ones by what is around them, and a margin', async () => {
    const image = grey(20, 20, noise);
    const quad = [
      [10, 5],
      [15, 10],
      [10, 15],
      [5, 10],
    ];
    const byQuad = await blurred({ regions: 'boxes', cells: 3 }, image, [{ quad, score: 1 }]);
    expect(byQuad).toEqual(await blurred({ cells: 3 }, image, [thing(5, 5, 15, 15)]));
    const grown = await blurred({ cells: 3, margin: 0.5 }, image, [thing(7, 7, 13, 13)]);
    expect(grown).toEqual(await blurred({ cells: 3 }, image, [thing(4, 4, 16, 16)]));
    const turned = await blurred({ cells: 3 }, image, [{ ...thing(8, 5, 12, 15), angle: Math.PI / 2 }]);
    expect(at(turned, 6, 9)).not.toBe(at(image, 6, 9));
  });

  it('hides all else where it is inverted', async () => {
    const image = grey(16, 16, noise);
    const result = await blurred({ invert: true, margin: 1, mode: 'fill' }, image, [thing(4, 4, 8, 8)]);
    for (let y = 0; y < 16; y += 1) {
      for (let x = 0; x < 16; x += 1) expect(at(result, x, y)).toBe(x >= 4 && x < 8 && y >= 4 && y < 8 ? at(image, x, y) : 0);
    }
    expect(new Set((await blurred({ invert: true, mode: 'fill' }, image, [])).data)).toEqual(new Set([0]));
  });

  it('gives no picture where a region is not known', async () => {
    const image = grey(8, 8, noise);
    await expect(blurred({}, image, [thing(0, 0, Number.NaN, 4)])).rejects.toMatchObject({ code: 'wrong-value', field: 'regions.0.box' });
    await expect(blurred({ regions: 'boxes' }, image, [{ quad: [[0, 0]] }])).rejects.toMatchObject({
      code: 'wrong-value',
      field: 'regions.0.quad',
    });
    await expect(blurred({}, image, undefined)).rejects.toMatchObject({ code: 'wrong-value', field: 'regions' });
  });

  it('needs its regions to run at all: they are no optional input', () => {
    const { ports, params } = operatorSignatures['image.blur-regions'];
    expect(ports(params.parse({ regions: 'boxes' }))).toEqual({
      inputs: { image: 'image', regions: 'boxes' },
      outputs: { image: 'image' },
    });
  });
});

describe('what is hidden', () => {
  const region = fc.record({
    left: fc.integer({ min: 0, max: 30 }),
    top: fc.integer({ min: 0, max: 30 }),
    width: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 40 }),
    cells: fc.integer({ min: 1, max: 16 }),
    mode: fc.constantFrom('blur', 'pixelate', 'fill'),
  });

  it('is a function of few averages: pixels that change places within a cell change nothing', async () => {
    await fc.assert(
      fc.asyncProperty(region, async ({ left, top, width, height, cells, mode }) => {
        const side = Math.max(4, Math.ceil(Math.max(width, height) / cells));
        const image = grey(72, 72, noise);
        // Each row of a cell, mirrored.
        const moved = grey(72, 72, (x, y) => {
          const [column, row] = [x - left, y - top];
          if (column < 0 || row < 0 || column >= width || row >= height) return noise(x, y);
          const start = Math.floor(column / side) * side;
          const end = Math.min(width, start + side) - 1;
          return noise(left + start + (end - column), y);
        });
        const regions = [thing(left, top, left + width, top + height)];
        expect((await blurred({ cells, mode }, moved, regions)).data).toEqual((await blurred({ cells, mode }, image, regions)).data);
      }),
      { numRuns: 40 },
    );
  });

  it('has at most so many values as it has cells, and nothing outside it changes', async () => {
    await fc.assert(
      fc.asyncProperty(region, async ({ left, top, width, height, cells }) => {
        const image = grey(72, 72, noise);
        const result = await blurred({ cells, mode: 'pixelate' }, image, [thing(left, top, left + width, top + height)]);
        const inside = new Set<number | undefined>();
        for (let y = 0; y < 72; y += 1) {
          for (let x = 0; x < 72; x += 1) {
            if (x >= left && y >= top && x < left + width && y < top + height) inside.add(at(result, x, y));
            else if (at(result, x, y) !== at(image, x, y)) expect.unreachable(`pixel ${x}, ${y} changed`);
          }
        }
        expect(inside.size).toBeLessThanOrEqual(cells * cells);
      }),
      { numRuns: 40 },
    );
  });
});
