import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { publicKeySchema, trustRootSchema } from '../documents/trust-root.ts';
import type { Endpoint } from './endpoint.ts';
import { measuringSettingsSchema } from './measuring.ts';

export const overviewSchema = z.object({
  fleetId: z.string(),
  version: z.string(),
  devices: z.object({
    total: z.number(),
    online: z.number(),
    closed: z.number().meta({ description: 'Offline since their page was closed in order; nobody has to look after them' }),
    ended: z.number().meta({ description: 'Simulated devices whose simulation is over; `starling simulate --remove` deletes them' }),
    pending: z.number(),
    revoked: z.number(),
    running: z.number(),
    failed: z.number(),
  }),
  models: z.number(),
  pipelines: z.number(),
  releases: z.number(),
  inference: z.object({ itemsLastHour: z.number(), latencyMsP50: z.number().nullable(), latencyMsP95: z.number().nullable() }),
  energy: z.object({ joulesLastHour: z.number(), measuredShare: z.number() }),
  drifted: z
    .array(z.object({ device: z.string(), name: z.string(), monitor: z.string(), psi: z.number() }))
    .meta({ description: 'At most a hundred, the farthest first' }),
  driftedDevices: z.number().int(),
});
export type Overview = z.infer<typeof overviewSchema>;

export const settingsSchema = z.object({
  fleetId: z.string(),
  publicUrl: z.string(),
  reachableUrls: z.array(z.string()).meta({
    description: 'HTTPS addresses at which other machines may reach this fleet, best first; empty if it listens for its own machine alone',
  }),
  addresses: z.object({ http: z.string(), https: z.string(), mqtt: z.string(), mqtts: z.string(), wss: z.string() }),
  certificateDigest: digestSchema.nullable(),
  database: z.string(),
  demoKeys: z.boolean(),
  root: trustRootSchema.nullable(),
  rootDigest: digestSchema.nullable(),
  operators: z.record(z.string(), z.number()),
  blobs: z.object({ chunks: z.number(), storedBytes: z.number() }),
  measuring: measuringSettingsSchema,
});
export type Settings = z.infer<typeof settingsSchema>;

/** One process of the fleet. One with the embedded broker is alone, and does everything. */
export const fleetProcessSchema = z.object({
  id: z.string().meta({ description: 'Machine, process number, and what tells this start from others' }),
  answers: z.boolean().meta({ description: 'This is the process that has answered' }),
  shards: z.number().int().meta({ description: 'Of 32; it hears the devices of these' }),
  duties: z.array(z.string()).meta({ description: 'What one process at a time does for all' }),
  authority: digestSchema
    .nullable()
    .meta({ description: 'Certificate authority that has signed what it shows to devices; null: it was given a certificate' }),
});
export type FleetProcess = z.infer<typeof fleetProcessSchema>;

/** What server-sent events carry: enough to know what to fetch again. */
export const fleetEventSchema = z.object({
  type: z.enum(['device', 'reported', 'telemetry', 'command', 'build', 'catalogue', 'rollout', 'experiment', 'audit']),
  id: z.string().meta({ description: 'What it is about: a device, a command, a build' }),
  atMs: z.number(),
  detail: z.record(z.string(), z.unknown()).default({}),
});
export type FleetEvent = z.infer<typeof fleetEventSchema>;

/** One point of the fleet's chart: all devices together in a bucket of time. */
export const fleetPointSchema = z.object({
  atMs: z.number(),
  items: z.number(),
  failures: z.number(),
  latencyMsP50: z.number().nullable(),
  latencyMsP95: z.number().nullable(),
  joules: z.number().nullable(),
});
export type FleetPoint = z.infer<typeof fleetPointSchema>;

export const fleetEndpoints = {
  overview: {
    method: 'get',
    path: '/overview',
    access: 'viewer',
    tag: 'fleet',
    summary: 'The fleet at a glance',
    response: overviewSchema,
  },
  fleetSeries: {
    method: 'get',
    path: '/overview/series',
    access: 'viewer',
    tag: 'fleet',
    summary: 'The last hour of the whole fleet in buckets of time, for charts',
    query: z.object({ buckets: z.coerce.number().int().min(2).max(500).default(60) }),
    response: z.object({
      points: z.array(fleetPointSchema),
      widthMs: z.number().meta({ description: 'Length of a bucket; five minutes where a fleet is too large for shorter ones' }),
    }),
  },
  settings: {
    method: 'get',
    path: '/settings',
    access: 'viewer',
    tag: 'fleet',
    summary: 'Addresses, keys, storage',
    response: settingsSchema,
  },
  listProcesses: {
    method: 'get',
    path: '/processes',
    access: 'viewer',
    tag: 'fleet',
    summary: 'Which processes the fleet has, and how they share its devices',
    response: z.object({
      items: z.array(fleetProcessSchema),
      broker: z.enum(['embedded', 'external']),
      unheard: z
        .number()
        .int()
        .meta({ description: 'Shards that no process hears now: for more than some seconds there is none left to take them' }),
    }),
  },
  health: {
    method: 'get',
    path: '/health',
    access: 'public',
    tag: 'fleet',
    summary: 'Is the fleet up, and its database',
    response: z.object({ status: z.enum(['ok']) }),
  },
  listRoots: {
    method: 'get',
    path: '/trust/roots',
    access: 'public',
    tag: 'trust',
    summary: 'Signed root documents from a version on, oldest first',
    query: z.object({ from: z.coerce.number().int().positive().default(1) }),
    response: z.object({ roots: z.array(z.string()) }),
  },
  publishRoot: {
    method: 'post',
    path: '/trust/roots',
    access: 'admin',
    tag: 'trust',
    summary: 'Publish the next root document, or the first one',
    body: z.object({
      signed: z.string().max(65_536),
      force: z
        .boolean()
        .default(false)
        .meta({ description: 'Also where a process, or the broker, still shows an authority that devices would believe no longer' }),
    }),
    response: z.object({ version: z.number().int(), digest: digestSchema }),
  },
  fleetKey: {
    method: 'get',
    path: '/trust/fleet-key',
    access: 'viewer',
    tag: 'trust',
    summary: "Fleet id and the public half of the fleet's own key, for making a root document",
    response: z.object({ fleetId: z.string(), key: publicKeySchema }),
  },
  prepareFleetKey: {
    method: 'post',
    path: '/trust/fleet-key/next',
    access: 'admin',
    tag: 'trust',
    summary: 'Make the key that is to follow, or tell the one that was made; it takes over when a root names it',
    body: z.strictObject({}),
    response: z.object({ fleetId: z.string(), key: publicKeySchema }),
  },
  listAuthorities: {
    method: 'get',
    path: '/trust/authorities',
    access: 'public',
    tag: 'trust',
    summary: "The fleet's own certificate authorities: of now, of before, and the one that is to follow",
    response: z.object({
      authorities: z.array(z.object({ state: z.enum(['now', 'next', 'before']), digest: digestSchema, certificate: z.string() })),
    }),
  },
  prepareAuthority: {
    method: 'post',
    path: '/trust/authorities',
    access: 'admin',
    tag: 'trust',
    summary: 'Make the authority that is to follow, or tell the one that was made; it takes over at the start after a root names it',
    body: z.strictObject({}),
    response: z.object({ digest: digestSchema, certificate: z.string(), current: digestSchema }),
  },
} as const satisfies Record<string, Endpoint>;
