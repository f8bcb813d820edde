import { z } from 'zod';
import { capabilitiesSchema } from '../documents/capabilities.ts';
import { deviceIdSchema, wallMsSchema } from '../ids.ts';
import { UPLOAD_BYTES_MAXIMUM, UPLOAD_PIECE_BYTES_MAXIMUM } from '../limits.ts';

/**
 * A part of what a command makes that is too large for its result. The fleet takes parts in order and answers each with how many bytes it
 * has; a part that does not follow changes nothing. A device sends on from there, also after the connection or the fleet were gone.
 */
export const uploadPieceSchema = z
  .object({
    offset: z.number().int().nonnegative().max(UPLOAD_BYTES_MAXIMUM).meta({ description: 'Where in the whole its first byte stands' }),
    bytes: z
      .instanceof(Uint8Array)
      .refine(({ length }) => length > 0 && length <= UPLOAD_PIECE_BYTES_MAXIMUM, `1 to ${UPLOAD_PIECE_BYTES_MAXIMUM} bytes`)
      .meta({ description: 'A CBOR byte string' }),
    totalBytes: z.number().int().positive().max(UPLOAD_BYTES_MAXIMUM),
  })
  .refine(({ offset, bytes, totalBytes }) => offset + bytes.length <= totalBytes, 'the part ends behind the whole')
  .meta({ id: 'UploadPiece', title: 'Part of an upload' });
export type UploadPiece = z.infer<typeof uploadPieceSchema>;

export const uploadedSchema = z
  .object({
    receivedBytes: z.number().int().nonnegative().meta({ description: 'From the start, without gaps; all of them: it is stored' }),
  })
  .meta({ id: 'Uploaded', title: 'What of an upload has arrived' });
export type Uploaded = z.infer<typeof uploadedSchema>;

/** What somebody needs who looks for the cause of a trouble on a device that they cannot reach. No keys, no passwords, no values. */
export const diagnosticsSchema = z
  .object({
    kind: z.literal('diagnostics'),
    schemaVersion: z.literal(1),
    device: deviceIdSchema,
    agentVersion: z.string(),
    bootId: z.string(),
    atMs: wallMsSchema,
    uptimeMs: z.number().nonnegative(),
    capabilities: capabilitiesSchema,
    status: z.record(z.string(), z.unknown()).meta({ description: 'What the agent says of itself' }),
    journal: z.object({
      desired: z.object({ epoch: z.number(), generation: z.number() }).nullable(),
      good: z.string().nullable().meta({ description: 'Release that is pinned' }),
      previousGood: z.string().nullable(),
      failed: z.record(z.string(), z.number()).meta({ description: 'Release -> attempts' }),
      rootCount: z.number(),
    }),
    sensors: z.record(z.string(), z.unknown()),
    log: z.array(z.string()).meta({ description: 'Newest lines, oldest first' }),
  })
  .meta({ id: 'Diagnostics', title: 'Diagnostics of a device' });
export type Diagnostics = z.infer<typeof diagnosticsSchema>;
