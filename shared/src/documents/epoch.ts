import { z } from 'zod';
import { wallMsSchema } from '../ids.ts';

/**
 * Lets a fleet that was set back, from a backup, be believed again: its desired states are of a higher epoch than any that devices have
 * seen. Signed by a publisher or root key, which the fleet does not have: whoever has taken the fleet alone cannot raise it.
 */
export const epochSchema = z
  .object({
    kind: z.literal('epoch'),
    schemaVersion: z.literal(1),
    critical: z.array(z.string()).default([]),
    fleetId: z.string(),
    epoch: z.number().int().min(2),
    issuedAtMs: wallMsSchema,
  })
  .meta({ id: 'Epoch', title: 'Epoch' });
export type Epoch = z.infer<typeof epochSchema>;

/** Epoch of a fleet that was never set back; it needs no proof. */
export const FIRST_EPOCH = 1;
/** A signed epoch, as it stands in desired states. */
export const EPOCH_PROOF_CHARACTERS_MAXIMUM = 1024;
