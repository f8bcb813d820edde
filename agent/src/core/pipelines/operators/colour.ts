import type { OperatorParams } from '@starling/shared';
import type { RawImage } from '../../ports/image-codec.ts';
import { LUMA } from './luma.ts';
import { imageOf } from './values.ts';

type Params = OperatorParams<'image.colour'>;

export function colourImage(inputs: Readonly<Record<string, unknown>>, params: Params) {
  const { width, height, data } = imageOf(inputs, 'image');
  return { image: { width, height, data: recoloured(data, params) } satisfies RawImage };
}

function recoloured(source: Uint8Array, params: Params): Uint8Array {
  const curve = curveOf(params);
  const data = new Uint8Array(source.length);
  const [red, blue] = params.channels === 'swap' ? [2, 0] : [0, 2];
  for (let at = 0; at < source.length; at += 3) {
    if (params.channels === 'grey') {
      const [r, g, b] = [source[at] as number, source[at + 1] as number, source[at + 2] as number];
      const value = curve[Math.round(LUMA[0] * r + LUMA[1] * g + LUMA[2] * b)] as number;
      data[at] = value;
      data[at + 1] = value;
      data[at + 2] = value;
      continue;
    }
    data[at] = curve[source[at + red] as number] as number;
    data[at + 1] = curve[source[at + 1] as number] as number;
    data[at + 2] = curve[source[at + blue] as number] as number;
  }
  return data;
}

/** What becomes of each of the 256 values. */
function curveOf({ contrast, brightness, gamma }: Params): Uint8ClampedArray {
  return Uint8ClampedArray.from({ length: 256 }, (_, value) => {
    const linear = Math.min(255, Math.max(0, (value - 127.5) * contrast + 127.5 + brightness));
    return gamma === 1 ? linear : 255 * (linear / 255) ** gamma;
  });
}
