import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withoutAlpha } from './without-alpha.ts';

test('alpha is left out of any number of pixels', () => {
  const value = fc.nat(255);
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value, value, value), { maxLength: 40 }), (pixels) => {
      const rgb = withoutAlpha(new Uint8ClampedArray(pixels.flat()), pixels.length);
      expect([...rgb]).toEqual(pixels.flatMap((pixel) => pixel.slice(0, 3)));
    }),
  );
});
