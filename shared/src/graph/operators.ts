import { z } from 'zod';
import { nameSchema } from '../ids.ts';
import type { OperatorSignature } from './type-check.ts';

const pixelTriple = z.tuple([z.number(), z.number(), z.number()]);

/** An image as a tensor for a convolutional network. */
const toTensorParams = z.strictObject({
  mean: pixelTriple.default([0.485, 0.456, 0.406]).meta({ description: 'Subtracted after scaling to 0..1, per channel of `order`' }),
  std: pixelTriple.default([0.229, 0.224, 0.225]).meta({ description: 'Divided by, per channel of `order`' }),
  order: z.enum(['rgb', 'bgr']).default('rgb').meta({ description: 'Order of the channels in the tensor' }),
});

const resizeParams = z.strictObject({
  longestSide: z.number().int().min(32).max(4096).default(960).meta({ description: 'Larger images are scaled down to it, in pixels' }),
  multipleOf: z.number().int().min(1).max(128).default(32).meta({ description: 'Both sides are rounded to a multiple of it, in pixels' }),
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

const classesParams = z.strictObject({
  softmax: z.boolean().default(false).meta({ description: 'The scores are logits: turn them into probabilities' }),
  count: z.number().int().min(1).max(1000).default(5).meta({ description: 'Classes that are kept, best first' }),
  labels: z.array(z.string().max(200)).max(20_000).optional().meta({ description: 'Name of each class, in order' }),
});

const decodeParams = z.strictObject({
  maximumPixels: z
    .number()
    .int()
    .positive()
    .max(268_435_456)
    .default(50_000_000)
    .meta({ description: 'Larger images are refused before they are decoded' }),
});

/** Post-processing of DBNet (Liao et al. 2020) with the parameters of PaddleOCR. */
const dbnetParams = z.strictObject({
  threshold: z.number().min(0).max(1).default(0.3).meta({ description: 'Pixels above it belong to text' }),
  boxThreshold: z.number().min(0).max(1).default(0.6).meta({ description: 'Boxes whose mean probability is below it are dropped' }),
  unclipRatio: z.number().min(1).max(5).default(1.5).meta({ description: 'How far a shrunken box grows back' }),
  minimumSide: z.number().min(1).max(100).default(3).meta({ description: 'Boxes with a shorter side are dropped, in pixels of the map' }),
  maximumBoxes: z.number().int().min(1).max(3000).default(500).meta({ description: 'Boxes beyond it are dropped' }),
});

const lineParams = z.strictObject({
  height: z.number().int().min(8).max(128).default(48).meta({ description: 'Height of the tensor, in pixels' }),
  minimumWidth: z.number().int().min(8).max(4096).default(320).meta({ description: 'Shorter lines are padded to it, in pixels' }),
  maximumWidth: z.number().int().min(8).max(4096).default(1600).meta({ description: 'Longer lines are squeezed into it, in pixels' }),
  widthStep: z
    .number()
    .int()
    .min(1)
    .max(512)
    .default(64)
    .meta({ description: 'Widths are padded to a multiple of it, so that lines can share a run' }),
});

const assetParams = z.strictObject({
  dictionary: z
    .strictObject({ model: nameSchema, asset: nameSchema })
    .meta({ description: 'The asset of a model that lists its characters, one a line' }),
  spaceAtEnd: z.boolean().default(true).meta({ description: 'The model has a class for the space after the last of the dictionary' }),
});

const collectParams = z.strictObject({
  minimumConfidence: z.number().min(0).max(1).default(0.5).meta({ description: 'Readings below it are left out' }),
  minimumLength: z.number().int().min(0).max(100).default(1).meta({ description: 'Shorter texts are left out, in characters' }),
});

/** Operators of this version of Starling: what the fleet checks pipelines against and every agent implements. */
export const operatorSignatures = {
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
  'classes.top': {
    name: 'classes.top',
    version: 1,
    summary: 'The classes with the highest scores, with their names',
    inputs: { scores: 'tensor<float32,[1,c]>' },
    outputs: { classes: 'json' },
    params: classesParams,
  },
  'image.crop-quads': {
    name: 'image.crop-quads',
    version: 1,
    summary: 'Cuts each box out of an image by a perspective warp; tall crops are turned by 90 degrees',
    inputs: { image: 'image', boxes: 'boxes' },
    outputs: { images: 'list<image>' },
    params: z.strictObject({}),
  },
  'dbnet.decode': {
    name: 'dbnet.decode',
    version: 1,
    summary: 'Turns the probability map of a DBNet text detector into boxes in pixels of the source image',
    inputs: { map: 'tensor<float32,[1,1,h,w]>', source: 'image' },
    outputs: { boxes: 'boxes' },
    params: dbnetParams,
  },
  'text-line.to-tensor': {
    name: 'text-line.to-tensor',
    version: 1,
    summary: 'Scales a text line to a fixed height, pads its width and normalises it to -1..1 (BGR)',
    inputs: { image: 'image' },
    outputs: { tensor: 'tensor<float32,[1,3,h,w]>' },
    params: lineParams,
  },
  'ctc.decode': {
    name: 'ctc.decode',
    version: 1,
    summary: 'Greedy CTC decoding of character probabilities with a dictionary; class 0 is the blank',
    inputs: { probabilities: 'tensor<float32,[1,t,c]>' },
    outputs: { text: 'text' },
    params: assetParams,
  },
  'readings.collect': {
    name: 'readings.collect',
    version: 1,
    summary: 'Joins boxes with their texts and leaves out those with little confidence',
    inputs: { boxes: 'boxes', texts: 'list<text>' },
    outputs: { readings: 'json' },
    params: collectParams,
  },
} as const satisfies Record<string, OperatorSignature>;

export type OperatorName = keyof typeof operatorSignatures;
export type OperatorParams<Name extends OperatorName> = z.output<(typeof operatorSignatures)[Name]['params']>;

export const operatorRegistry: ReadonlyMap<string, OperatorSignature> = new Map(Object.entries(operatorSignatures));

/** Operator name -> version, as `hello` and capabilities state it. */
export const operatorVersions: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(operatorSignatures).map(([name, { version }]) => [name, version]),
);
