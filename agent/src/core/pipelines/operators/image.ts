import { type OperatorParams, StarlingError } from '@starling/shared';
import type { RawImage } from '../../ports/image-codec.ts';
import { LUMA } from './luma.ts';
import type { OperatorContext } from './operator.ts';
import { boxesOf, imageOf, isRawImage, type Quad } from './values.ts';
import { warpQuad } from './warp.ts';

type Inputs = Readonly<Record<string, unknown>>;

export async function decodeImage(inputs: Inputs, params: OperatorParams<'image.decode'>, context: OperatorContext) {
  const { image } = inputs;
  if (isRawImage(image)) return { image: requirePixels(image, params.maximumPixels) };
  if (!(image instanceof Uint8Array)) throw new StarlingError('wrong-value', 'input "image" holds no bytes', { field: 'image' });
  return { image: await context.codec.decode(image, params.maximumPixels) };
}

/** A frame that never was encoded: it has to be what it says, and no larger than one that is decoded. */
function requirePixels(image: RawImage, maximumPixels: number): RawImage {
  const { width, height, data } = image;
  const pixels = width * height;
  if (!Number.isInteger(pixels) || width < 1 || height < 1 || data.length !== 3 * pixels) {
    throw new StarlingError('wrong-value', `${width} x ${height} pixels need three bytes each, there are ${data.length}`, {
      field: 'image',
    });
  }
  if (pixels > maximumPixels) {
    throw new StarlingError('image-too-large', `the image has ${width} x ${height} pixels, at most ${maximumPixels} are taken`, {
      field: 'image',
      hint: 'send a smaller image, or raise maximumPixels of image.decode',
    });
  }
  return image;
}

export async function resizeImage(inputs: Inputs, params: OperatorParams<'image.resize'>, context: OperatorContext) {
  const image = imageOf(inputs, 'image');
  const { width, height } = resizedSides(image, params);
  return { image: width === image.width && height === image.height ? image : await context.codec.resize(image, width, height) };
}

/** The sides after scaling down to `longestSide` and rounding to the nearest multiple, never below one. */
export function resizedSides(
  image: { width: number; height: number },
  params: OperatorParams<'image.resize'>,
): { width: number; height: number } {
  const scale = Math.min(1, params.longestSide / Math.max(image.width, image.height));
  const round = (side: number): number => Math.max(params.multipleOf, Math.round((side * scale) / params.multipleOf) * params.multipleOf);
  return { width: round(image.width), height: round(image.height) };
}

export async function imageToGreyTensor(inputs: Inputs, params: OperatorParams<'image.to-grey-tensor'>, context: OperatorContext) {
  const image = imageOf(inputs, 'image');
  const pixels = image.width * image.height;
  const data = context.allocateFloat32(pixels);
  for (let pixel = 0, at = 0; pixel < pixels; pixel += 1, at += 3) {
    const luma = LUMA[0] * (image.data[at] as number) + LUMA[1] * (image.data[at + 1] as number) + LUMA[2] * (image.data[at + 2] as number);
    const value = params.invert ? 1 - luma / 255 : luma / 255;
    data[pixel] = (value - params.mean) / params.std;
  }
  return { tensor: { elementType: 'float32' as const, shape: [1, 1, image.height, image.width], data } };
}

/** Crops that are at least this much taller than wide are turned, as PaddleOCR does for vertical text. */
const TALL_RATIO = 1.5;
/** Longest side of a crop: a box cannot make an image larger than any line that is recognised. */
const CROP_SIDE_MAXIMUM = 4096;

export async function cropQuads(inputs: Inputs) {
  const image = imageOf(inputs, 'image');
  return { images: boxesOf(inputs, 'boxes').map((box) => cropQuad(image, box.quad)) };
}

function cropQuad(image: RawImage, quad: Quad): RawImage {
  const [topLeft, topRight, bottomRight, bottomLeft] = quad;
  const width = clampSide(Math.max(distance(topLeft, topRight), distance(bottomLeft, bottomRight)));
  const height = clampSide(Math.max(distance(topLeft, bottomLeft), distance(topRight, bottomRight)));
  if (height / width < TALL_RATIO) return warpQuad(image, quad, width, height);
  // Counter-clockwise by 90 degrees: the right side becomes the top.
  return warpQuad(image, [topRight, bottomRight, bottomLeft, topLeft], height, width);
}

function clampSide(side: number): number {
  return Math.min(CROP_SIDE_MAXIMUM, Math.max(1, Math.round(side)));
}

function distance(a: readonly [number, number], b: readonly [number, number]): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
