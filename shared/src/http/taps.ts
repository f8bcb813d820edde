import { z } from 'zod';
import { edgeValueViewSchema } from '../codec/edge-value.ts';
import { portReferenceSchema } from '../documents/pipeline.ts';
import { deviceIdSchema, nameSchema, randomIdSchema, wallMsSchema } from '../ids.ts';
import { TAP_VALUE_BYTES_MAXIMUM } from '../limits.ts';
import { itemReferenceSchema, replayResultSchema, tapCountsSchema, tapEndSchema, tapOptionsSchema } from '../wire/tap.ts';
import type { Endpoint } from './endpoint.ts';

/** A tap that runs, and for whom. */
export const tapViewSchema = z.object({
  id: randomIdSchema,
  device: deviceIdSchema,
  at: deviceIdSchema.meta({ description: 'The device that shows the values: the one that runs the part where the edges lie' }),
  edges: z.array(portReferenceSchema),
  account: z.string().meta({ description: 'Who watches' }),
  viewers: z.number().int().nonnegative().meta({ description: 'Streams that are open' }),
  startedAtMs: wallMsSchema,
  untilMs: wallMsSchema,
});
export type TapView = z.infer<typeof tapViewSchema>;

/** What server-sent events of a tap carry: a value, or the end. */
export const tapValueViewSchema = z
  .object({
    sequence: z.number().int().nonnegative(),
    edge: portReferenceSchema.optional(),
    item: itemReferenceSchema.optional(),
    value: edgeValueViewSchema.optional(),
    counts: tapCountsSchema,
    lost: z.number().int().nonnegative().meta({ description: 'Messages of the device that never came' }),
    behind: z.number().int().nonnegative().meta({ description: 'Values that were passed over since this viewer was too slow' }),
    atMs: wallMsSchema.meta({ description: 'When it came to the fleet' }),
    end: tapEndSchema.or(z.enum(['device-offline', 'no-viewer'])).optional(),
  })
  .meta({ id: 'TapValue', title: 'Value of a tapped edge, in JSON' });
export type TapValueView = z.infer<typeof tapValueViewSchema>;

/** Path below `/api/v1` of the stream of a tap's values: server-sent events, each with a `TapValueView` in its data. For operators. */
export function tapStreamPath<Device extends string, Tap extends string>(device: Device, tap: Tap) {
  return `/devices/${device}/taps/${tap}/values` as const;
}

const commaSeparated = z
  .string()
  .transform((text) => text.split(',').filter((part) => part !== ''))
  .pipe(z.array(portReferenceSchema).min(1).max(512));

export const tapEndpoints = {
  startTap: {
    method: 'post',
    path: '/devices/{id}/taps',
    access: 'operator',
    tag: 'taps',
    summary: 'Watch edges of the pipeline on a device for a while; it ends when nobody listens to its values',
    body: tapOptionsSchema,
    response: tapViewSchema,
  },
  listTaps: {
    method: 'get',
    path: '/devices/{id}/taps',
    access: 'viewer',
    tag: 'taps',
    summary: 'Who watches what on a device now',
    response: z.object({ items: z.array(tapViewSchema) }),
  },
  stopTap: {
    method: 'delete',
    path: '/devices/{id}/taps/{tap}',
    access: 'operator',
    tag: 'taps',
    summary: 'End a tap before its time',
    response: z.object({ stopped: z.boolean() }),
  },
  replayOnDevice: {
    method: 'post',
    path: '/devices/{id}/replay',
    access: 'operator',
    tag: 'taps',
    summary:
      'Run one item through the pipeline of a device, without its sinks and monitors, and get the value of every edge that may leave: the input in the body, or what the device had itself',
    rawBody: true,
    query: z.object({
      of: z
        .enum(['input', 'last', 'item'])
        .default('input')
        .meta({ description: 'The body, the newest item, or one that a tap has shown lately' }),
      stream: z.string().max(200).optional().meta({ description: 'Of the item' }),
      sequence: z.coerce.number().int().nonnegative().optional(),
      port: z.string().max(64).optional().meta({ description: 'Input of the pipeline that gets the body; the first by default' }),
      pipeline: nameSchema.optional().meta({ description: 'Which of the pipelines of the release; the main one if it is not said' }),
      edges: commaSeparated.optional().meta({ description: 'Ports, separated by commas; by default all that may leave' }),
      maximumBytes: z.coerce
        .number()
        .int()
        .min(1024)
        .max(TAP_VALUE_BYTES_MAXIMUM)
        .default(64 * 1024),
    }),
    response: z.object({ command: z.string(), result: replayResultSchema, values: z.array(tapValueViewSchema) }),
  },
} as const satisfies Record<string, Endpoint>;
