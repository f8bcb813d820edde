import { type Detection, type Mask, type OperatorParams, StarlingError } from '@starling/shared';
import { boundsOf, centreOf, clampRectangle, cornersOf } from './geometry.ts';
import { detectionsOf, imageOf } from './values.ts';

/** More would be no mask of a thing in a picture, and would take the memory of a device for itself. */
const MASK_PIXELS_MAXIMUM = 16_777_216;

/** @param pixels by rows; what is not 0 belongs to the thing */
export function encodeMask(pixels: Uint8Array, width: number, height: number): Mask {
  const runs: number[] = [];
  let isInside = false;
  let start = 0;
  for (let at = 0; at < width * height; at += 1) {
    if ((pixels[at] !== 0) === isInside) continue;
    runs.push(at - start);
    start = at;
    isInside = !isInside;
  }
  runs.push(width * height - start);
  return { width, height, runs };
}

/**
 * @returns a 1 for each pixel that belongs to the thing, by rows
 * @throws StarlingError `wrong-value` where the runs are not as long as the mask
 */
export function decodeMask({ width, height, runs }: Mask, field = 'mask'): Uint8Array {
  const length = runs.reduce((sum, run) => sum + run, 0);
  const isCounted = runs.every((run) => Number.isInteger(run) && run >= 0);
  if (!(width >= 1 && height >= 1 && width * height <= MASK_PIXELS_MAXIMUM) || length !== width * height || !isCounted) {
    throw new StarlingError('wrong-value', `a mask of ${width} x ${height} pixels has runs over ${length}`, {
      field,
      hint: `runs add up to width times height, at most ${MASK_PIXELS_MAXIMUM} pixels`,
    });
  }
  const pixels = new Uint8Array(width * height);
  let at = 0;
  for (const [index, run] of runs.entries()) {
    if (index % 2 === 1) pixels.fill(1, at, at + run);
    at += run;
  }
  return pixels;
}

/** Calls for each pixel of a picture that a detection covers: those of its mask, or all of its box, which may be turned. */
export function visitCovered(
  detection: Detection,
  picture: { width: number; height: number },
  field: string,
  visit: (x: number, y: number) => void,
): void {
  const { box, mask, angle = 0 } = detection;
  const [width, height] = [box[2] - box[0], box[3] - box[1]];
  if (!(width > 0 && height > 0)) return;
  const pixels = mask === undefined ? undefined : decodeMask(mask, field);
  const [centreX, centreY] = centreOf(box);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [left, top, right, bottom] = clampRectangle(boundsOf(cornersOf(detection)), picture);
  for (let y = Math.floor(top); y < bottom; y += 1) {
    for (let x = Math.floor(left); x < right; x += 1) {
      // The middle of the pixel, in shares of the box before it was turned.
      const [dx, dy] = [x + 0.5 - centreX, y + 0.5 - centreY];
      const across = (dx * cosine + dy * sine) / width + 0.5;
      const down = (dy * cosine - dx * sine) / height + 0.5;
      if (!(across >= 0 && across < 1 && down >= 0 && down < 1)) continue;
      if (mask !== undefined && pixels?.[Math.floor(down * mask.height) * mask.width + Math.floor(across * mask.width)] !== 1) continue;
      visit(x, y);
    }
  }
}

export function detectionsToMask(inputs: Readonly<Record<string, unknown>>, { invert }: OperatorParams<'detections.to-mask'>) {
  const { width, height } = imageOf(inputs, 'source');
  const data = new Uint8Array(width * height * 3).fill(invert ? 255 : 0);
  for (const [index, detection] of detectionsOf(inputs, 'detections').entries()) {
    visitCovered(detection, { width, height }, `detections.${index}.mask`, (x, y) => {
      const at = (y * width + x) * 3;
      data.fill(invert ? 0 : 255, at, at + 3);
    });
  }
  return { image: { width, height, data } };
}
