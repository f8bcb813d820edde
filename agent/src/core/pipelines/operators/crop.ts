import { type Detection, type OperatorParams, type Rectangle, StarlingError } from '@starling/shared';
import type { RawImage } from '../../ports/image-codec.ts';
import { centreOf, clampRectangle, cornersOf } from './geometry.ts';
import { detectionsOf, imageOf } from './values.ts';
import { warpQuad } from './warp.ts';

type Inputs = Readonly<Record<string, unknown>>;

export function cropImage(inputs: Inputs, { box, unit }: OperatorParams<'image.crop'>) {
  const image = imageOf(inputs, 'image');
  const [scaleX, scaleY] = unit === 'share' ? [image.width, image.height] : [1, 1];
  const wanted: Rectangle = [box[0] * scaleX, box[1] * scaleY, box[2] * scaleX, box[3] * scaleY];
  const [left, top, right, bottom] = clampRectangle(wanted, image).map(Math.round) as Rectangle;
  if (right <= left || bottom <= top) {
    throw new StarlingError('outside-picture', `the box holds no pixel of a picture of ${image.width} x ${image.height}`, {
      field: 'params.box',
      hint: 'give left, top, right, bottom, with right beyond left and bottom below top; set unit to share for 0..1',
    });
  }
  return { image: cutOut(image, left, top, right - left, bottom - top) };
}

export function cropDetections(inputs: Inputs, params: OperatorParams<'image.crop-detections'>) {
  const image = imageOf(inputs, 'image');
  return { images: detectionsOf(inputs, 'detections').map((detection) => cropDetection(image, detection, params)) };
}

/** Longest side of a turned crop: a box cannot make a picture larger than any model takes. */
const TURNED_SIDE_MAXIMUM = 4096;

/** A detection that lies beside the picture gives its nearest pixel, so that every detection has its crop. */
function cropDetection(image: RawImage, detection: Detection, params: OperatorParams<'image.crop-detections'>): RawImage {
  const box = grown(detection.box, params);
  if ((detection.angle ?? 0) !== 0) {
    const side = (length: number): number => Math.min(TURNED_SIDE_MAXIMUM, Math.max(1, Math.round(length)));
    return warpQuad(image, cornersOf({ ...detection, box }), side(box[2] - box[0]), side(box[3] - box[1]));
  }
  const inside = params.square ? shiftedInto(box, image) : box;
  const [left, top, right, bottom] = clampRectangle(inside, image).map(Math.round) as Rectangle;
  const [x, y] = [Math.min(left, image.width - 1), Math.min(top, image.height - 1)];
  return cutOut(image, x, y, Math.max(1, right - x), Math.max(1, bottom - y));
}

function grown(box: Rectangle, { margin, square }: { margin: number; square: boolean }): Rectangle {
  const [x, y] = centreOf(box);
  let halfWidth = Math.max(0, box[2] - box[0]) * (0.5 + margin);
  let halfHeight = Math.max(0, box[3] - box[1]) * (0.5 + margin);
  if (square) halfWidth = halfHeight = Math.max(halfWidth, halfHeight);
  return [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
}

/** A square that sticks out moves into the picture, and only becomes smaller where that has no room for it. */
function shiftedInto(box: Rectangle, picture: { width: number; height: number }): Rectangle {
  const side = Math.min(box[2] - box[0], picture.width, picture.height);
  const [x, y] = centreOf(box);
  const left = Math.min(picture.width - side, Math.max(0, x - side / 2));
  const top = Math.min(picture.height - side, Math.max(0, y - side / 2));
  return [left, top, left + side, top + side];
}

function cutOut(image: RawImage, left: number, top: number, width: number, height: number): RawImage {
  const data = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row += 1) {
    const from = ((top + row) * image.width + left) * 3;
    data.set(image.data.subarray(from, from + width * 3), row * width * 3);
  }
  return { width, height, data };
}
