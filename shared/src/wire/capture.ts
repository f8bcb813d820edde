import { z } from 'zod';
import { edgeValueSchema } from '../codec/edge-value.ts';
import { digestSchema } from '../digest.ts';
import { portReferenceSchema } from '../documents/pipeline.ts';
import { deviceIdSchema, nameSchema, randomIdSchema, wallMsSchema } from '../ids.ts';
import { CAPTURE_BYTES_MAXIMUM, CAPTURE_DURATION_MS_MAXIMUM, CAPTURE_ITEMS_MAXIMUM, TAP_VALUE_BYTES_MAXIMUM } from '../limits.ts';
import { itemReferenceSchema, tapCountsSchema, tapOptionsSchema } from './tap.ts';

/** What is to be kept, and how much of it. It ends with the first of its bounds. */
export const captureArgumentsSchema = tapOptionsSchema.omit({ durationMs: true, maximumBytes: true }).extend({
  maximumBytes: z
    .number()
    .int()
    .min(1024)
    .max(TAP_VALUE_BYTES_MAXIMUM)
    .default(TAP_VALUE_BYTES_MAXIMUM)
    .meta({ description: 'Longest encoded value; a larger one is made smaller, or left out' }),
  items: z.number().int().min(1).max(CAPTURE_ITEMS_MAXIMUM).default(100).meta({ description: 'Values, of all edges together' }),
  fileBytes: z
    .number()
    .int()
    .min(64 * 1024)
    .max(CAPTURE_BYTES_MAXIMUM)
    .default(4 * 1024 * 1024)
    .meta({ description: 'Room that it takes on the device, which is kept free for it' }),
  durationMs: z.number().int().min(1_000).max(CAPTURE_DURATION_MS_MAXIMUM).default(60_000),
});
export type CaptureArguments = z.infer<typeof captureArgumentsSchema>;

/** Why a capture is over. */
export const captureEndSchema = z.enum(['items', 'bytes', 'expired', 'stopped', 'release-changed', 'disk-failed']);
export type CaptureEnd = z.infer<typeof captureEndSchema>;

export const captureCountsSchema = tapCountsSchema.omit({ link: true }).extend({
  disk: z.number().int().nonnegative().meta({ description: 'Left out since the disk was slower than the edges' }),
});
export type CaptureCounts = z.infer<typeof captureCountsSchema>;

/** One value that was kept. */
export const captureItemSchema = z.object({
  edge: portReferenceSchema,
  item: itemReferenceSchema,
  value: edgeValueSchema,
  atMs: wallMsSchema.meta({ description: 'When it was kept' }),
});
export type CaptureItem = z.infer<typeof captureItemSchema>;

/** What a capture holds, from where, under which release, and what was left out. */
export const captureManifestSchema = z
  .object({
    kind: z.literal('capture'),
    schemaVersion: z.literal(1),
    id: randomIdSchema.meta({ description: 'Of the command' }),
    device: deviceIdSchema,
    account: z.string().meta({ description: 'Who asked for it' }),
    pipeline: nameSchema,
    release: digestSchema.meta({ description: 'Whose policy let it be kept' }),
    edges: z.array(portReferenceSchema),
    asked: captureArgumentsSchema,
    startedAtMs: wallMsSchema,
    endedAtMs: wallMsSchema,
    end: captureEndSchema,
    items: z.number().int().nonnegative(),
    interruptions: z.number().int().nonnegative().meta({ description: 'The agent or its runtime host ended, and it was taken up again' }),
    counts: captureCountsSchema,
  })
  .meta({ id: 'CaptureManifest', title: 'What a capture holds' });
export type CaptureManifest = z.infer<typeof captureManifestSchema>;

/** The file that a device uploads (CBOR). */
export const captureSchema = z
  .object({ manifest: captureManifestSchema, items: z.array(captureItemSchema).max(CAPTURE_ITEMS_MAXIMUM) })
  .meta({ id: 'Capture', title: 'Values of edges that a device has kept' });
export type Capture = z.infer<typeof captureSchema>;

/** What a device answers once the fleet has the file. */
export const captureResultSchema = captureManifestSchema
  .pick({ pipeline: true, release: true, edges: true, end: true, items: true, interruptions: true, counts: true })
  .extend({ sizeBytes: z.number().int().positive() });
