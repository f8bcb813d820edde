import { z } from 'zod';
import type { OperatorSignature } from '../signature.ts';

const classesParams = z.strictObject({
  softmax: z.boolean().default(false).meta({ description: 'The scores are logits: turn them into probabilities' }),
  count: z.number().int().min(1).max(1000).default(5).meta({ description: 'Classes that are kept, best first' }),
  labels: z.array(z.string().max(200)).max(20_000).optional().meta({ description: 'Name of each class, in order' }),
});

/** What a classifier says. */
export const classesOperators = {
  'classes.top': {
    name: 'classes.top',
    version: 1,
    summary: 'The classes with the highest scores, with their names',
    inputs: { scores: 'tensor<float32,[1,c]>' },
    outputs: { classes: 'json' },
    params: classesParams,
  },
} as const satisfies Record<string, OperatorSignature>;
