import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { deviceIdSchema, wallMsSchema } from '../ids.ts';
import type { Endpoint } from './endpoint.ts';
import { pageOf, pageQuerySchema } from './paging.ts';

/** How much the fleet has devices measure by itself. */
export const measuringSettingsSchema = z.object({
  devicesPerProfile: z.number().int().meta({ description: 'Devices of a profile that time each artefact; 0 where nobody is asked' }),
  bytesPerDay: z.number().int().meta({ description: 'What one device may have to fetch for it in 24 hours' }),
  loadShare: z.number().meta({ description: 'Share of the processor of a device that it may take' }),
  idleShare: z.number().meta({ description: 'Share of the processor that has to be idle to start' }),
  againMs: z.number().int().meta({ description: 'Age at which a measurement is made again' }),
});
export type MeasuringSettings = z.infer<typeof measuringSettingsSchema>;

/** Somebody wants the artefacts of a model measured on a profile, whether or not a device of it is to run them. */
export const measuringRequestSchema = z.object({
  model: digestSchema,
  profile: z.string(),
  devices: z.number().int().meta({ description: 'Devices of the profile that are to time each artefact' }),
  requestedBy: z.string(),
  requestedAtMs: wallMsSchema,
  expiresAtMs: wallMsSchema.meta({ description: 'Until then the fleet looks for devices that are free' }),
});
export type MeasuringRequest = z.infer<typeof measuringRequestSchema>;

/** One artefact that too few devices of a profile have measured. */
export const measurePlanItemSchema = z.object({
  profile: z.string(),
  model: z.object({ name: z.string(), version: z.string(), digest: digestSchema }),
  artefact: digestSchema,
  recipe: z.string(),
  sizeBytes: z.number().int(),
  measured: z.number().int().meta({ description: 'Devices whose measurement counts' }),
  wanted: z.number().int(),
  requestedBy: z.string().nullable().meta({ description: 'Who asked for it; null where it is of what devices are to run' }),
  state: z
    .enum(['measuring', 'next', 'waiting'])
    .meta({ description: 'Devices measure it now; are about to be asked; or none can be asked at the moment' }),
  devices: z
    .array(z.object({ id: deviceIdSchema, name: z.string() }))
    .meta({ description: 'Those that measure, or are about to be asked' }),
  why: z.string().meta({ description: 'Why it is to be measured and, where it waits, for what' }),
});
export type MeasurePlanItem = z.infer<typeof measurePlanItemSchema>;

export const measuringEndpoints = {
  measurePlan: {
    method: 'get',
    path: '/measurements/plan',
    access: 'viewer',
    tag: 'artefacts',
    summary: 'What the fleet has devices measure by itself: what is under way, what comes next, what waits, and why',
    query: pageQuerySchema.extend({ model: digestSchema.optional().meta({ description: 'Of this model version' }) }),
    response: pageOf(measurePlanItemSchema).extend({ settings: measuringSettingsSchema }),
  },
  listMeasuringRequests: {
    method: 'get',
    path: '/models/{digest}/measuring',
    access: 'viewer',
    tag: 'artefacts',
    summary: 'What people have asked to be measured of a model, and is not given up yet',
    response: z.object({ items: z.array(measuringRequestSchema) }),
  },
  requestMeasuring: {
    method: 'put',
    path: '/models/{digest}/measuring',
    access: 'operator',
    tag: 'artefacts',
    summary: 'Have idle devices of profiles measure what they have no figures of, even if none of them is to run the model',
    body: z.object({
      profiles: z
        .array(z.string().max(100))
        .min(1)
        .max(100)
        .optional()
        .meta({ description: 'Names of profiles; every profile that has an active device if not given' }),
      devices: z.number().int().min(1).max(20).default(3).meta({ description: 'Devices of each profile' }),
    }),
    response: z.object({ items: z.array(measuringRequestSchema) }),
  },
  withdrawMeasuring: {
    method: 'delete',
    path: '/models/{digest}/measuring',
    access: 'operator',
    tag: 'artefacts',
    summary: 'Ask no more devices to measure a model because somebody wanted it; what is under way goes on',
    response: z.object({}),
  },
} as const satisfies Record<string, Endpoint>;
