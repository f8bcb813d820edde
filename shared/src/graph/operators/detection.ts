import { z } from 'zod';
import type { OperatorSignature } from '../signature.ts';
import { fitParams } from './image.ts';

const fit = fitParams.meta({ description: 'How the picture was brought to the sides of the model: the parameters of its image.fit' });
const labels = z.array(z.string().max(200)).min(1).max(20_000).optional().meta({ description: 'Name of each class, in order' });
const scoreThreshold = z.number().min(0).max(1).default(0.25).meta({ description: 'Detections with a lower score are dropped' });
const maximumCount = z.number().int().min(1).max(3000).default(300).meta({ description: 'Detections that are kept, best first' });
const iouThreshold = z.number().min(0).max(1);
const agnostic = z.boolean().default(false).meta({ description: 'Detections of different classes suppress each other too' });

const yoloParams = z
  .strictObject({
    fit,
    layout: z.enum(['auto', 'v5', 'v8', 'v10']).default('auto').meta({
      description:
        '`v5`: [1,n,5+classes], with objectness (v5, v6, v7); `v8`: [1,4+classes,n] (v8, v9, v11, v12); `v10`: [1,n,6], corners, score and class, already suppressed (v10, and exports with NMS inside). `auto` tells them apart by the shape and the sides in `fit`',
    }),
    task: z.enum(['detect', 'segment', 'pose', 'turned']).default('detect').meta({
      description: 'What each row has beyond box and scores: `segment` coefficients of masks, `pose` key points, `turned` an angle',
    }),
    labels,
    keypoints: z.number().int().min(1).max(1000).default(17).meta({ description: 'Of `pose`: how many there are' }),
    scoreThreshold,
    iouThreshold: iouThreshold
      .default(0.45)
      .meta({ description: 'Of two detections that overlap by more, the better stays; 1 keeps both. Not used with `v10`' }),
    agnostic,
    maximumCount,
    unit: z
      .enum(['pixels', 'share'])
      .default('pixels')
      .meta({ description: 'What the model counts in: pixels of its input, or `share`, 0..1 of its sides' }),
    maskSide: z
      .number()
      .int()
      .min(8)
      .max(1024)
      .default(160)
      .meta({ description: 'Of `segment`: most pixels along the longer side of a mask' }),
  })
  .refine(({ task, fit: { mode } }) => task !== 'turned' || mode === 'letterbox', {
    message: 'a stretched picture bends turned boxes: fit it with mode letterbox',
    path: ['fit', 'mode'],
  });

const priorMap = z.strictObject({
  stride: z.number().int().min(1).max(1024).meta({ description: 'Pixels of the input from one cell of the map to the next' }),
  sizes: z.array(z.number().positive()).min(1).max(32).meta({ description: 'Sides of the square priors of each cell, in pixels' }),
});

const ssdParams = z
  .strictObject({
    fit,
    format: z.enum(['corners', 'centres', 'offsets', 'final']).default('corners').meta({
      description:
        'What `boxes` holds: left, top, right, bottom of every prior; centre and sides; offsets from `priors`; or `final`, the end of a TensorFlow graph: top, left, bottom, right, with classes, scores and count as ports of their own',
    }),
    unit: z
      .enum(['share', 'pixels'])
      .default('share')
      .meta({ description: 'What boxes count in: `share`, 0..1 of the sides of the input, or its pixels' }),
    background: z
      .boolean()
      .default(true)
      .meta({ description: 'The first class means that there is nothing; it is not counted. Not used with `final`' }),
    firstClass: z
      .number()
      .int()
      .min(0)
      .max(1)
      .default(0)
      .meta({ description: 'Of `final`: the number of the first class, 1 in most TensorFlow graphs' }),
    activation: z
      .enum(['none', 'softmax', 'sigmoid'])
      .default('none')
      .meta({ description: 'What turns scores into probabilities, where the graph has not' }),
    priors: z
      .array(priorMap)
      .min(1)
      .max(16)
      .optional()
      .meta({ description: 'Of `offsets`: the maps of the detector, in order, each with the stride and the sizes of its priors' }),
    variances: z
      .tuple([z.number().positive(), z.number().positive()])
      .default([0.1, 0.2])
      .meta({ description: 'Of `offsets`: factors of the centre and of the sides' }),
    labels,
    scoreThreshold: scoreThreshold.default(0.5),
    iouThreshold: iouThreshold
      .default(0.45)
      .meta({ description: 'Of two detections of a class that overlap by more, the better stays; 1 keeps both. Not used with `final`' }),
    agnostic,
    maximumCount,
  })
  .refine(({ format, priors }) => (format === 'offsets') === (priors !== undefined), {
    message: 'offsets need priors, and nothing else has them',
    path: ['priors'],
  });

const nmsParams = z.strictObject({
  iouThreshold: iouThreshold.default(0.45).meta({ description: 'Of two detections that overlap by more, the better stays' }),
  measure: z.enum(['iou', 'smaller']).default('iou').meta({
    description:
      'Overlap as a share of the union, or of the smaller box: `smaller` also removes parts of a thing, as at the edges of tiles',
  }),
  agnostic,
  method: z.enum(['hard', 'linear', 'gaussian']).default('hard').meta({
    description: '`linear` and `gaussian` lower the score of what overlaps and drop it only below `scoreThreshold` (Soft-NMS)',
  }),
  sigma: z.number().positive().max(10).default(0.5).meta({ description: 'Of `gaussian`: the larger, the less scores fall' }),
  scoreThreshold: z.number().min(0).max(1).default(0.001).meta({ description: 'Detections with a lower score are dropped' }),
  maximumCount,
});

const filterParams = z
  .strictObject({
    labels: z.array(z.string().max(200)).min(1).max(1000).optional().meta({ description: 'Classes that are kept, by name' }),
    classes: z
      .array(z.number().int().min(0).max(20_000))
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: 'Classes that are kept, by number' }),
    minimumScore: z.number().min(0).max(1).default(0).meta({ description: 'Lower scores are left out' }),
    minimumArea: z
      .number()
      .min(0)
      .default(0)
      .meta({ description: 'Smaller boxes are left out, in `unit`: square pixels, or a share of the picture' }),
    maximumArea: z.number().positive().optional().meta({ description: 'Larger boxes are left out, in `unit`' }),
    zone: z
      .array(z.tuple([z.number(), z.number()]))
      .min(3)
      .max(100)
      .optional()
      .meta({ description: 'Corners of an area, in `unit`: detections whose `anchor` lies outside are left out' }),
    anchor: z.enum(['centre', 'bottom']).default('centre').meta({
      description: 'The point of a detection that counts for `zone`; `bottom` is the middle of its lower side, where a person stands',
    }),
    unit: z
      .enum(['pixels', 'share'])
      .default('pixels')
      .meta({ description: '`share`: 0..1 of the picture on the input `source`, which there is only then' }),
  })
  .refine(({ labels: names, classes }) => names === undefined || classes === undefined, {
    message: 'give either labels or classes',
    path: ['classes'],
  });

const fromBoxesParams = z.strictObject({
  class: z.number().int().min(0).max(20_000).default(0).meta({ description: 'Class of every detection' }),
  label: z.string().max(200).optional().meta({ description: 'Name of the class' }),
  turned: z.boolean().default(false).meta({ description: 'The smallest rectangle at any angle, in place of the upright one' }),
});

const heatmapParams = z.strictObject({
  fit,
  scoreThreshold: z.number().min(0).max(1).default(0.2).meta({ description: 'Key points below it do not count for box and score' }),
  minimumKeypoints: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(1)
    .meta({ description: 'With fewer of them above the threshold there is no detection' }),
  refine: z.boolean().default(true).meta({ description: 'Moves each point a quarter of a cell towards the higher neighbour' }),
  label: z.string().max(200).optional().meta({ description: 'Name of the class' }),
});

const toMaskParams = z.strictObject({
  invert: z.boolean().default(false).meta({ description: 'The detections become black, all else white' }),
});

/** What a detector says, and what is done with it. */
export const detectionOperators = {
  'yolo.decode': {
    name: 'yolo.decode',
    version: 1,
    summary:
      'Turns the output of a YOLO export into detections in pixels of the source image; with `task: segment` it takes `prototypes` too',
    inputs: { output: 'tensor<float32,[1,a,b]>', source: 'image' },
    outputs: { detections: 'detections' },
    params: yoloParams,
    ports: ({ task }: z.output<typeof yoloParams>) => ({
      inputs: {
        output: 'tensor<float32,[1,a,b]>',
        source: 'image',
        ...(task === 'segment' ? { prototypes: 'tensor<float32,[1,m,h,w]>' } : {}),
      },
      outputs: { detections: 'detections' },
    }),
  },
  'ssd.decode': {
    name: 'ssd.decode',
    version: 1,
    summary:
      'Turns the outputs of an SSD detector into detections in pixels of the source image; with `format: final` it takes `classes` and `count` too',
    inputs: { scores: 'tensor<float32,[1,n,c]>', boxes: 'tensor<float32,[1,n,4]>', source: 'image' },
    outputs: { detections: 'detections' },
    params: ssdParams,
    ports: ({ format }: z.output<typeof ssdParams>) => ({
      inputs: {
        boxes: 'tensor<float32,[1,n,4]>',
        source: 'image',
        ...(format === 'final'
          ? { scores: 'tensor<float32,[1,n]>', classes: 'tensor<float32,[1,n]>', count: 'tensor<float32,[1]>' }
          : { scores: 'tensor<float32,[1,n,c]>' }),
      },
      outputs: { detections: 'detections' },
      optional: format === 'final' ? ['count'] : [],
    }),
  },
  'detections.nms': {
    name: 'detections.nms',
    version: 1,
    summary: 'Keeps the best of detections that overlap, turned boxes by their real overlap',
    inputs: { detections: 'detections' },
    outputs: { detections: 'detections' },
    params: nmsParams,
  },
  'detections.filter': {
    name: 'detections.filter',
    version: 1,
    summary: 'Parts detections by class, score, area and place: `detections` are those that pass, `rest` the others',
    inputs: { detections: 'detections' },
    outputs: { detections: 'detections', rest: 'detections' },
    params: filterParams,
    ports: ({ unit }: z.output<typeof filterParams>) => ({
      inputs: { detections: 'detections', ...(unit === 'share' ? { source: 'image' } : {}) },
      outputs: { detections: 'detections', rest: 'detections' },
    }),
  },
  'detections.to-boxes': {
    name: 'detections.to-boxes',
    version: 1,
    summary: 'The corners of each detection, for what takes boxes',
    inputs: { detections: 'detections' },
    outputs: { boxes: 'boxes' },
    params: z.strictObject({}),
  },
  'detections.to-mask': {
    name: 'detections.to-mask',
    version: 1,
    summary: 'A black picture in which detections are white: their masks where they have one, their boxes otherwise',
    inputs: { detections: 'detections', source: 'image' },
    outputs: { image: 'image' },
    params: toMaskParams,
  },
  'boxes.to-detections': {
    name: 'boxes.to-detections',
    version: 1,
    summary: 'Boxes as detections of one class, for what takes detections',
    inputs: { boxes: 'boxes' },
    outputs: { detections: 'detections' },
    params: fromBoxesParams,
  },
  'keypoints.from-heatmaps': {
    name: 'keypoints.from-heatmaps',
    version: 1,
    summary: 'Turns a heat map for each key point into one detection with key points, in pixels of the source image',
    inputs: { heatmaps: 'tensor<float32,[1,k,h,w]>', source: 'image' },
    outputs: { detections: 'detections' },
    params: heatmapParams,
  },
} as const satisfies Record<string, OperatorSignature>;
