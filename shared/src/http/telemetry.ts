import { z } from 'zod';
import { telemetryKindSchema } from '../wire/telemetry.ts';
import type { Endpoint } from './endpoint.ts';
import { pageOf, pageQuerySchema } from './paging.ts';

const count = z.number().int().nonnegative();

export const telemetryLayerSchema = z.object({
  layer: z.string(),
  describes: z.string(),
  keepMs: z.number().meta({ description: 'For how long its rows are kept' }),
  partitions: count.nullable().meta({ description: 'Null where rows are deleted one by one' }),
  bytes: count.nullable(),
  fromMs: z.number().nullable().meta({ description: 'Start of the oldest partition' }),
  expiredRows: count.meta({ description: 'Rows that went when their time was up, ever' }),
  overBudgetRows: count.meta({ description: 'Rows that had to go before, since the budget was used up' }),
  droppedBeforeMs: z.number().nullable().meta({ description: 'What is older was dropped' }),
  passedAtMs: z.number().nullable().meta({ description: 'When retention last looked at it' }),
});
export type TelemetryLayer = z.infer<typeof telemetryLayerSchema>;

export const telemetryStorageSchema = z.object({
  bytes: count.meta({ description: 'Of all layers that have partitions' }),
  bytesMaximum: count.nullable().meta({ description: 'The oldest goes when there is more; null: no limit' }),
  layers: z.array(telemetryLayerSchema),
  load: z
    .object({
      waitingBatches: count,
      waitingBytes: count,
      waitingBytesMaximum: count,
      isLoaded: z.boolean().meta({ description: 'More comes than the database takes: traces and health are let go' }),
      invalidRecords: count.meta({ description: 'Records that did not match the schema of their kind' }),
      kinds: z.array(
        z.object({
          kind: telemetryKindSchema,
          deferredBatches: count.meta({ description: 'Not acknowledged for want of room; devices send them again' }),
          shedRecords: count.meta({ description: 'Acknowledged, and let go' }),
        }),
      ),
    })
    .meta({ description: 'What this process could not take at once, since it started' }),
});
export type TelemetryStorage = z.infer<typeof telemetryStorageSchema>;

export const historyGroupings = ['fleet', 'release', 'profile', 'site'] as const;

/** What devices did in a stretch of time. Sums, so that any view is one of them. */
export const historyPointSchema = z.object({
  atMs: z.number(),
  group: z.string().meta({ description: 'Digest of the release, name of the profile, label `site`; empty without one, and for the fleet' }),
  items: count,
  failures: count,
  latencyMsMean: z.number().nullable(),
  joules: z.number().meta({ description: 'Of whole devices, measured and modelled' }),
  driftedWindows: count,
});
export type HistoryPoint = z.infer<typeof historyPointSchema>;

export const telemetryEndpoints = {
  telemetryStorage: {
    method: 'get',
    path: '/telemetry/storage',
    access: 'viewer',
    tag: 'telemetry',
    summary: 'What is kept of telemetry, for how long, what went, and what waits',
    response: telemetryStorageSchema,
  },
  telemetryHistory: {
    method: 'get',
    path: '/telemetry/history',
    access: 'viewer',
    tag: 'telemetry',
    summary: 'Sums of the fleet over time: five minutes a point up to two days, else an hour, or a day',
    query: pageQuerySchema.extend({
      by: z.enum(historyGroupings).default('fleet'),
      fromMs: z.coerce.number().int().nonnegative().optional().meta({ description: 'A day ago by default' }),
      toMs: z.coerce.number().int().nonnegative().optional(),
    }),
    response: pageOf(historyPointSchema).extend({ widthMs: z.number().meta({ description: 'Length of a point' }) }),
  },
} as const satisfies Record<string, Endpoint>;
