import { z } from 'zod';
import { tensorElementTypeSchema } from '../documents/model-version.ts';

const size = z.number().int().nonnegative();

/** Counts over bins of equal width from the least value to the largest. */
const spreadSchema = z.object({
  elements: size,
  notFinite: size.meta({ description: 'Elements that are NaN or infinite; the others make up the rest' }),
  minimum: z.number().nullable(),
  maximum: z.number().nullable(),
  mean: z.number().nullable(),
  deviation: z.number().nullable().meta({ description: 'Standard deviation' }),
  histogram: z.array(size).max(64).meta({ description: 'Counts of bins of equal width from minimum to maximum' }),
});
export type Spread = z.infer<typeof spreadSchema>;

/** What one value of an edge looks like. @param bytes how bytes are written: as they are in CBOR, base64 in JSON */
function leavesOver<Bytes extends z.ZodType>(bytes: Bytes) {
  return [
    z.object({
      kind: z.literal('image'),
      width: size.meta({ description: 'Of the value, in pixels' }),
      height: size,
      thumbnail: z.object({ format: z.enum(['jpeg', 'webp', 'png']), width: size, height: size, data: bytes }),
      encodedBytes: size.optional().meta({ description: 'Bytes of the value, where it is a picture file' }),
    }),
    z.object({
      kind: z.literal('tensor'),
      elementType: tensorElementTypeSchema,
      shape: z.array(size).max(16),
      statistics: spreadSchema,
      sample: z
        .object({
          planes: size,
          rows: size,
          columns: size,
          isExact: z.boolean().meta({ description: 'Every element stands for itself; otherwise each is the mean of a block' }),
          data: bytes,
        })
        .meta({
          description: 'float32, little-endian, planes by rows by columns: the last two dimensions, of as many planes as there is room',
        }),
    }),
    z.object({
      kind: z.literal('audio'),
      sampleRateHz: z.number().positive(),
      channels: size,
      frames: size.meta({ description: 'Samples of each channel' }),
      rms: z.number(),
      peaks: z
        .array(z.tuple([z.number(), z.number()]))
        .max(512)
        .meta({ description: 'Least and largest sample of all channels in parts of equal length, in order' }),
      samples: bytes
        .optional()
        .meta({ description: '16-bit little-endian samples of all channels in turn, from the start, as many as fit' }),
    }),
    z.object({
      kind: z.literal('bytes'),
      sizeBytes: size,
      start: bytes.meta({ description: 'The first bytes' }),
    }),
    z
      .object({ kind: z.literal('json'), value: z.unknown() })
      .meta({ description: 'Boxes, detections, texts and all else that JSON can say' }),
    z.object({ kind: z.literal('left-out'), reason: z.enum(['too-large', 'not-encodable']), sizeBytes: size.optional() }),
  ] as const;
}

function valueOver<Bytes extends z.ZodType>(bytes: Bytes) {
  const leaves = leavesOver(bytes);
  const list = z.object({
    kind: z.literal('list'),
    length: size.meta({ description: 'Of the value' }),
    items: z.array(z.discriminatedUnion('kind', leaves)).max(64).meta({ description: 'The first of them' }),
  });
  return z.discriminatedUnion('kind', [...leaves, list]);
}

/** A value of an edge as it travels from a device: bounded, made to be looked at. */
export const edgeValueSchema = valueOver(z.custom<Uint8Array>((value) => value instanceof Uint8Array)).meta({
  id: 'EdgeValue',
  title: 'Value of an edge',
});
export type EdgeValue = z.infer<typeof edgeValueSchema>;
export type EdgeLeaf = Exclude<EdgeValue, { kind: 'list' }>;

/** The same with bytes in base64, as JSON has it. */
export const edgeValueViewSchema = valueOver(z.base64()).meta({ id: 'EdgeValueView', title: 'Value of an edge, in JSON' });
export type EdgeValueView = z.infer<typeof edgeValueViewSchema>;
export type EdgeLeafView = Exclude<EdgeValueView, { kind: 'list' }>;

/** Writes the bytes of a value in base64. */
export function edgeValueView(value: EdgeValue): EdgeValueView {
  if (value.kind !== 'list') return leafView(value);
  return { ...value, items: value.items.map(leafView) };
}

function leafView(leaf: EdgeLeaf): EdgeLeafView {
  switch (leaf.kind) {
    case 'image':
      return { ...leaf, thumbnail: { ...leaf.thumbnail, data: toBase64(leaf.thumbnail.data) } };
    case 'tensor':
      return { ...leaf, sample: { ...leaf.sample, data: toBase64(leaf.sample.data) } };
    case 'audio': {
      const { samples, ...rest } = leaf;
      return samples === undefined ? rest : { ...rest, samples: toBase64(samples) };
    }
    case 'bytes':
      return { ...leaf, start: toBase64(leaf.start) };
    default:
      return leaf;
  }
}

/** Characters that are made of bytes in one call: more would be too many arguments. */
const STEP_BYTES = 0x8000;

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += STEP_BYTES) binary += String.fromCharCode(...bytes.subarray(at, at + STEP_BYTES));
  return btoa(binary);
}
