import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { intervalEstimateSchema, metricJudgementSchema } from '../documents/analysis.ts';
import { experimentMeasureSchema, experimentModeSchema, experimentSpecSchema } from '../documents/experiment.ts';
import { problemSchema } from '../documents/reported-state.ts';
import { deviceIdSchema, wallMsSchema } from '../ids.ts';
import type { Endpoint } from './endpoint.ts';
import { pageOf, pageQuerySchema } from './paging.ts';

export const experimentStateSchema = z.enum(['draft', 'running', 'paused', 'concluded', 'stopped', 'promoted']);
export type ExperimentState = z.infer<typeof experimentStateSchema>;

const count = z.number().int().nonnegative();
const share = z.number().min(0).max(1);

/** `no-difference`: surely within the margin. `undecided`: nothing is sure yet. `harmful`: a guard has failed. */
export const armVerdictSchema = z.enum(['champion', 'better', 'worse', 'no-difference', 'harmful', 'undecided']);
export type ArmVerdict = z.infer<typeof armVerdictSchema>;

/** One release of an experiment, with all that was counted of it there. */
export const experimentArmSchema = z.object({
  release: digestSchema,
  name: z.string(),
  isChampion: z.boolean(),
  share: share.meta({ description: 'Of the items now; of a shadow: of those that are copied' }),
  devices: count.meta({ description: 'On which it runs now' }),
  items: count,
  failures: count,
  errorRate: intervalEstimateSchema.nullable(),
  latencyMs: z.object({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable(),
  joulesPerInference: z.number().nonnegative().nullable(),
  compared: count.meta({ description: 'Copies whose outputs were compared with those of the champion' }),
  agreement: intervalEstimateSchema.nullable(),
  shed: count.meta({ description: 'Copies that were left out, for lack of time or energy' }),
  outcomes: count.meta({ description: 'That came back' }),
  reward: intervalEstimateSchema.nullable(),
  difference: intervalEstimateSchema
    .nullable()
    .meta({ description: 'In the goal, from the champion; for agreement: from the share that is wanted. Holds at every look' }),
  probabilityBest: share.nullable().meta({ description: 'Of the arms of a bandit' }),
  verdict: armVerdictSchema,
  reason: z.string(),
  guards: z.array(metricJudgementSchema),
});
export type ExperimentArm = z.infer<typeof experimentArmSchema>;

export const experimentViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  mode: experimentModeSchema,
  state: experimentStateSchema,
  measure: experimentMeasureSchema,
  champion: z.object({ release: digestSchema, name: z.string() }),
  challengers: z.array(z.object({ release: digestSchema, name: z.string() })),
  devices: count.meta({ description: 'That take part now' }),
  verdict: z.string().meta({ description: 'What is known, in a sentence' }),
  winner: digestSchema
    .nullable()
    .meta({ description: 'The release that is surely better, or the champion where every challenger is worse' }),
  createdAtMs: wallMsSchema,
  createdBy: z.string(),
  startedAtMs: wallMsSchema.nullable(),
  endsAtMs: wallMsSchema.nullable().meta({ description: 'The latest' }),
  finishedAtMs: wallMsSchema.nullable(),
});
export type ExperimentView = z.infer<typeof experimentViewSchema>;

export const shareTestSchema = z.object({
  expected: z.array(share),
  seen: z.array(share),
  p: z.number().min(0).max(1).meta({ description: 'Always-valid p-value: small where items went other ways than they should' }),
  mismatch: z.boolean(),
});
export type ShareTest = z.infer<typeof shareTestSchema>;

export const experimentDetailSchema = experimentViewSchema.extend({
  spec: experimentSpecSchema,
  arms: z.array(experimentArmSchema).meta({ description: 'The champion first' }),
  sampleRatio: shareTestSchema.nullable(),
  measuredAtMs: wallMsSchema.nullable(),
  off: z
    .array(z.object({ release: digestSchema, code: z.string(), devices: count }))
    .meta({ description: 'Devices on which a challenger does not run, by reason' }),
  rollout: z.string().nullable().meta({ description: 'That promoted its winner' }),
});
export type ExperimentDetail = z.infer<typeof experimentDetailSchema>;

export const experimentPreviewSchema = z.object({
  champion: z.object({ release: digestSchema, name: z.string() }),
  devices: count.meta({ description: 'That would take part' }),
  matched: count,
  obstacles: z.array(z.object({ code: z.string(), text: z.string(), devices: count })),
  desiredStateBytes: count.meta({ description: 'Of the largest desired state that it makes' }),
});
export type ExperimentPreview = z.infer<typeof experimentPreviewSchema>;

export const experimentDeviceSchema = z.object({
  device: deviceIdSchema,
  name: z.string(),
  online: z.boolean(),
  takesPart: z.boolean(),
  joinedAtMs: wallMsSchema,
  leftAtMs: wallMsSchema.nullable(),
  reason: z.string().nullable().meta({ description: 'Why it left' }),
  arms: z.array(z.object({ release: digestSchema, state: z.string(), problem: problemSchema.optional() })),
});
export type ExperimentDevice = z.infer<typeof experimentDeviceSchema>;

export const experimentEventSchema = z.object({
  sequence: count,
  atMs: wallMsSchema,
  kind: z.string(),
  actor: z.string(),
  text: z.string(),
  detail: z.record(z.string(), z.unknown()),
});
export type ExperimentEvent = z.infer<typeof experimentEventSchema>;

/** What was known at one look. */
export const experimentLookSchema = z.object({
  atMs: wallMsSchema,
  arms: z.array(
    z.object({
      release: digestSchema,
      share,
      items: count,
      estimate: z.number().nullable(),
      low: z.number().nullable(),
      high: z.number().nullable(),
    }),
  ),
});
export type ExperimentLook = z.infer<typeof experimentLookSchema>;

export const experimentActionSchema = z.enum(['start', 'pause', 'resume', 'stop', 'promote']);
export type ExperimentAction = z.infer<typeof experimentActionSchema>;

const createBody = z.object({
  spec: experimentSpecSchema,
  all: z.boolean().default(false).meta({ description: 'The selector is meant to match every device' }),
});

export const experimentEndpoints = {
  previewExperiment: {
    method: 'post',
    path: '/experiments/preview',
    access: 'viewer',
    changes: false,
    tag: 'experiments',
    summary: 'Which devices would take part, and what stands in the way; changes nothing',
    body: createBody,
    response: experimentPreviewSchema,
  },
  createExperiment: {
    method: 'post',
    path: '/experiments',
    access: 'operator',
    tag: 'experiments',
    summary: 'Let releases challenge the one that devices run: split, in shadow, or as a bandit',
    body: createBody,
    response: experimentDetailSchema,
  },
  listExperiments: {
    method: 'get',
    path: '/experiments',
    access: 'viewer',
    tag: 'experiments',
    summary: 'Experiments, newest first',
    query: pageQuerySchema.extend({
      state: experimentStateSchema.optional(),
      open: z.stringbool().optional().meta({ description: 'Those that are not over' }),
    }),
    response: pageOf(experimentViewSchema),
  },
  showExperiment: {
    method: 'get',
    path: '/experiments/{id}',
    access: 'viewer',
    tag: 'experiments',
    summary: 'One experiment by its id, or the newest of a name: arms, intervals, verdict',
    response: experimentDetailSchema,
  },
  listExperimentDevices: {
    method: 'get',
    path: '/experiments/{id}/devices',
    access: 'viewer',
    tag: 'experiments',
    summary: 'Devices that take part or did, and what became of the challengers there',
    query: pageQuerySchema,
    response: pageOf(experimentDeviceSchema),
  },
  listExperimentEvents: {
    method: 'get',
    path: '/experiments/{id}/timeline',
    access: 'viewer',
    tag: 'experiments',
    summary: 'What happened, newest first',
    query: pageQuerySchema,
    response: pageOf(experimentEventSchema),
  },
  listExperimentLooks: {
    method: 'get',
    path: '/experiments/{id}/looks',
    access: 'viewer',
    tag: 'experiments',
    summary: 'Shares and intervals at each look, newest first: what is drawn over time',
    query: pageQuerySchema,
    response: pageOf(experimentLookSchema),
  },
  showArmOfItem: {
    method: 'get',
    path: '/experiments/{id}/assignment',
    access: 'viewer',
    tag: 'experiments',
    summary: 'Which arm an item or stream goes to, by the shares of now',
    query: z.object({ key: z.string().min(1).max(1000).meta({ description: 'Name of the stream, or the key of the item' }) }),
    response: z.object({ key: z.string(), point: share, release: digestSchema, name: z.string(), isChampion: z.boolean() }),
  },
  actOnExperiment: {
    method: 'post',
    path: '/experiments/{id}/actions',
    access: 'operator',
    tag: 'experiments',
    summary:
      'Start a draft; pause (all items go to the champion) or resume; stop for good; promote a release to all devices of the selector',
    body: z.object({
      action: experimentActionSchema,
      reason: z.string().max(1000).optional(),
      release: z.string().max(200).optional().meta({ description: 'With promote: which one, by name or digest; the winner if not given' }),
    }),
    response: experimentDetailSchema,
  },
} as const satisfies Record<string, Endpoint>;
