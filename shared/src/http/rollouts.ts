import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { rolloutSpecSchema } from '../documents/rollout.ts';
import { deviceIdSchema, wallMsSchema } from '../ids.ts';
import type { Endpoint } from './endpoint.ts';
import { pageOf, pageQuerySchema } from './paging.ts';

export const rolloutStateSchema = z.enum([
  'scheduled',
  'running',
  'paused',
  'following',
  'aborting',
  'stopping',
  'rolling-back',
  'succeeded',
  'aborted',
  'stopped',
  'rolled-back',
]);
export type RolloutState = z.infer<typeof rolloutStateSchema>;

export const targetStateSchema = z.enum([
  'waiting',
  'assigned',
  'succeeded',
  'failed',
  'timed-out',
  'skipped',
  'unchanged',
  'superseded',
  'cancelled',
  'returning',
  'returned',
  'unconfirmed',
]);
export type TargetState = z.infer<typeof targetStateSchema>;

/** What a rollout waits for, or why it stands still. */
export const rolloutWaitingSchema = z.object({
  kind: z.enum([
    'confirmation',
    'devices',
    'reachable',
    'window',
    'limits',
    'time',
    'person',
    'approvals',
    'analysis',
    'start',
    'inconclusive',
    'threshold',
    'step-timeout',
    'paused',
    'latecomers',
  ]),
  text: z.string(),
  untilMs: wallMsSchema.optional(),
});
export type RolloutWaiting = z.infer<typeof rolloutWaitingSchema>;

const count = z.number().int().nonnegative();

export const targetCountsSchema = z.record(targetStateSchema, count);
export type TargetCounts = z.infer<typeof targetCountsSchema>;

/** One step as it is carried out, with what it started. */
export const rolloutWaveSchema = z.object({
  step: z.number().int().nonnegative(),
  name: z.string(),
  kind: z.enum(['setPercent', 'setCount', 'setLabel', 'pause', 'analyse', 'approve']),
  state: z
    .enum(['next', 'active', 'done', 'stopped', 'skipped'])
    .meta({ description: '`stopped`: the rollout ended in it; `skipped`: the rollout ended before' }),
  started: count,
  counts: targetCountsSchema,
  approvals: z.array(z.object({ name: z.string(), atMs: wallMsSchema })),
  startedAtMs: wallMsSchema.nullable().meta({ description: 'When its first device was started' }),
  finishedAtMs: wallMsSchema.nullable().meta({ description: 'When its last device ended' }),
});
export type RolloutWave = z.infer<typeof rolloutWaveSchema>;

export const rolloutViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  release: digestSchema,
  releaseName: z.string(),
  state: rolloutStateSchema,
  step: z.number().int().nonnegative(),
  steps: z.number().int().nonnegative(),
  stepName: z.string().nullable().meta({ description: 'Of the step that it is in; null where it is in none' }),
  waiting: rolloutWaitingSchema.nullable(),
  why: z
    .string()
    .nullable()
    .meta({ description: 'Why it is held, or was ended before it was done; null where it goes on or has succeeded' }),
  priority: z.number().int(),
  counts: targetCountsSchema,
  total: count.meta({ description: 'Devices that it is about; those that run the release already are not counted' }),
  createdAtMs: wallMsSchema,
  createdBy: z.string(),
  startedAtMs: wallMsSchema.nullable(),
  finishedAtMs: wallMsSchema.nullable(),
});
export type RolloutView = z.infer<typeof rolloutViewSchema>;

export const rolloutDetailSchema = rolloutViewSchema.extend({
  spec: rolloutSpecSchema,
  waves: z.array(rolloutWaveSchema),
  failures: z
    .array(z.object({ kind: z.string(), code: z.string(), devices: count }))
    .meta({ description: 'Why devices failed, most frequent first' }),
  analysis: z.unknown().optional().meta({ description: 'The newest judgement, where one is made' }),
});
export type RolloutDetail = z.infer<typeof rolloutDetailSchema>;

export const rolloutTargetViewSchema = z.object({
  device: deviceIdSchema,
  name: z.string(),
  profile: z.string(),
  online: z.boolean(),
  state: targetStateSchema,
  wave: z.number().int().nullable(),
  attempt: count,
  phase: z.string().nullable().meta({ description: 'What the device reports of this very desired state' }),
  previousRelease: digestSchema.nullable(),
  bytes: count.meta({ description: 'What it had to fetch, by the difference of the releases' }),
  failureKind: z.string().nullable(),
  code: z.string().nullable(),
  message: z.string().nullable(),
  startedAtMs: wallMsSchema.nullable(),
  deadlineMs: wallMsSchema.nullable(),
  finishedAtMs: wallMsSchema.nullable(),
});
export type RolloutTargetView = z.infer<typeof rolloutTargetViewSchema>;

export const rolloutEventSchema = z.object({
  sequence: count,
  atMs: wallMsSchema,
  kind: z.string(),
  actor: z.string(),
  text: z.string(),
  detail: z.record(z.string(), z.unknown()),
});
export type RolloutEvent = z.infer<typeof rolloutEventSchema>;

const rangeSchema = z.object({ low: z.number(), high: z.number() });

/** What a rollout would do, before it does anything. */
export const rolloutPreviewSchema = z.object({
  release: digestSchema,
  releaseName: z.string(),
  devices: count.meta({ description: 'Devices that the selector matches' }),
  unchanged: count.meta({ description: 'Of them, those that run the release already' }),
  online: count,
  sampled: count.meta({ description: 'Devices for which was chosen; the figures below are scaled up where these are not all' }),
  artefacts: z.array(z.object({ model: z.string(), artefact: digestSchema, kind: z.string(), sizeBytes: count, devices: count })),
  samples: z.array(
    z.object({
      device: deviceIdSchema,
      name: z.string(),
      profile: z.string(),
      bytes: count,
      artefacts: z.record(z.string(), digestSchema),
    }),
  ),
  bytes: z.object({ total: count, perDevice: rangeSchema }).meta({ description: 'What devices lack against their current release' }),
  estimate: z.object({
    lowMs: count,
    highMs: count.nullable().meta({ description: 'Null where a step waits for people' }),
    basis: z.string().meta({ description: 'What the estimate rests on' }),
  }),
  energy: z
    .object({ joulesPerInferenceNow: z.number().nullable(), joulesPerInferenceThen: z.number().nullable(), basis: z.string() })
    .meta({ description: 'As far as measurements give it' }),
  waves: z.array(z.object({ step: count, name: z.string(), kind: z.string(), devices: count.meta({ description: 'Reached in all' }) })),
  obstacles: z.array(z.object({ code: z.string(), text: z.string(), devices: count, examples: z.array(z.string()) })),
});
export type RolloutPreview = z.infer<typeof rolloutPreviewSchema>;

export const rolloutActionSchema = z.enum(['pause', 'resume', 'promote', 'approve', 'abort', 'rollback', 'stop']);
export type RolloutAction = z.infer<typeof rolloutActionSchema>;

const createBody = z.object({
  spec: rolloutSpecSchema,
  all: z.boolean().default(false).meta({ description: 'The selector is meant to match every device' }),
});

export const rolloutEndpoints = {
  previewRollout: {
    method: 'post',
    path: '/rollouts/preview',
    access: 'viewer',
    changes: false,
    tag: 'rollouts',
    summary: 'Which devices, which artefact each, bytes, time, and what stands in the way; changes nothing',
    body: createBody,
    response: rolloutPreviewSchema,
  },
  createRollout: {
    method: 'post',
    path: '/rollouts',
    access: 'operator',
    tag: 'rollouts',
    summary: 'Start to move the devices of a selector to a release, step by step',
    body: createBody,
    response: rolloutDetailSchema,
  },
  listRollouts: {
    method: 'get',
    path: '/rollouts',
    access: 'viewer',
    tag: 'rollouts',
    summary: 'Rollouts, newest first',
    query: pageQuerySchema.extend({
      state: rolloutStateSchema.optional(),
      open: z.stringbool().optional().meta({ description: 'Those that are not over' }),
      device: deviceIdSchema.optional().meta({ description: 'Those that are about this device' }),
    }),
    response: pageOf(rolloutViewSchema),
  },
  showRollout: {
    method: 'get',
    path: '/rollouts/{id}',
    access: 'viewer',
    tag: 'rollouts',
    summary: 'One rollout by its id, or the newest of a name: waves, counts, what it waits for',
    response: rolloutDetailSchema,
  },
  listRolloutTargets: {
    method: 'get',
    path: '/rollouts/{id}/targets',
    access: 'viewer',
    tag: 'rollouts',
    summary: 'Devices of a rollout, in the order in which they are started',
    query: pageQuerySchema.extend({
      state: targetStateSchema.optional(),
      wave: z.coerce.number().int().min(0).optional(),
      search: z.string().max(200).optional().meta({ description: 'Part of the name or id of the device' }),
    }),
    response: pageOf(rolloutTargetViewSchema),
  },
  listRolloutEvents: {
    method: 'get',
    path: '/rollouts/{id}/timeline',
    access: 'viewer',
    tag: 'rollouts',
    summary: 'What happened, newest first',
    query: pageQuerySchema,
    response: pageOf(rolloutEventSchema),
  },
  actOnRollout: {
    method: 'post',
    path: '/rollouts/{id}/actions',
    access: 'operator',
    tag: 'rollouts',
    summary:
      'Pause or resume; promote past a step; approve; abort (nothing more is started); roll back to the previous release of each device; stop (call back what is on its way, at once)',
    body: z.object({
      action: rolloutActionSchema,
      reason: z.string().max(1000).optional(),
      step: z.number().int().min(0).optional().meta({ description: 'Only if it is at this step: two people do not promote twice' }),
    }),
    response: rolloutDetailSchema,
  },
  stopAllRollouts: {
    method: 'post',
    path: '/rollouts/stop',
    access: 'operator',
    tag: 'rollouts',
    summary: 'Emergency: stop every open rollout',
    body: z.object({ reason: z.string().max(1000).optional() }),
    response: z.object({ stopped: z.array(z.string()) }),
  },
} as const satisfies Record<string, Endpoint>;
