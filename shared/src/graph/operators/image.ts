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
  layout: z
    .enum(['nchw', 'nhwc'])
    .default('nchw')
    .meta({ description: '`nchw` is a plane for each channel, [1,3,h,w]; `nhwc` keeps the channels of a pixel together, [1,h,w,3]' }),
  elementType: z.enum(['float32', 'uint8']).default('float32').meta({
    description: '`uint8` gives the values as they are, 0..255, for models that normalise by themselves: `mean` and `std` are not used',
  }),
});

/** How a picture was brought to the sides of a model: decoders take the same to find back to the source. */
export const fitParams = z.strictObject({
  width: z.number().int().min(1).max(4096).meta({ description: 'Width of the result, in pixels' }),
  height: z.number().int().min(1).max(4096).meta({ description: 'Height of the result, in pixels' }),
  mode: z
    .enum(['stretch', 'letterbox'])
    .default('stretch')
    .meta({ description: '`letterbox` keeps the proportions and pads; `align` says where' }),
  align: z
    .enum(['corner', 'centre'])
    .default('corner')
    .meta({ description: 'Of a letterbox: `corner` pads to the right and below, `centre` equally on both sides' }),
  padding: z.number().int().min(0).max(255).default(114).meta({ description: 'Grey value of the padding' }),
});

const greyTensorParams = z.strictObject({
  mean: z.number().default(0).meta({ description: 'Subtracted after scaling to 0..1' }),
  std: z.number().positive().default(1).meta({ description: 'Divided by' }),
  invert: z.boolean().default(false).meta({ description: 'Dark strokes on a light ground become light on dark' }),
});

const unit = z
  .enum(['pixels', 'share'])
  .default('pixels')
  .meta({ description: '`share`: 0..1 of the width and of the height of the picture' });
const corner = z.tuple([z.number(), z.number()]);

const cropParams = z.strictObject({
  box: z
    .tuple([z.number(), z.number(), z.number(), z.number()])
    .meta({ description: 'Left, top, right, bottom; what lies beside the picture is left out' }),
  unit,
});

const cropDetectionsParams = z.strictObject({
  margin: z
    .number()
    .min(0)
    .max(2)
    .default(0)
    .meta({ description: 'Added on each side, as a share of the width and of the height of the box' }),
  square: z
    .boolean()
    .default(false)
    .meta({ description: 'The shorter side is made as long as the longer one, where the picture has room' }),
});

const warpParams = z
  .strictObject({
    width: z.number().int().min(1).max(4096).meta({ description: 'Width of the result, in pixels' }),
    height: z.number().int().min(1).max(4096).meta({ description: 'Height of the result, in pixels' }),
    quad: z
      .tuple([corner, corner, corner, corner])
      .optional()
      .meta({ description: 'Corners in the picture that become those of the result: top-left, top-right, bottom-right, bottom-left' }),
    matrix: z.tuple([z.number(), z.number(), z.number(), z.number(), z.number(), z.number()]).optional().meta({
      description:
        "In place of `quad`: a, b, c, d, e, f of x' = ax + by + c, y' = dx + ey + f, from the picture to the result, in pixels whose left and top edges are whole numbers",
    }),
    unit: unit.meta({ description: 'Of `quad`. `share`: 0..1 of the width and of the height of the picture' }),
  })
  .refine(({ quad, matrix }) => (quad === undefined) !== (matrix === undefined), { message: 'give either quad or matrix', path: ['quad'] })
  .refine(({ matrix }) => matrix === undefined || matrix[0] * matrix[4] !== matrix[1] * matrix[3], {
    message: 'the matrix maps everything onto a line: a * e must differ from b * d',
    path: ['matrix'],
  });

const turnParams = z.strictObject({
  degrees: z.literal([0, 90, 180, 270]).default(0).meta({ description: 'Clockwise' }),
  flip: z
    .enum(['none', 'horizontal', 'vertical'])
    .default('none')
    .meta({ description: 'After turning: `horizontal` swaps left and right, `vertical` swaps top and bottom' }),
});

const colourParams = z.strictObject({
  channels: z
    .enum(['keep', 'swap', 'grey'])
    .default('keep')
    .meta({ description: '`swap` exchanges red and blue; `grey` gives each pixel its luma (ITU-R BT.601) in all three channels' }),
  contrast: z.number().min(0).max(10).default(1).meta({ description: 'Factor of the distance from the middle grey, 127.5' }),
  brightness: z.number().min(-255).max(255).default(0).meta({ description: 'Added after `contrast`' }),
  gamma: z.number().min(0.1).max(10).default(1).meta({ description: 'Applied last, to values as 0..1: below 1 shadows become lighter' }),
});

/** Pictures: decoded, scaled, cut, turned, recoloured and made into tensors. */
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
    summary: 'Makes an image a tensor [1,3,height,width]; `layout` and `elementType` give its type another form',
    inputs: { image: 'image' },
    outputs: { tensor: 'tensor<float32,[1,3,h,w]>' },
    params: toTensorParams,
    ports: ({ layout, elementType }: z.output<typeof toTensorParams>) => ({
      inputs: { image: 'image' },
      outputs: { tensor: `tensor<${elementType},${layout === 'nchw' ? '[1,3,h,w]' : '[1,h,w,3]'}>` },
    }),
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
  'image.crop': {
    name: 'image.crop',
    version: 1,
    summary: 'Cuts a fixed rectangle out of an image',
    inputs: { image: 'image' },
    outputs: { image: 'image' },
    params: cropParams,
  },
  'image.crop-detections': {
    name: 'image.crop-detections',
    version: 1,
    summary: 'Cuts each detection out of an image, one picture for each in their order; turned boxes are set upright',
    inputs: { image: 'image', detections: 'detections' },
    outputs: { images: 'list<image>' },
    params: cropDetectionsParams,
  },
  'image.warp': {
    name: 'image.warp',
    version: 1,
    summary: 'Straightens a quadrilateral of an image, or moves the image by an affine matrix; outside it its border repeats',
    inputs: { image: 'image' },
    outputs: { image: 'image' },
    params: warpParams,
  },
  'image.turn': {
    name: 'image.turn',
    version: 1,
    summary: 'Turns an image by quarter turns and mirrors it',
    inputs: { image: 'image' },
    outputs: { image: 'image' },
    params: turnParams,
  },
  'image.colour': {
    name: 'image.colour',
    version: 1,
    summary: 'Changes channels, contrast, brightness and gamma of an image',
    inputs: { image: 'image' },
    outputs: { image: 'image' },
    params: colourParams,
  },
  'image.statistics': {
    name: 'image.statistics',
    version: 1,
    summary:
      'Measures an image: `width`, `height`, mean luma as `brightness`, its deviation as `contrast`, and `sharpness`, the variance of its Laplacian',
    inputs: { image: 'image' },
    outputs: { statistics: 'json' },
    params: z.strictObject({}),
  },
} as const satisfies Record<string, OperatorSignature>;
