import { rolloutStateSchema, targetStateSchema } from '@starling/shared';
import { z } from 'zod';

const page = z.number().int().min(1).max(100_000).optional().catch(undefined);

/** What the list of rollouts keeps in the address. */
export const rolloutsSearchSchema = z.object({ page, state: rolloutStateSchema.optional().catch(undefined) });

/** What the page of a rollout keeps there: which of its devices are listed. */
export const rolloutSearchSchema = z.object({
  page,
  state: targetStateSchema.optional().catch(undefined),
  wave: z.number().int().min(0).max(100).optional().catch(undefined),
  search: z.string().max(200).optional().catch(undefined),
});

/** What a form for a new one starts with. */
export const newRolloutSearchSchema = z.object({ release: z.string().max(200).optional().catch(undefined) });
