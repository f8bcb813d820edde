import fc from 'fast-check';
import { expect, test } from 'vitest';
import { placeLabel } from './place-label.ts';

const picture = { width: 640, height: 360 };
const label = { width: 100, height: 20 };

test('above what it names', () => {
  expect(placeLabel({ left: 50, top: 100, bottom: 140 }, label, picture, 4)).toEqual({ left: 50, top: 76 });
});

test('below it at the top edge, so that the named text stays to be read', () => {
  expect(placeLabel({ left: 50, top: 5, bottom: 45 }, label, picture, 4)).toEqual({ left: 50, top: 49 });
});

test('whole at the right edge', () => {
  expect(placeLabel({ left: 600, top: 100, bottom: 140 }, label, picture, 4)).toEqual({ left: 540, top: 76 });
});

test('where above it something else was read, below it; where that is so on both sides, nowhere', () => {
  const above = { left: 0, top: 60, right: 300, bottom: 90 };
  const below = { left: 0, top: 150, right: 300, bottom: 180 };
  const bounds = { left: 50, top: 100, bottom: 140 };
  expect(placeLabel(bounds, label, picture, 4, [above])).toEqual({ left: 50, top: 144 });
  expect(placeLabel(bounds, label, picture, 4, [above, below])).toBeUndefined();
  // Beside it there is room.
  expect(placeLabel({ ...bounds, left: 301 }, label, picture, 4, [above, below])).toEqual({ left: 301, top: 76 });
});

test('always inside the picture, wherever the box is', () => {
  const at = fc.integer({ min: -200, max: 900 });
  fc.assert(
    fc.property(at, at, fc.nat(500), (left, top, height) => {
      const placed = placeLabel({ left, top, bottom: top + height }, label, picture, 4) ?? expect.unreachable();
      expect(placed.left).toBeGreaterThanOrEqual(0);
      expect(placed.top).toBeGreaterThanOrEqual(0);
      expect(placed.left + label.width).toBeLessThanOrEqual(picture.width);
      expect(placed.top + label.height).toBeLessThanOrEqual(picture.height);
    }),
  );
});
