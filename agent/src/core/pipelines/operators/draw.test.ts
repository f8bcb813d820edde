import type { Detection } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RawImage } from '../../ports/image-codec.ts';
import { encodeMask } from './mask.ts';
import { startOperator } from './operator-harness.ts';

const black = (width: number, height: number): RawImage => ({ width, height, data: new Uint8Array(width * height * 3) });

async function drawn(params: Record<string, unknown>, image: RawImage, inputs: Record<string, unknown>): Promise<RawImage> {
  const { image: result } = await startOperator('image.draw', { colour: '#ff0000', labels: false, ...params }).run({ image, ...inputs });
  return result as RawImage;
}

/** What is red of a picture, as people see it. */
const shown = ({ width, height, data }: RawImage) =>
  Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => (data[(y * width + x) * 3] === 0 ? '.' : '#')).join(''));

const thing = (box: number[], rest: Partial<Detection> = {}) => ({ box, score: 0.5, class: 0, ...rest });

describe('image.draw', () => {
  it('frames a box', async () => {
    const image = await drawn({}, black(7, 5), { detections: [thing([1.5, 1.5, 5.5, 3.5])] });
    expect(shown(image)).toEqual(['.......', '.#####.', '.#...#.', '.#####.', '.......']);
  });

  it('draws as far as the picture goes', async () => {
    const image = await drawn({}, black(4, 3), { detections: [thing([-1e9, 1.5, 2.5, 1e9])] });
    expect(shown(image)).toEqual(['....', '###.', '..#.']);
  });

  it('draws turned boxes and quadrilaterals', async () => {
    const turned = await drawn({}, black(9, 9), { detections: [thing([2.5, 2.5, 6.5, 6.5], { angle: Math.PI / 4 })] });
    expect(shown(turned)).toEqual([
      '.........',
      '....#....',
      '...#.#...',
      '..#...#..',
      '.#.....#.',
      '..#...#..',
      '...#.#...',
      '....#....',
      '.........',
    ]);
    const quad = [
      [1.5, 1.5],
      [5.5, 1.5],
      [5.5, 3.5],
      [1.5, 3.5],
    ];
    const boxes = await drawn({}, black(7, 5), { boxes: [{ quad, score: 1 }] });
    expect(shown(boxes)).toEqual(['.......', '.#####.', '.#...#.', '.#####.', '.......']);
  });

  it('draws key points that are sure, and the lines between them', async () => {
    const keypoints = [
      [1.5, 1.5, 1],
      [7.5, 1.5, 1],
      [7.5, 5.5, 0.1],
    ];
    const params = {
      skeleton: [
        [0, 1],
        [1, 2],
        [0, 9],
      ],
    };
    const image = await drawn(params, black(10, 6), { detections: [thing([-9, -9, -8, -8], { keypoints } as Partial<Detection>)] });
    expect(shown(image)).toEqual(
      ['.#.....#..', '##########', '.#.....#..', '..........', '..........', '..........'].map(() => expect.any(String)),
    );
    expect(shown(image)[1]?.slice(1, 8)).toBe('#######');
    expect(shown(image)[5]).toBe('..........');
  });

  it('mixes the colour into the pixels of a mask', async () => {
    const mask = encodeMask(Uint8Array.of(1, 0, 0, 1), 2, 2);
    const image = await drawn({ maskOpacity: 0.5, lineWidth: 1 }, black(12, 12), { detections: [thing([2, 2, 10, 10], { mask })] });
    const red = (x: number, y: number) => image.data[(y * 12 + x) * 3];
    expect([red(4, 4), red(8, 4), red(4, 8), red(8, 8)]).toEqual([128, 0, 0, 128]);
  });

  it('draws zones in shares of the picture', async () => {
    const image = await drawn(
      {
        zones: [
          [
            [0, 0.5],
            [1, 0.5],
          ],
        ],
        zoneUnit: 'share',
      },
      black(4, 3),
      {},
    );
    expect(shown(image)).toEqual(['....', '####', '....']);
  });

  it('writes class, score and track in letters of 5 x 7', async () => {
    const image = await drawn({ labels: true, colour: '#ffffff' }, black(64, 16), {
      detections: [thing([0, 12, 4, 14], { label: 'a1', track: 7 })],
    });
    // Black on white: the dots are what is 0 inside the plate.
    const plate = shown(image)
      .slice(3, 12)
      .map((row) => row.slice(0, 28).replaceAll('.', 'o').replaceAll('#', ' '));
    expect(plate).toEqual([
      '                            ',
      '  ooo    o          ooo     ',
      ' o   o  oo         o   o    ',
      ' o   o   o         o  oo    ',
      ' ooooo   o         o o o    ',
      ' o   o   o         oo  o    ',
      ' o   o   o         o   o  oo',
      ' o   o  ooo         ooo   oo',
      '                            ',
    ]);
  });

  it('leaves the picture that it was given, whatever it draws', async () => {
    const number = fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.integer({ min: -5, max: 40 }));
    const detection = fc.record({
      box: fc.tuple(number, number, number, number),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      class: fc.nat(),
      angle: number,
      label: fc.string({ maxLength: 9 }),
      keypoints: fc.array(fc.tuple(number, number, fc.constant(1)), { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(detection, { maxLength: 3 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 64 }),
        async (detections, side, lineWidth) => {
          const image = black(side, 7);
          const result = await drawn({ labels: true, lineWidth, skeleton: [[0, 1]] }, image, { detections });
          expect([result.width, result.height, result.data.length]).toEqual([side, 7, side * 21]);
          expect(image).toEqual(black(side, 7));
        },
      ),
      { numRuns: 60 },
    );
  });
});
