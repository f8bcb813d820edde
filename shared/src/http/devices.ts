import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { capabilitiesSchema } from '../documents/capabilities.ts';
import { objectiveSchema } from '../documents/objective.ts';
import { reportedStateSchema } from '../documents/reported-state.ts';
import { deviceIdSchema, wallMsSchema } from '../ids.ts';
import { inferenceResultSchema } from '../wire/command.ts';
import { telemetryKindSchema } from '../wire/telemetry.ts';
import {
  deviceLoginRequestSchema,
  deviceLoginResponseSchema,
  deviceRekeyRequestSchema,
  enrolRequestSchema,
  enrolResponseSchema,
  nonceResponseSchema,
} from './device-access.ts';
import type { Endpoint } from './endpoint.ts';
import { selectSchema } from './groups.ts';
import { deviceNameSchema, labelsSchema } from './labels.ts';
import { emptySchema, pageOf, pageQuerySchema } from './paging.ts';
import { placementFields } from './placement.ts';

/** A figure and where it comes from: measured on this device, on others of its profile, or worked out. */
export const choiceFigureSchema = z.object({ value: z.number(), origin: z.enum(['this-device', 'profile', 'estimate']) });
export type ChoiceFigure = z.infer<typeof choiceFigureSchema>;

/** What an artefact costs and gives on one device; null where nothing is known. */
export const choiceFiguresSchema = z.object({
  latencyMs: choiceFigureSchema.nullable().meta({ description: 'Median of one run' }),
  latencyMsP95: choiceFigureSchema.nullable(),
  joulesPerInference: choiceFigureSchema.nullable(),
  memoryBytes: choiceFigureSchema,
  costPer1000Usd: choiceFigureSchema
    .nullable()
    .meta({ description: 'Hourly price of the profile, and the bytes to move spread over the inferences' }),
  accuracyLossPoints: z.number().nullable().meta({ description: 'Worse end of the interval; null without an evaluation set' }),
  estimatedFrom: z
    .object({ artefact: digestSchema, origin: z.enum(['this-device', 'profile']) })
    .optional()
    .meta({ description: 'Of an artefact that was not measured: the one whose measurement all of its estimates are scaled from' }),
});
export type ChoiceFigures = z.infer<typeof choiceFiguresSchema>;

export const choiceCandidateSchema = z.object({
  artefact: digestSchema,
  precision: z.string(),
  optimisation: z.string().default(''),
  sizeBytes: z.number().int(),
  chosen: z.boolean(),
  verdict: z.string(),
  figures: choiceFiguresSchema.optional(),
});
export type ChoiceCandidate = z.infer<typeof choiceCandidateSchema>;

/** Which artefact of a model a device should run, and why. */
export const artefactChoiceSchema = z.object({
  artefact: digestSchema,
  precision: z.string(),
  sizeBytes: z.number().int(),
  reason: z.string(),
  meetsObjective: z.boolean().default(true).meta({ description: 'False if no artefact meets all limits: then the nearest was taken' }),
  fallbacks: z.array(digestSchema).default([]).meta({ description: 'What comes next, best first' }),
  objective: objectiveSchema.optional(),
  candidates: z.array(choiceCandidateSchema),
});
export type ArtefactChoice = z.infer<typeof artefactChoiceSchema>;

export const profileReasonSchema = z.object({
  score: z.number(),
  reasons: z.array(z.string()),
  runnersUp: z.array(z.object({ profile: z.string(), score: z.number(), reason: z.string() })).default([]),
});

export const deviceViewSchema = z.object({
  id: deviceIdSchema,
  name: z.string(),
  status: z.enum(['pending', 'active', 'revoked']),
  online: z.boolean(),
  closed: z.boolean().meta({ description: 'Offline, since the page that it ran in was closed in order' }),
  labels: labelsSchema,
  profile: z.string(),
  profileReason: profileReasonSchema,
  agentVersion: z.string(),
  capabilities: capabilitiesSchema,
  enrolledAtMs: wallMsSchema,
  lastSeenAtMs: wallMsSchema.nullable(),
  reported: reportedStateSchema.nullable(),
  reportedAtMs: wallMsSchema.nullable(),
  desired: z
    .object({
      epoch: z.number().int(),
      generation: z.number().int(),
      release: digestSchema.nullable(),
      releaseName: z.string().nullable(),
      previousRelease: digestSchema.nullable(),
      choices: z.record(z.string(), artefactChoiceSchema),
      ...placementFields,
      assignedAtMs: wallMsSchema,
      assignedBy: z.string(),
    })
    .nullable(),
});
export type DeviceView = z.infer<typeof deviceViewSchema>;

export const claimTokenViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  usesLeft: z.number().int(),
  usesTotal: z.number().int(),
  requireApproval: z.boolean(),
  labels: labelsSchema,
  release: digestSchema.nullable(),
  expiresAtMs: wallMsSchema,
  revokedAtMs: wallMsSchema.nullable(),
  createdAtMs: wallMsSchema,
  createdBy: z.string(),
});
export type ClaimTokenView = z.infer<typeof claimTokenViewSchema>;

export const telemetryRowSchema = z.object({
  kind: telemetryKindSchema,
  streamId: z.string(),
  sequence: z.number().int(),
  atMs: wallMsSchema,
  clock: z.string(),
  payload: z.record(z.string(), z.unknown()),
});
export type TelemetryRow = z.infer<typeof telemetryRowSchema>;

/** One point of a chart: a bucket of time. */
export const seriesPointSchema = z.object({
  atMs: wallMsSchema,
  items: z.number(),
  failures: z.number(),
  latencyMsP50: z.number().nullable(),
  latencyMsP95: z.number().nullable(),
  joules: z.number().nullable(),
  joulesPerInference: z.number().nullable(),
  cpuUtilisation: z.number().nullable(),
  agentMemoryBytes: z.number().nullable(),
  temperatureCelsius: z.number().nullable(),
  batteryLevel: z.number().nullable().meta({ description: 'Share of a full charge' }),
  psi: z.record(z.string(), z.number()).meta({ description: 'Monitor -> largest population stability index in the bucket' }),
});
export type SeriesPoint = z.infer<typeof seriesPointSchema>;

export const telemetrySummarySchema = z.object({
  items: z.number(),
  failures: z.number(),
  itemsPerSecond: z.number(),
  latencyMsP50: z.number().nullable(),
  latencyMsP95: z.number().nullable(),
  latencyMsP99: z.number().nullable(),
  joules: z.number().nullable(),
  energyMethod: z.enum(['measured', 'modelled']).nullable(),
  joulesPerInference: z.number().nullable(),
  agentMemoryBytes: z.number().nullable(),
  drifted: z.array(z.string()),
  delivery: z.object({
    ...{ stored: z.number(), repeated: z.number(), declaredDropped: z.number(), lost: z.number() },
    shed: z.number().meta({ description: 'Acknowledged and let go, since more came than the database takes' }),
  }),
});
export type TelemetrySummary = z.infer<typeof telemetrySummarySchema>;

export const agentPackageViewSchema = z.object({
  platform: z.enum(['linux-x64', 'linux-arm64']),
  version: z.string(),
  file: z.string(),
  digest: digestSchema,
  sizeBytes: z.number().int(),
  parts: z.record(z.string(), z.string()).meta({ description: 'Native packages inside, with their versions' }),
  signed: z.string().meta({ description: 'JWS of the same facts by the fleet key' }),
});
export type AgentPackageView = z.infer<typeof agentPackageViewSchema>;

const rangeQuery = z.object({ fromMs: z.coerce.number().int().optional(), toMs: z.coerce.number().int().optional() });

export const deviceEndpoints = {
  listDevices: {
    method: 'get',
    path: '/devices',
    access: 'viewer',
    tag: 'devices',
    summary: 'List devices',
    query: pageQuerySchema.extend({
      search: z.string().max(200).optional(),
      status: z
        .enum(['pending', 'active', 'revoked', 'online', 'offline', 'silent', 'failed', 'unserved'])
        .optional()
        .meta({ description: '`silent`: offline, and neither a page that was closed nor a simulated device that has ended' }),
      profile: z.string().max(64).optional(),
      select: selectSchema.optional(),
      sort: z.enum(['name', 'lastSeen', 'enrolled', 'profile']).default('name'),
    }),
    response: pageOf(deviceViewSchema),
  },
  showDevice: { method: 'get', path: '/devices/{id}', access: 'viewer', tag: 'devices', summary: 'One device', response: deviceViewSchema },
  changeDevice: {
    method: 'patch',
    path: '/devices/{id}',
    access: 'operator',
    tag: 'devices',
    summary: 'Change name or labels',
    body: z.object({ name: deviceNameSchema.optional(), labels: labelsSchema.optional() }),
    response: deviceViewSchema,
  },
  assignDevice: {
    method: 'post',
    path: '/devices/{id}/assign',
    access: 'operator',
    tag: 'devices',
    summary: 'Assign a release; the artefacts are chosen for the device',
    body: z.object({ release: z.string().max(200).nullable().meta({ description: 'Digest or name of a release; null stops the device' }) }),
    response: deviceViewSchema,
  },
  approveDevice: {
    method: 'post',
    path: '/devices/{id}/approve',
    access: 'operator',
    tag: 'devices',
    summary: 'Let a pending device in',
    response: deviceViewSchema,
  },
  revokeDevice: {
    method: 'post',
    path: '/devices/{id}/revoke',
    access: 'operator',
    tag: 'devices',
    summary: 'Shut a device out at once, for good',
    response: deviceViewSchema,
  },
  inferOnDevice: {
    method: 'post',
    path: '/devices/{id}/infer',
    access: 'operator',
    tag: 'devices',
    summary: 'Run an image through the pipeline of a device and wait for the result',
    rawBody: true,
    response: z.object({ command: z.string(), result: inferenceResultSchema }),
  },
  listTelemetry: {
    method: 'get',
    path: '/devices/{id}/telemetry',
    access: 'viewer',
    tag: 'telemetry',
    summary: 'Records as they came, newest first',
    query: pageQuerySchema.extend(rangeQuery.shape).extend({ kind: telemetryKindSchema.optional() }),
    response: pageOf(telemetryRowSchema),
  },
  summariseTelemetry: {
    method: 'get',
    path: '/devices/{id}/telemetry/summary',
    access: 'viewer',
    tag: 'telemetry',
    summary: 'Figures over a range of time; the last hour by default',
    query: rangeQuery,
    response: telemetrySummarySchema,
  },
  telemetrySeries: {
    method: 'get',
    path: '/devices/{id}/telemetry/series',
    access: 'viewer',
    tag: 'telemetry',
    summary: 'Figures in buckets of time, for charts',
    query: rangeQuery.extend({ buckets: z.coerce.number().int().min(2).max(500).default(60) }),
    response: z.object({ points: z.array(seriesPointSchema) }),
  },
  listClaimTokens: {
    method: 'get',
    path: '/claim-tokens',
    access: 'operator',
    tag: 'enrolment',
    summary: 'List claim tokens',
    query: pageQuerySchema,
    response: pageOf(claimTokenViewSchema),
  },
  createClaimToken: {
    method: 'post',
    path: '/claim-tokens',
    access: 'operator',
    tag: 'enrolment',
    summary: 'Create a claim token; its text is shown once',
    body: z.object({
      name: z.string().min(1).max(100).default('device'),
      uses: z.number().int().min(1).max(100_000).default(1),
      expiresInHours: z.number().min(0.01).max(8760).default(24),
      requireApproval: z.boolean().default(false),
      labels: labelsSchema.default({}),
      release: z.string().max(200).optional().meta({ description: 'Digest or name of the release that enrolled devices get' }),
      install: z.boolean().default(false).meta({
        description: 'Answer with the command that installs an agent too; its packages are built first, which takes a minute once',
      }),
    }),
    response: z.object({ token: claimTokenViewSchema, text: z.string(), installCommand: z.string().nullable() }),
  },
  listAgentPackages: {
    method: 'get',
    path: '/agent/packages',
    access: 'operator',
    tag: 'enrolment',
    summary: 'The agent packages of each platform, signed by the fleet; they are built first if they are not there',
    response: z.object({ packages: z.array(agentPackageViewSchema) }),
  },
  revokeClaimToken: {
    method: 'delete',
    path: '/claim-tokens/{id}',
    access: 'operator',
    tag: 'enrolment',
    summary: 'Revoke a claim token',
    response: emptySchema,
  },
  enrol: {
    method: 'post',
    path: '/enrol',
    access: 'public',
    tag: 'device access',
    summary: 'A device enrols with a claim token',
    body: enrolRequestSchema,
    response: enrolResponseSchema,
  },
  loginNonce: {
    method: 'post',
    path: '/device-access/nonce',
    access: 'public',
    changes: false,
    tag: 'device access',
    summary: 'A nonce to sign, and the time',
    body: z.object({ device: deviceIdSchema }),
    response: nonceResponseSchema,
  },
  deviceLogin: {
    method: 'post',
    path: '/device-access/login',
    access: 'public',
    changes: false,
    tag: 'device access',
    summary: 'A device trades a signed nonce for a broker password',
    body: deviceLoginRequestSchema,
    response: deviceLoginResponseSchema,
  },
  deviceRekey: {
    method: 'post',
    path: '/device-access/rekey',
    access: 'public',
    tag: 'device access',
    summary: 'A device replaces its key, and keeps its id: it proves the key of now and the one that is to follow',
    body: deviceRekeyRequestSchema,
    response: z.object({ device: deviceIdSchema }),
  },
} as const satisfies Record<string, Endpoint>;
