import { z } from 'zod';
import { nameSchema } from '../../ids.ts';
import type { OperatorSignature } from '../signature.ts';

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

/** Reading text: boxes of lines, characters of each line, and both together. */
export const textOperators = {
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
