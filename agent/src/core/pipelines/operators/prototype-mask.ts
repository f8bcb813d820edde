import { type Mask, type Rectangle, StarlingError } from '@starling/shared';
import type { WayBack } from './fit.ts';
import { encodeMask } from './mask.ts';
import { float32Of } from './values.ts';
import type { YoloParams } from './yolo-layout.ts';

/** Pictures that the mask of every detection is a sum of, each with its own coefficients (Bolya et al., "YOLACT", 2019). */
export interface Prototypes {
  channels: number;
  width: number;
  height: number;
  data: Float32Array;
}

export function prototypesOf(inputs: Readonly<Record<string, unknown>>): Prototypes {
  const { shape, data } = float32Of(inputs, 'prototypes', 4);
  const [batch = 0, channels = 0, height = 0, width = 0] = shape;
  if (batch !== 1 || data.length === 0 || data.length !== channels * width * height) {
    throw new StarlingError('wrong-shape', `prototypes of [${shape.join(',')}] are none`, {
      field: 'prototypes',
      hint: 'connect the output of the model that is [1,32,height,width]',
    });
  }
  return { channels, width, height, data };
}

/**
 * The mask of one detection over its box: the sum of the prototypes, read between its points as an image is that is enlarged, is above 0
 * where the thing is.
 * @param coefficient of a prototype, by its number
 * @param box in pixels of the source, inside it
 */
export function readMask(
  prototypes: Prototypes,
  coefficient: (index: number) => number,
  box: Rectangle,
  way: WayBack,
  { fit, maskSide }: YoloParams,
): Mask {
  const [boxWidth, boxHeight] = [box[2] - box[0], box[3] - box[1]];
  const scale = Math.min(1, maskSide / Math.max(boxWidth, boxHeight));
  const width = Math.max(1, Math.round(boxWidth * scale));
  const height = Math.max(1, Math.round(boxHeight * scale));
  const { left, top } = way.placement;
  const across = samplesOf(width, prototypes.width, (share) => ((box[0] + share * boxWidth) / way.scaleX + left) / fit.width);
  const down = samplesOf(height, prototypes.height, (share) => ((box[1] + share * boxHeight) / way.scaleY + top) / fit.height);
  const window = sumOver(prototypes, coefficient, across, down);
  const pixels = new Uint8Array(width * height);
  for (let y = 0, at = 0; y < height; y += 1) {
    const upper = ((down.first[y] as number) - down.from) * window.width;
    const lower = ((down.second[y] as number) - down.from) * window.width;
    const shareY = down.shares[y] as number;
    for (let x = 0; x < width; x += 1, at += 1) {
      const [before, after] = [(across.first[x] as number) - across.from, (across.second[x] as number) - across.from];
      const shareX = across.shares[x] as number;
      const above = (window.sums[upper + before] as number) * (1 - shareX) + (window.sums[upper + after] as number) * shareX;
      const below = (window.sums[lower + before] as number) * (1 - shareX) + (window.sums[lower + after] as number) * shareX;
      pixels[at] = above * (1 - shareY) + below * shareY > 0 ? 1 : 0;
    }
  }
  return encodeMask(pixels, width, height);
}

/** Between which two prototype pixels each pixel of a mask lies, along one side. */
interface Samples {
  first: Int32Array;
  second: Int32Array;
  shares: Float64Array;
  /** The part of the side that is looked at. */
  from: number;
  to: number;
}

/** @param placeOf where a share of the box lies, as a share of the input of the model */
function samplesOf(count: number, length: number, placeOf: (share: number) => number): Samples {
  const samples = { first: new Int32Array(count), second: new Int32Array(count), shares: new Float64Array(count) };
  for (let at = 0; at < count; at += 1) {
    const place = Math.min(length - 1, Math.max(0, placeOf((at + 0.5) / count) * length - 0.5));
    samples.first[at] = Math.floor(place);
    samples.second[at] = Math.min(length - 1, Math.floor(place) + 1);
    samples.shares[at] = place - Math.floor(place);
  }
  return { ...samples, from: samples.first[0] as number, to: samples.second[count - 1] as number };
}

function sumOver(
  { channels, width, height, data }: Prototypes,
  coefficient: (index: number) => number,
  across: Samples,
  down: Samples,
): { width: number; sums: Float32Array } {
  const columns = across.to - across.from + 1;
  const sums = new Float32Array(columns * (down.to - down.from + 1));
  for (let channel = 0; channel < channels; channel += 1) {
    const factor = coefficient(channel);
    for (let row = down.from, at = 0; row <= down.to; row += 1) {
      const start = channel * width * height + row * width;
      for (let column = across.from; column <= across.to; column += 1, at += 1) {
        sums[at] = (sums[at] as number) + factor * (data[start + column] as number);
      }
    }
  }
  return { width: columns, sums };
}
