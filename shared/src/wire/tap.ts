import { z } from 'zod';
import { edgeValueSchema } from '../codec/edge-value.ts';
import { digestSchema } from '../digest.ts';
import { portReferenceSchema } from '../documents/pipeline.ts';
import { deviceIdSchema, nameSchema, randomIdSchema, wallMsSchema } from '../ids.ts';
import { TAP_DURATION_MS_MAXIMUM, TAP_EDGES_MAXIMUM, TAP_VALUE_BYTES_MAXIMUM } from '../limits.ts';
import { traceIdSchema } from './trace-context.ts';

/** The item that a value belongs to. */
export const itemReferenceSchema = z.object({
  stream: z.string().max(200).meta({ description: 'Where the item came from' }),
  sequence: z.number().int().nonnegative().meta({ description: 'Counts the items of the stream' }),
  timeMs: z.number().nonnegative().meta({ description: 'When it was taken, in milliseconds since 1970' }),
  traceId: traceIdSchema.nullable(),
});
export type ItemReference = z.infer<typeof itemReferenceSchema>;

const count = z.number().int().nonnegative();

/** Why a tap is over. */
export const tapEndSchema = z.enum(['expired', 'stopped', 'release-changed', 'host-ended', 'replay-done']);
export type TapEnd = z.infer<typeof tapEndSchema>;

export const tapCountsSchema = z.object({
  seen: count.meta({ description: 'Values that the watched edges have carried' }),
  skipped: count.meta({ description: 'Left out by `every`' }),
  rate: count.meta({ description: 'Left out since `maximumPerSecond` were sent' }),
  busy: count.meta({ description: 'Left out since the one before was still being encoded' }),
  link: count.meta({ description: 'Left out since the connection was slow or away' }),
});
export type TapCounts = z.infer<typeof tapCountsSchema>;

/** One value of a tapped edge, or the end of the tap. Sent once or not at all: nothing is kept for a slow connection. */
export const tapMessageSchema = z
  .object({
    tap: randomIdSchema,
    sequence: count.meta({ description: 'Counts the messages of the tap; a gap was lost on the way' }),
    edge: portReferenceSchema.optional().meta({ description: 'The port that gave the value; absent in the last message' }),
    item: itemReferenceSchema.optional(),
    value: edgeValueSchema.optional(),
    counts: tapCountsSchema,
    end: tapEndSchema.optional().meta({ description: 'The last message of a tap says why it is over' }),
  })
  .meta({ id: 'TapMessage', title: 'Value of a tapped edge' });
export type TapMessage = z.infer<typeof tapMessageSchema>;

/** Ports to look at: those that the policy of the release lets out. */
const edgesUpTo = (maximum: number) =>
  z.array(portReferenceSchema).min(1).max(maximum).meta({ description: 'Ports (`node.port`) whose values to send' });
const maximumBytesSchema = z
  .number()
  .int()
  .min(1024)
  .max(TAP_VALUE_BYTES_MAXIMUM)
  .default(64 * 1024)
  .meta({ description: 'Longest encoded value; a larger one is made smaller, or left out' });

const pipelineSchema = nameSchema.optional().meta({ description: 'Which of the pipelines of the release; the main one if it is not said' });

const homeSchema = deviceIdSchema.optional().meta({ description: 'Of a part that the device runs for others: only items of this device' });

/** How edges are to be watched. */
export const tapOptionsSchema = z.object({
  pipeline: pipelineSchema,
  edges: edgesUpTo(TAP_EDGES_MAXIMUM),
  every: z.number().int().min(1).max(1_000_000).default(1).meta({ description: 'Only every n-th value of each edge' }),
  maximumPerSecond: z.number().min(0.01).max(30).default(5).meta({ description: 'Values of each edge in a second' }),
  maximumBytes: maximumBytesSchema,
  durationMs: z.number().int().min(1_000).max(TAP_DURATION_MS_MAXIMUM).default(60_000),
});
export type TapOptions = z.infer<typeof tapOptionsSchema>;

export const tapArgumentsSchema = tapOptionsSchema.extend({
  tap: randomIdSchema.meta({ description: 'Names the tap; its values come under it' }),
  home: homeSchema,
});
export const tapResultSchema = z.object({
  pipeline: nameSchema,
  release: digestSchema,
  edges: z.array(portReferenceSchema),
  home: homeSchema,
  untilMs: wallMsSchema,
});

/** What is run again: an input that is sent along, the newest item, or one that a tap has shown lately. */
export const replayOfSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('input'),
    input: z.object({ digest: digestSchema, manifest: digestSchema, sizeBytes: z.number().int().positive() }),
    port: z.string().max(64).optional().meta({ description: 'Input of the pipeline that gets it; the first by default' }),
  }),
  z.object({ kind: z.literal('last') }),
  z.object({ kind: z.literal('item'), stream: z.string().max(200), sequence: count }),
]);
export type ReplayOf = z.infer<typeof replayOfSchema>;

export const replayArgumentsSchema = z.object({
  tap: randomIdSchema.meta({ description: 'The values come as those of a tap of this name' }),
  of: replayOfSchema,
  pipeline: pipelineSchema,
  edges: edgesUpTo(512).optional().meta({ description: 'Ports to send; by default all that the policy of the release lets out' }),
  maximumBytes: maximumBytesSchema,
});

/** What became of an edge in a replay. */
export const replayedEdgeSchema = z.object({
  edge: portReferenceSchema,
  state: z
    .enum(['sent', 'absent', 'refused'])
    .meta({ description: 'Absent: it carried nothing. Refused: the policy keeps it on the device' }),
});
export type ReplayedEdge = z.infer<typeof replayedEdgeSchema>;

export const replayResultSchema = z.object({
  pipeline: nameSchema,
  release: digestSchema,
  item: itemReferenceSchema,
  edges: z.array(replayedEdgeSchema).meta({ description: 'Every port of the pipeline that was asked for, or every one' }),
  latencyMs: z.number().nonnegative(),
  nodesMs: z.record(z.string(), z.number()),
  failure: z
    .object({ code: z.string(), message: z.string(), field: z.string().optional() })
    .optional()
    .meta({ description: 'Where the item ended early' }),
});
export type ReplayResult = z.infer<typeof replayResultSchema>;
