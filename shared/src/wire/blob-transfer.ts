import { z } from 'zod';
import { PULL_WINDOW_BYTES, PULL_WINDOW_BYTES_MINIMUM, WANT_CHUNKS_MAXIMUM } from '../limits.ts';

/**
 * Asks for chunks and gives credit. The fleet answers each with one frame, a chunk or `missing`, about in the order of asking, and keeps
 * at most `creditBytes` of frames under way: a frame counts from being sent until a later want confirms it by `receivedChunks`. So a
 * device that stops reading is never sent more than its credit. A want without chunks only confirms.
 *
 * A device has at most PULL_QUEUE_CHUNKS_MAXIMUM chunks asked for and not got; what it asks beyond gets no answer. The session ends with
 * the connection or a `hello`: then the fleet forgets what was asked for, and both count frames from 0.
 */
export const wantSchema = z
  .object({
    want: z.number().int().nonnegative().max(0xffffffff).meta({ description: 'Number of this want; frames repeat it' }),
    chunks: z
      .array(
        z
          .instanceof(Uint8Array)
          .refine((bytes) => bytes.length === 32, 'a digest has 32 bytes')
          .meta({ description: 'SHA-256, a CBOR byte string of 32 bytes' }),
      )
      .max(WANT_CHUNKS_MAXIMUM)
      .meta({ description: 'Digests, 32 bytes each; added to what was asked before' }),
    receivedChunks: z.number().int().nonnegative().meta({ description: 'Frames received in this session so far, `missing` included' }),
    creditBytes: z.number().int().min(PULL_WINDOW_BYTES_MINIMUM).max(PULL_WINDOW_BYTES),
    cancel: z.boolean().default(false).meta({ description: 'Forget everything that was asked before' }),
  })
  .meta({ id: 'Want', title: 'Blob want' });
export type Want = z.infer<typeof wantSchema>;
