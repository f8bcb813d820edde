import { buildMethodSchema, buildStateSchema, digestSchema } from '@starling/shared';
import { z } from 'zod';

/** What the list of builds keeps in the address: what it is narrowed by, and the build that is looked at. */
export const buildsSearchSchema = z.object({
  page: z.number().int().min(1).max(10_000).optional().catch(undefined),
  model: digestSchema.optional().catch(undefined),
  state: buildStateSchema.optional().catch(undefined),
  method: buildMethodSchema.optional().catch(undefined),
  build: z.string().max(100).optional().catch(undefined),
});
