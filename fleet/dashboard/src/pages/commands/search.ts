import { batchTargetStateSchema, digestSchema, EXPRESSION_CHARACTERS_MAXIMUM, sendableCommandSchema } from '@starling/shared';
import { z } from 'zod';
import { listSearchSchema } from '../../parts/list-search.ts';

/** What the page of a command for many devices keeps in the address: which of them are listed. */
export const batchSearchSchema = listSearchSchema
  .pick({ page: true })
  .extend({ state: batchTargetStateSchema.optional().catch(undefined) });

/** What a form for a new one starts with. */
export const newBatchSearchSchema = z.object({
  select: z.string().max(EXPRESSION_CHARACTERS_MAXIMUM).optional().catch(undefined),
  name: sendableCommandSchema.optional().catch(undefined),
  /** Of the agent that devices are to be updated to. */
  build: digestSchema.optional().catch(undefined),
});
