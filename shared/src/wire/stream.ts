import { z } from 'zod';
import { edgeValueSchema } from '../codec/edge-value.ts';
import { digestSchema } from '../digest.ts';
import { nameSchema, randomIdSchema } from '../ids.ts';
import {
  DESIRED_STATE_BYTES_MAXIMUM,
  STREAM_MESSAGE_BYTES_MAXIMUM,
  STREAM_PIECE_BYTES_MAXIMUM,
  STREAM_WINDOW_MAXIMUM,
  TAP_VALUE_BYTES_MAXIMUM,
} from '../limits.ts';
import { replayedEdgeSchema } from './tap.ts';
import { traceparentSchema } from './trace-context.ts';

const count = z.number().int().nonnegative();

/** What goes over a cut edge is cut again into pieces that fit into packets, in order. */
export const streamFrameSchema = z
  .object({
    message: count.meta({ description: 'Counts the messages of one sender' }),
    index: count,
    count: z
      .number()
      .int()
      .min(1)
      .max(Math.ceil(STREAM_MESSAGE_BYTES_MAXIMUM / STREAM_PIECE_BYTES_MAXIMUM)),
    data: z
      .instanceof(Uint8Array)
      .refine((data) => data.length <= STREAM_PIECE_BYTES_MAXIMUM, 'longer than a piece')
      .meta({ description: 'A part of a StreamHomeMessage or StreamWorkerMessage (CBOR)' }),
  })
  .meta({ id: 'StreamFrame', title: 'Piece of a message between parts of a pipeline' });
export type StreamFrame = z.infer<typeof streamFrameSchema>;

const session = { session: randomIdSchema };
/** Everything below this number is settled: answers to it need not be kept. */
const settled = { settledBelow: count };

export const streamOpenSchema = z.object({
  kind: z.literal('open'),
  ...session,
  first: count.meta({ description: 'Lowest number that is not settled' }),
  release: digestSchema,
  pipeline: nameSchema,
  part: z.string().max(64),
  isBeside: z.boolean().default(false).meta({ description: 'A replay: it has nothing to do with the items that are live' }),
  grant: z.string().max(DESIRED_STATE_BYTES_MAXIMUM).meta({ description: 'The signed desired state that names this worker' }),
});
export type StreamOpen = z.infer<typeof streamOpenSchema>;

export const streamItemSchema = z.object({
  kind: z.literal('item'),
  ...session,
  ...settled,
  number: count.meta({ description: 'Counts the items of the session without gaps: repeats and losses show' }),
  stream: z.string().max(1000),
  sequence: count,
  timeMs: z.number(),
  traceparent: traceparentSchema.optional().meta({ description: 'Of an item that is traced: where the spans of the part belong' }),
  values: z.record(z.string(), z.unknown()).meta({ description: 'By name of the input; what is missing stays away' }),
  showBytes: z
    .number()
    .int()
    .min(1024)
    .max(TAP_VALUE_BYTES_MAXIMUM)
    .optional()
    .meta({ description: 'Of a replay: the answer is to show what the edges of the part carried, each value at most so long' }),
});
export type StreamItem = z.infer<typeof streamItemSchema>;

export const homeMessageSchema = z
  .discriminatedUnion('kind', [
    streamOpenSchema,
    streamItemSchema,
    /** Nobody waits for these numbers any more. */
    z.object({ kind: z.literal('skip'), ...session, ...settled, from: count, upTo: count }),
    z.object({ kind: z.literal('settled'), ...session, ...settled }),
    z.object({ kind: z.literal('close'), ...session }),
  ])
  .meta({ id: 'StreamHomeMessage', title: 'From the device with the item to the one that runs a part' });
export type HomeMessage = z.infer<typeof homeMessageSchema>;

const failureSchema = z.object({
  code: z.string().max(64),
  message: z.string().max(4000),
  field: z.string().max(500).optional(),
  hint: z.string().max(2000).optional(),
});

/** Edges inside of a part, and the time in its nodes, for one item of a replay. */
export const shownPartSchema = z.object({
  edges: z.array(replayedEdgeSchema.extend({ value: edgeValueSchema.optional() })).max(512),
  nodesMs: z.record(z.string().max(200), z.number()),
});
export type ShownPart = z.infer<typeof shownPartSchema>;

export const workerMessageSchema = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('ready'),
      ...session,
      next: count.meta({ description: 'The number that is taken next' }),
      hasGap: z
        .boolean()
        .default(false)
        .meta({ description: 'A higher number came: what is missing, and all after it, has to come again' }),
      credits: z.number().int().min(1).max(STREAM_WINDOW_MAXIMUM).meta({ description: 'Items that may be unanswered' }),
    }),
    z.object({
      kind: z.literal('answer'),
      ...session,
      number: count,
      credits: z.number().int().min(1).max(STREAM_WINDOW_MAXIMUM),
      values: z.record(z.string(), z.unknown()).default({}).meta({ description: 'By port; what is missing stays away' }),
      failure: failureSchema.optional(),
      shown: shownPartSchema.optional(),
    }),
    z.object({ kind: z.literal('refused'), ...session, code: z.string().max(64), message: z.string().max(2000) }),
  ])
  .meta({ id: 'StreamWorkerMessage', title: 'Back from the device that runs a part' });
export type WorkerMessage = z.infer<typeof workerMessageSchema>;
export type StreamMessage = HomeMessage | WorkerMessage;
