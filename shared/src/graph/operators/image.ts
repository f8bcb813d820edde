import { z } from 'zod';
import type { OperatorSignature } from '../signature.ts';

const pixelTriple = z.tuple([z.number(), z.number(), z.number()]);

const decodeParams = z.strictObject({
  maximumPixels: z
    .number()
    .int()
    .positive()
    .max(268_435_456)
    .default(50_000_000)
    .meta({ description: 'Larger images are refused before they are decoded' }),
});

const resizeParams = z.strictObject({
  longestSide: z.number().int().min(32).max(4096).default(960).meta({ description: 'Larger images are scaled down to it, in pixels' }),
  multipleOf: z.number().int().min(1).max(128).default(32).meta({ description: 'Both sides are rounded to a multiple of it, in pixels' }),
});

/** An image as a tensor for a convolutional network. */
const toTensorParams = z.strictObject({
  mean: pixelTriple.default([0.485, 0.456, 0.406]).meta({ description: 'Subtracted after scaling to 0..1, per channel of `order`' }),
  std: pixelTriple.default([0.229, 0.224, 0.225]).meta({ description: 'Divided by, per channel of `order`' }),
  order: z.enum(['rgb', 'bgr']).default('rgb').meta({ description: 'Order of the channels in the tensor' }),
});

const fitParams = z.strictObject({
  width: z.number().int().min(1).max(4096).meta({ description: 'Width of the result, in pixels' }),
  height: z.number().int().min(1).max(4096).meta({ description: 'Height of the result, in pixels' }),
  mode: z
    .enum(['stretch', 'letterbox'])
    .default('stretch')
    .meta({ description: '`letterbox` keeps the proportions and pads to the right and below' }),
  padding: z.number().int().min(0).max(255).default(114).meta({ description: 'Grey value of the padding' }),
});

const greyTensorParams = z.strictObject({
  mean: z.number().default(0).meta({ description: 'Subtracted after scaling to 0..1' }),
  std: z.number().positive().default(1).meta({ description: 'Divided by' }),
  invert: z.boolean().default(false).meta({ description: 'Dark strokes on a light ground become light on dark' }),
});

/** Pictures: decoded, scaled, cut and made into tensors. */
export const imageOperators = {
  'image.decode': {
    name: 'image.decode',
    version: 1,
    summary: 'Decodes JPEG, PNG, WebP, GIF (first frame), TIFF or AVIF; applies EXIF rotation',
    inputs: { image: 'encoded-image' },
    outputs: { image: 'image' },
    params: decodeParams,
  },
  'image.resize': {
    name: 'image.resize',
    version: 1,
    summary: 'Scales an image down to a longest side and rounds its sides',
    inputs: { image: 'image' },
    outputs: { image: 'image' },
    params: resizeParams,
  },
  'image.to-tensor': {
    name: 'image.to-tensor',
    version: 1,
    summary: 'Normalises an image into a float32 tensor [1,3,height,width]',
    inputs: { image: 'image' },
    outputs: { tensor: 'tensor<float32,[1,3,h,w]>' },
    params: toTensorParams,
  },
  'image.fit': {
    name: 'image.fit',
    version: 1,
    summary: 'Scales an image to exact sides, stretched or with padding',
    inputs: { image: 'image' },
    outputs: { image: 'image' },
    params: fitParams,
  },
  'image.to-grey-tensor': {
    name: 'image.to-grey-tensor',
    version: 1,
    summary: 'Turns an image into its luma (ITU-R BT.601) as a float32 tensor [1,1,height,width]',
    inputs: { image: 'image' },
    outputs: { tensor: 'tensor<float32,[1,1,h,w]>' },
    params: greyTensorParams,
  },
  'image.crop-quads': {
    name: 'image.crop-quads',
    version: 1,
    summary: 'Cuts each box out of an image by a perspective warp; tall crops are turned by 90 degrees',
    inputs: { image: 'image', boxes: 'boxes' },
    outputs: { images: 'list<image>' },
    params: z.strictObject({}),
  },
} as const satisfies Record<string, OperatorSignature>;
