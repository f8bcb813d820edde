import { z } from 'zod';
import type { OperatorSignature } from '../signature.ts';

const colour = z
  .string()
  .regex(/^#[0-9a-fA-F]{6}$/, 'use #rrggbb, such as #ff8000')
  .optional();

const drawParams = z.strictObject({
  colour: colour.meta({
    description: 'Of everything, as `#rrggbb`; without it each class, and each track where there are any, has one of its own',
  }),
  lineWidth: z
    .number()
    .int()
    .min(1)
    .max(64)
    .optional()
    .meta({ description: 'In pixels; without it a 400th of the longer side, at least 1' }),
  labels: z.boolean().default(true).meta({ description: 'Writes the name of the class, its score and its track at each detection' }),
  textScale: z
    .number()
    .int()
    .min(1)
    .max(16)
    .optional()
    .meta({ description: 'Pixels for each dot of a letter of 5 x 7; without it the line width' }),
  keypointThreshold: z.number().min(0).max(1).default(0.3).meta({ description: 'Key points with a lower score are left out' }),
  skeleton: z
    .array(z.tuple([z.number().int().min(0).max(999), z.number().int().min(0).max(999)]))
    .max(200)
    .default([])
    .meta({ description: 'Pairs of key points, counted from 0, that a line joins' }),
  maskOpacity: z.number().min(0).max(1).default(0.4).meta({ description: 'Of the colour over the pixels of a mask' }),
  zones: z
    .array(
      z
        .array(z.tuple([z.number(), z.number()]))
        .min(2)
        .max(100),
    )
    .max(100)
    .default([])
    .meta({ description: 'Lines (two points) and areas (more) that are drawn as well, in `zoneUnit`' }),
  zoneUnit: z
    .enum(['pixels', 'share'])
    .default('pixels')
    .meta({ description: '`share`: 0..1 of the width and of the height of the picture' }),
});

const blurParams = z.strictObject({
  regions: z.enum(['detections', 'boxes']).default('detections').meta({ description: 'What the input `regions` takes' }),
  mode: z.enum(['blur', 'pixelate', 'fill']).default('blur').meta({
    description: 'What becomes of a region: averages that run into each other, averages as squares, or one colour, black',
  }),
  cells: z.number().int().min(1).max(16).default(6).meta({
    description: 'Averages along the longer side of a region: all that is kept of it, whatever its size. Fewer hide more',
  }),
  margin: z
    .number()
    .min(0)
    .max(2)
    .default(0.1)
    .meta({ description: 'Added on each side, as a share of the width and of the height of the box' }),
  invert: z
    .boolean()
    .default(false)
    .meta({ description: 'Hides all but the regions; the picture is then the region that `cells` divides' }),
});

/** What is drawn onto pictures, or taken out of them. */
export const overlayOperators = {
  'image.draw': {
    name: 'image.draw',
    version: 1,
    summary: 'Draws boxes, turned boxes, key points, masks, labels and zones onto an image',
    inputs: { image: 'image', detections: 'detections', boxes: 'boxes' },
    optional: ['detections', 'boxes'],
    outputs: { image: 'image' },
    params: drawParams,
  },
  'image.blur-regions': {
    name: 'image.blur-regions',
    version: 1,
    summary:
      'Hides the `regions` of an image for good, detections or boxes: from each only a few averages are kept, so that no filter brings it back. Where they stay away for an item, no image is given',
    inputs: { image: 'image' },
    outputs: { image: 'image' },
    params: blurParams,
    ports: ({ regions }: z.output<typeof blurParams>) => ({ inputs: { image: 'image', regions }, outputs: { image: 'image' } }),
  },
} as const satisfies Record<string, OperatorSignature>;
