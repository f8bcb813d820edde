import { z } from 'zod';

/** Left, top, right, bottom in pixels of the picture; right and bottom are outside. */
export const rectangleSchema = z.tuple([z.number(), z.number(), z.number(), z.number()]);
export type Rectangle = z.infer<typeof rectangleSchema>;

/** Which pixels of a picture belong to something, as lengths of runs by rows: first those outside, then those inside, in turn. */
export const maskSchema = z.object({
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  runs: z.array(z.number().int().nonnegative()),
});
export type Mask = z.infer<typeof maskSchema>;

/** One thing that was found in a picture. */
export const detectionSchema = z.object({
  box: rectangleSchema.meta({ description: 'In pixels of the picture; before it is turned where there is an angle' }),
  score: z.number(),
  class: z.number().int().nonnegative(),
  label: z.string().optional().meta({ description: 'Name of the class' }),
  angle: z.number().optional().meta({ description: 'Radians by which the box is turned around its centre, clockwise on the screen' }),
  keypoints: z
    .array(z.tuple([z.number(), z.number(), z.number()]))
    .optional()
    .meta({ description: 'x and y in pixels, and score' }),
  mask: maskSchema.optional().meta({ description: 'Over the box, stretched to it' }),
  track: z.number().int().positive().optional().meta({ description: 'The same thing in another frame has the same' }),
});
export type Detection = z.infer<typeof detectionSchema>;

/** Sound as it travels on edges: samples of all channels in turn, -1 to 1. */
export interface Audio {
  sampleRateHz: number;
  channels: number;
  samples: Float32Array;
}
