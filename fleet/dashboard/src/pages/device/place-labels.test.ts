import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Box, boundsOf, placeLabels } from './place-labels.ts';

const image = { width: 1000, height: 800 };
const labels = fc.array(
  fc.record({
    text: fc.string({ minLength: 1, maxLength: 14 }),
    quad: fc
      .record({ x: fc.nat(900), y: fc.nat(760), width: fc.integer({ min: 5, max: 100 }), height: fc.integer({ min: 5, max: 40 }) })
      .map(({ x, y, width, height }): [number, number][] => [
        [x, y],
        [x + width, y],
        [x + width, y + height],
        [x, y + height],
      ]),
  }),
  { maxLength: 25 },
);

describe('labels over an image', () => {
  test('never cover each other or the quad of another, and never leave the image', () => {
    fc.assert(
      fc.property(labels, (given) => {
        const placed = placeLabels(given, 20, image);
        expect(placed).toHaveLength(given.length);
        placed.forEach((box, index) => {
          if (box === undefined) return;
          expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= image.width && box.y + box.height <= image.height).toBe(true);
          const others = [...placed, ...given.map(({ quad }) => boundsOf(quad))].filter(
            (other, at): other is Box => other !== undefined && at !== index && at !== given.length + index,
          );
          expect(others.some((other) => cover(box, other))).toBe(false);
        });
      }),
    );
  });

  test('stand above a text that is alone', () => {
    const [box] = placeLabels(
      [
        {
          text: 'EXIT',
          quad: [
            [100, 200],
            [180, 200],
            [180, 230],
            [100, 230],
          ],
        },
      ],
      20,
      image,
    );
    expect(box).toMatchObject({ x: 100, width: 60 });
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(200);
  });
});

function cover(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
