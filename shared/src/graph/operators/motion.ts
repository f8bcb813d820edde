import { z } from 'zod';
import type { OperatorSignature } from '../signature.ts';

const pointSchema = z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]);

const backgroundFields = {
  threshold: z
    .number()
    .min(1)
    .max(255)
    .default(20)
    .meta({ description: 'Grey levels, of 255, by which a place has to differ from the background' }),
  adaptMs: z
    .number()
    .int()
    .min(1)
    .max(3_600_000)
    .default(10_000)
    .meta({ description: 'Time in which the background takes over most (63 %) of what stays' }),
  warmUpMs: z
    .number()
    .int()
    .min(0)
    .max(600_000)
    .default(1000)
    .meta({ description: 'Time in which the background is learnt first; nothing counts as motion until then' }),
  ignoreLight: z.boolean().default(true).meta({ description: 'What the whole picture gets brighter or darker by is no motion' }),
  region: z
    .array(pointSchema)
    .min(3, 'a polygon has three corners at least')
    .max(64)
    .optional()
    .meta({ description: 'Only motion in this polygon counts: corners [x, y], relative to the sides of the picture, 0..1' }),
};

const measureParams = z.strictObject(backgroundFields);

const gateParams = z.strictObject({
  ...backgroundFields,
  minimumArea: z
    .number()
    .min(0.0001)
    .max(1)
    .default(0.005)
    .meta({ description: 'Share of the picture, or of `region`, that has to differ' }),
  holdMs: z.number().int().min(0).max(3_600_000).default(2000).meta({ description: 'Images still pass for so long after the last motion' }),
});

const sampleParams = z
  .strictObject({
    every: z.number().int().min(1).max(1_000_000).optional().meta({ description: 'Passes the first item, and each n-th after it' }),
    perSecond: z
      .number()
      .positive()
      .max(1000)
      .optional()
      .meta({ description: 'Passes so many items a second at most, by the times at which they were taken; 0.1 is one in ten seconds' }),
  })
  .refine(({ every, perSecond }) => (every === undefined) !== (perSecond === undefined), 'give either every or perSecond');

const keyText = '; on `key` another value can be compared in its place';
const debounceParams = z.strictObject({
  items: z.number().int().min(1).max(100_000).default(3).meta({ description: 'Items in a row in which the value has to be the same' }),
  stableMs: z.number().int().min(0).max(86_400_000).default(0).meta({ description: 'Time for which it also has to have been the same' }),
  onChange: z
    .boolean()
    .default(true)
    .meta({ description: 'Passes a value only when it differs from the last that passed; `false`: as long as it is stable' }),
});

const changedParams = z.strictObject({
  first: z.boolean().default(true).meta({ description: 'The first value of a stream passes' }),
  repeatMs: z
    .number()
    .int()
    .positive()
    .max(86_400_000)
    .optional()
    .meta({ description: 'Passes a value that is the same too when nothing has passed for so long' }),
});

/** What lets items through, and what does not. */
export const motionOperators = {
  'motion.gate': {
    name: 'motion.gate',
    version: 1,
    summary:
      'Lets images through while something moves in them, against a background that is learnt. `event` is there when motion starts and when it ends',
    inputs: { image: 'image' },
    outputs: { image: 'image', event: 'json' },
    params: gateParams,
    stateful: true,
  },
  'motion.measure': {
    name: 'motion.measure',
    version: 1,
    summary:
      'How much of an image differs from the background: `area` as a share, `box` around it in pixels or null, `difference` in grey levels on average, `warm` once the background is learnt',
    inputs: { image: 'image' },
    outputs: { motion: 'json' },
    params: measureParams,
    stateful: true,
  },
  'flow.sample': {
    name: 'flow.sample',
    version: 1,
    summary: 'Passes every n-th item, or so many a second',
    inputs: { value: 'T' },
    outputs: { value: 'T' },
    params: sampleParams,
    stateful: true,
  },
  'flow.debounce': {
    name: 'flow.debounce',
    version: 1,
    summary: `Passes a value once it has been the same for some items and some time${keyText}`,
    inputs: { value: 'T', key: 'K' },
    optional: ['key'],
    outputs: { value: 'T' },
    params: debounceParams,
    stateful: true,
  },
  'flow.changed': {
    name: 'flow.changed',
    version: 1,
    summary: `Passes a value that differs from the one before it${keyText}`,
    inputs: { value: 'T', key: 'K' },
    optional: ['key'],
    outputs: { value: 'T' },
    params: changedParams,
    stateful: true,
  },
} as const satisfies Record<string, OperatorSignature>;
