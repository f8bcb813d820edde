import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { objectiveSchema } from '../documents/objective.ts';
import { deviceIdSchema, wallMsSchema } from '../ids.ts';
import { benchmarkRecordSchema } from '../wire/telemetry.ts';
import { artefactChoiceSchema } from './devices.ts';
import type { Endpoint } from './endpoint.ts';
import { pageOf, pageQuerySchema } from './paging.ts';

/** One device that would run another artefact of a model than it does. */
export const choiceChangeSchema = z.object({
  device: deviceIdSchema,
  name: z.string(),
  profile: z.string(),
  release: digestSchema,
  model: z.string(),
  from: digestSchema.nullable(),
  to: digestSchema,
  choice: artefactChoiceSchema,
});
export type ChoiceChange = z.infer<typeof choiceChangeSchema>;

const changePageSchema = pageOf(choiceChangeSchema).extend({
  devices: z.number().int().nonnegative().meta({ description: 'Devices that change; one may change several models' }),
  choices: z.number().int().nonnegative().meta({ description: 'Models on devices that were looked at' }),
  unmeasured: z
    .number()
    .int()
    .nonnegative()
    .meta({ description: 'Choices of which the artefact that should run now was measured neither on the device nor on its profile' }),
});

/** Medians of an artefact over the devices of a profile. */
export const profileFiguresSchema = z.object({
  artefact: digestSchema,
  profile: z.string(),
  devices: z.number().int(),
  latencyMs: z.number(),
  latencyMsP95: z.number(),
  joulesPerInference: z.number().nullable(),
  memoryBytes: z.number().nullable(),
});
export type ProfileFigures = z.infer<typeof profileFiguresSchema>;

export const measurementOutlierSchema = z.object({
  device: deviceIdSchema,
  name: z.string(),
  artefact: digestSchema,
  kind: z
    .enum(['slow', 'throttled', 'more-memory', 'short-of-memory'])
    .meta({ description: '`short-of-memory`: it had too little free to measure the artefact' }),
  factor: z.number().meta({ description: 'Times the median of its profile' }),
});
export type MeasurementOutlier = z.infer<typeof measurementOutlierSchema>;

export const modelFiguresSchema = z.object({
  profiles: z.array(profileFiguresSchema),
  outliers: z.array(measurementOutlierSchema),
  devices: z.array(
    z.object({
      device: deviceIdSchema,
      name: z.string(),
      profile: z.string(),
      artefact: digestSchema,
      measuredAtMs: wallMsSchema,
      record: benchmarkRecordSchema,
    }),
  ),
});
export type ModelFigures = z.infer<typeof modelFiguresSchema>;

export const releaseObjectiveSchema = z.object({
  objective: objectiveSchema,
  origin: z.enum(['fleet', 'release', 'default']).meta({ description: 'Who states it: an operator, the signed release, or nobody' }),
  setAtMs: wallMsSchema.nullable(),
  setBy: z.string().nullable(),
});
export type ReleaseObjective = z.infer<typeof releaseObjectiveSchema>;

export const choiceEndpoints = {
  modelFigures: {
    method: 'get',
    path: '/models/{digest}/figures',
    access: 'viewer',
    tag: 'artefacts',
    summary: 'What devices measured of the artefacts of a model, by profile and by device, and devices that fall out of their class',
    response: modelFiguresSchema,
  },
  explainChoice: {
    method: 'get',
    path: '/devices/{id}/choices/{model}',
    access: 'viewer',
    tag: 'artefacts',
    summary: 'Which artefact of a model a device should run now, why, and what it runs',
    query: z.object({ release: z.string().max(200).optional().meta({ description: 'Name or digest; that of the device if not given' }) }),
    response: z.object({ choice: artefactChoiceSchema, current: digestSchema.nullable() }),
  },
  previewChoices: {
    method: 'post',
    path: '/choices/preview',
    access: 'viewer',
    changes: false,
    tag: 'artefacts',
    summary: 'Which choices an objective would change, on every device of a release; changes nothing',
    query: pageQuerySchema,
    body: z.object({ release: z.string().max(200).meta({ description: 'Name or digest' }), objective: objectiveSchema }),
    response: changePageSchema,
  },
  listProposals: {
    method: 'get',
    path: '/choices/proposals',
    access: 'viewer',
    tag: 'artefacts',
    summary: 'Devices for which another artefact is clearly better by what is measured now',
    query: pageQuerySchema,
    response: changePageSchema,
  },
  applyProposals: {
    method: 'post',
    path: '/choices/apply',
    access: 'operator',
    tag: 'artefacts',
    summary: 'Give devices the artefacts that are proposed for them',
    body: z.object({
      devices: z.array(deviceIdSchema).max(1000).optional().meta({ description: 'All that have a proposal if not given' }),
    }),
    response: z.object({ changed: z.number().int() }),
  },
  showObjective: {
    method: 'get',
    path: '/releases/{digest}/objective',
    access: 'viewer',
    tag: 'releases',
    summary: 'By what the artefacts of a release are chosen',
    response: releaseObjectiveSchema,
  },
  setObjective: {
    method: 'put',
    path: '/releases/{digest}/objective',
    access: 'operator',
    tag: 'releases',
    summary:
      'Choose by another objective from now on; null goes back to that of the release. Devices change when the proposals are applied',
    body: z.object({ objective: objectiveSchema.nullable() }),
    response: releaseObjectiveSchema,
  },
} as const satisfies Record<string, Endpoint>;
