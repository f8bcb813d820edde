import { z } from 'zod';
import { PULL_WINDOW_BYTES, WANT_CHUNKS_MAXIMUM } from '../limits.ts';

/**
 * Asks for chunks. The fleet sends them in this order and keeps at most `creditBytes` under way: a chunk counts from being sent until a
 * later want confirms it by `receivedChunks`. So a device that stops reading is never sent more than its credit.
 */
export const wantSchema = z
  .object({
    want: z.number().int().nonnegative().max(0xffffffff).meta({ description: 'Number of this want; frames repeat it' }),
    chunks: z
      .array(z.instanceof(Uint8Array).refine((bytes) => bytes.length === 32, 'a digest has 32 bytes'))
      .max(WANT_CHUNKS_MAXIMUM)
      .meta({ description: 'Digests, 32 bytes each; added to what was asked before' }),
    receivedChunks: z.number().int().nonnegative().meta({ description: 'Frames received in this session so far, `missing` included' }),
    creditBytes: z.number().int().positive().max(PULL_WINDOW_BYTES),
    cancel: z.boolean().default(false).meta({ description: 'Forget everything that was asked before' }),
  })
  .meta({ id: 'Want', title: 'Blob want' });
export type Want = z.infer<typeof wantSchema>;
