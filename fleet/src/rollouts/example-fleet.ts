import { loadProfiles } from '@starling/device-profiles';
import {
  type ArtefactView,
  artefactSchema,
  buildRecipeSchema,
  capabilitiesSchema,
  type ExperimentAssignment,
  pipelineSchema,
  type RolloutSpecInput,
  releaseSchema,
  rolloutSpecSchema,
  StarlingError,
} from '@starling/shared';
import { sql } from 'drizzle-orm';
import { createAnalysis } from '../analysis/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import type { Database } from '../db/index.ts';
import { createDesiredStates, type DesiredLink } from '../desired-state/index.ts';
import type { Devices } from '../devices/index.ts';
import { createEventBus } from '../events.ts';
import { createExperiments, type Experiments, experimentsAmong } from '../experiments/index.ts';
import { createGroups } from '../groups/index.ts';
import type { Models } from '../models/index.ts';
import type { Pipelines } from '../pipelines/index.ts';
import type { Log } from '../ports.ts';
import type { Releases } from '../releases/index.ts';
import type { Keyring } from '../trust/index.ts';
import type { RolloutAnalysis } from './analysis-port.ts';
import { noAnalysis } from './index.ts';
import { createRollouts, type Rollouts } from './rollouts.ts';
import { comingReleases, followDesired } from './targets-store.ts';

/** A database -> devices that do what they are told, in rows, and a clock that is turned by hand: to try rollouts without waiting. */
export interface ExampleFleet {
  db: Database;
  clock: { nowMs(): number; add(ms: number): void };
  rollouts: Rollouts;
  experiments: Experiments;
  /** The same on the same rows, as a process that starts anew. */
  restart(options?: Partial<ExampleOptions>): Rollouts;
  addDevices(
    count: number,
    options?: { labels?: (index: number) => Record<string, string>; release?: string; online?: boolean; id?: (index: number) => string },
  ): Promise<string[]>;
  /** Every device that is online does what its desired state says. @returns how many had something to do */
  work(behaviour?: (device: string) => Outcome): Promise<number>;
  setOnline(devices: readonly string[], online: boolean): Promise<void>;
  /** Gives a device something, as a person does. */
  assign(device: string, release: string): Promise<void>;
  running(device: string): Promise<string | null>;
  create(spec: Partial<RolloutSpecInput>, all?: boolean): ReturnType<Rollouts['create']>;
  actor: (name: string) => Parameters<Rollouts['create']>[2];
}

export type Outcome = 'run' | 'silent' | { fail: string };

interface ExampleOptions {
  db: Database;
  /** Where desired states go out, and what signs them. */
  link: DesiredLink;
  keyring: Pick<Keyring, 'fleetId' | 'signer' | 'signedRoot'>;
  analysis: RolloutAnalysis;
  reconnectGraceMs: number;
  /** Every release has a part that runs in the cloud. */
  placed: boolean;
}

const profiles = new Map(loadProfiles().map((profile) => [profile.name, profile]));
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const DAY_MS = 86_400_000;
const ROWS_A_TIME = 5_000;
export const releaseNames = ['one', 'two', 'three'] as const;

function idOf(index: number): string {
  return `device-${`${index}`.padStart(6, '0')}`;
}

/** 64 hexadecimal digits that begin with a word's letters. */
export function digestOf(word: string): string {
  return Buffer.from(word).toString('hex').padEnd(64, '0');
}

const capabilities = capabilitiesSchema.parse({
  ...{ schemaVersion: 1, environment: 'node', os: 'linux', architecture: 'x64', agentVersion: '1.0.0', cpu: { cores: 4 } },
  ...{ executionProviders: [{ name: 'cpu', ran: true }], memory: { totalBytes: 2 ** 33, availableBytes: 2 ** 32 } },
  disk: { totalBytes: 2 ** 36, freeBytes: 2 ** 35 },
});

function artefactOf(release: string): ArtefactView {
  const digest = digestOf(`artefact-${release}`);
  const about = { precision: 'fp32' as const, optimisation: 'source', executionProviders: ['cpu'] };
  return {
    ...{ digest, sizeBytes: 1_000, createdAtMs: 0, ...about },
    report: { compressionRatio: 1, maximumError: 0, quantisedTensors: 0, buildMs: 0 },
    document: artefactSchema.parse({
      ...{ kind: 'artefact', schemaVersion: 1, fleetId: 'f', model: 'net', modelVersion: '1.0.0', sourceDigest: digest, ...about },
      needs: { opset: 17, operators: ['Conv'] },
      provenance: { recipe: buildRecipeSchema.parse({ method: 'source' }), tools: {}, builtAtMs: 0 },
      blob: { digest, sizeBytes: 1_000, manifest: digestOf(`manifest-${release}`) },
    }),
  };
}

function releaseOf(name: string) {
  const document = releaseSchema.parse({
    ...{ kind: 'release', schemaVersion: 1, fleetId: 'f', name, createdAtMs: 0 },
    pipeline: { name: 'p', version: '1.0.0', digest: digestOf('p') },
    models: [{ name: 'net', version: '1.0.0', digest: digestOf(`model-${name}`) }],
  });
  return { digest: digestOf(name), name, document, signed: '', createdAtMs: 0, createdBy: 'test' };
}

const known = releaseNames.map(releaseOf);

/** Half of the chunks of each release are those of all, half are its own. */
const blobs: Pick<BlobStore, 'readManifest'> = {
  readManifest: async (manifest) => ({
    ...{ digest: manifest, sizeBytes: 1_000 },
    chunks: [
      { digest: digestOf('shared'), sizeBytes: 400 },
      { digest: digestOf(`own-${manifest}`), sizeBytes: 600 },
    ],
  }),
};
const models: Pick<Models, 'artefacts' | 'find'> = {
  artefacts: async (digest) => known.filter(({ name }) => digestOf(`model-${name}`) === digest).map(({ name }) => artefactOf(name)),
  find: async () => ({ document: { assets: [] } }) as never,
};
const releasesWith = (placed: boolean): Pick<Releases, 'find' | 'plan'> => ({
  plan: async () => ({ parts: [], places: placed ? ['cloud'] : [], modelsAt: () => (placed ? ['net'] : []) }),
  async find(reference) {
    const found = known.find(({ digest, name }) => digest === reference || name === reference);
    if (found === undefined) throw new StarlingError('unknown-release', `there is no release ${reference}`, { field: 'release' });
    return found;
  },
});

const pipeline = pipelineSchema.parse({
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'p', version: '1.0.0', inputs: { image: 'encoded-image' }, outputs: {} },
  nodes: { decode: { op: 'image.decode' } },
  edges: [{ from: 'input.image', to: 'decode.image' }],
});
const pipelines: Pick<Pipelines, 'show'> = { show: async () => ({ document: pipeline }) as never };

export function createExampleFleet(options: Pick<ExampleOptions, 'db'> & Partial<ExampleOptions>): ExampleFleet {
  const { db } = options;
  const releases = releasesWith(options.placed === true);
  let nowMs = 1_700_000_000_000;
  let made = 0;
  let ids = 0;
  const clock = {
    nowMs: () => nowMs,
    add(ms: number) {
      nowMs += ms;
    },
  };
  const open = ({
    db: own = db,
    analysis = options.analysis ?? noAnalysis,
    reconnectGraceMs = 0,
    link,
    keyring,
  }: Partial<ExampleOptions> = {}): { rollouts: Rollouts; experiments: Experiments } => {
    const devices: Pick<Devices, 'find'> = { find: async () => ({}) as never };
    const desiredStates = createDesiredStates({
      ...{
        db: own,
        clock,
        log: silent,
        events: createEventBus(),
        keyring: { epoch: { epoch: 1 }, ...keyring } as Keyring,
        devices: devices as Devices,
        models: models as Models,
      },
      ...{ releases: releases as Releases, profiles, telemetryWindowMs: 10_000, traceRatio: 0 },
      ...{ coming: comingReleases, follow: followDesired },
    });
    if (link !== undefined) desiredStates.connect(link);
    const next = (): string => {
      ids += 1;
      return `id-${`${ids}`.padStart(4, '0')}`;
    };
    const { where: matching } = createGroups({ db: own, clock });
    const common = { db: own, clock, ids: { next, bytes: () => new Uint8Array() }, log: silent, events: createEventBus() };
    const rollouts = createRollouts({
      owner: next(),
      ...{ ...common, blobs: blobs as BlobStore, models, releases, desiredStates, profiles, analysis, matching, reconnectGraceMs },
      experiments: (where) => experimentsAmong(own, where),
    });
    const experiments = createExperiments({
      ...{ ...common, releases, pipelines, desiredStates, matching, follow: followDesired },
      analysis: createAnalysis({ db: own, clock, log: silent, prices: [] }),
      promote: async (spec, by) => (await rollouts.create(spec, true, by)).id,
    });
    return { rollouts, experiments };
  };
  const { rollouts, experiments } = open(options);
  const actor: ExampleFleet['actor'] = (name) => ({ id: name, name, role: 'operator', via: 'token', scopes: null });
  return {
    ...{ db, clock, rollouts, experiments, actor },
    restart: (changed) => open(changed).rollouts,
    async addDevices(count, { labels = () => ({}), release = 'one', online = true, id = idOf } = {}) {
      const added = Array.from({ length: count }, (_, index) => ({
        id: id(made + index),
        labels: labels(made + index),
      }));
      made += count;
      for (let from = 0; from < added.length; from += ROWS_A_TIME)
        await insertDevices(db, added.slice(from, from + ROWS_A_TIME), { release, online, nowMs });
      if (count > ROWS_A_TIME) await db.execute(sql`analyze`);
      return added.map(({ id }) => id);
    },
    work: (behaviour = () => 'run') => work(db, behaviour, nowMs),
    async setOnline(devices, online) {
      await db.execute(
        sql`update devices set online = ${online}, last_seen_at_ms = ${online ? nowMs : nowMs - DAY_MS} where id = any(${sql.param([...devices])}::text[])`,
      );
    },
    async assign(device, release) {
      await db.execute(
        sql`update desired_states set generation = generation + 1, previous_release = release, release = ${digestOf(release)} where device = ${device}`,
      );
    },
    async running(device) {
      const [row] = await db.execute<{ release: string | null }>(
        sql`select reported->'running'->>'release' as release from devices where id = ${device}`,
      );
      return known.find(({ digest }) => digest === row?.release)?.name ?? null;
    },
    create: (spec, all = false) =>
      rollouts.create(
        rolloutSpecSchema.parse({ name: 'r', release: 'two', selector: 'true', canary: { count: 0 }, steps: [], ...spec }),
        all || (spec.selector ?? 'true') === 'true',
        actor('ann'),
      ),
  };
}

async function insertDevices(
  db: Database,
  added: readonly { id: string; labels: Record<string, string> }[],
  { release, online, nowMs }: { release: string; online: boolean; nowMs: number },
): Promise<void> {
  const ids = sql.param(added.map(({ id }) => id));
  const artefacts = JSON.stringify({ net: artefactOf(release).digest });
  const running = { release: digestOf(release), artefacts: { net: artefactOf(release).digest }, verified: true, since: 0, providers: {} };
  const reported = JSON.stringify({
    schemaVersion: 1,
    epoch: 1,
    generation: 1,
    phase: 'running',
    steps: [],
    running,
    previous: null,
    error: null,
    refused: [],
    atMs: 0,
  });
  await db.execute(sql`
    insert into devices (id, public_key, machine_id_digest, name, labels, status, capabilities, profile, profile_reason, agent_version, online, enrolled_at_ms, last_seen_at_ms, reported, reported_at_ms)
    select id, id, 'm', 'name-' || id, labels::jsonb, 'active', ${JSON.stringify(capabilities)}::jsonb, 'cloud-x86-64', '{}'::jsonb, '1.0.0', ${online}, 0, ${nowMs}::bigint, ${reported}::jsonb, 0
    from unnest(${ids}::text[], ${sql.param(added.map(({ labels }) => JSON.stringify(labels)))}::text[]) as added(id, labels)`);
  await db.execute(sql`
    insert into desired_states (device, epoch, generation, release, artefacts, reasons, assigned_at_ms, assigned_by)
    select id, 1, 1, ${digestOf(release)}, ${artefacts}::jsonb, '{}'::jsonb, 0, 'test' from unnest(${ids}::text[]) as added(id)`);
}

/** What agents do: they run what they should, verified, or say that they could not and run on with what they had. */
async function work(db: Database, behaviour: (device: string) => Outcome, nowMs: number): Promise<number> {
  const behind = await db.execute<{
    id: string;
    generation: number;
    epoch: number;
    release: string | null;
    artefacts: unknown;
    experiment: ExperimentAssignment | null;
    running: unknown;
  }>(sql`
    select d.id, s.generation, s.epoch, s.release, s.artefacts, s.experiment, d.reported->'running' as running from devices d join desired_states s on s.device = d.id
    where d.online and (d.reported->>'generation')::int < s.generation order by d.id`);
  const reports = behind.flatMap(({ id, generation, epoch, release, artefacts, experiment, running }) => {
    const own = running as { release?: string } | null;
    // What runs already needs no work, and cannot fail.
    const outcome = own?.release === release ? 'run' : behaviour(id);
    if (outcome === 'silent') return [];
    const common = { schemaVersion: 1, epoch, generation, steps: [], previous: null, refused: [], atMs: nowMs, ...armsOf(experiment) };
    const runs = { release, artefacts, verified: true, since: nowMs, providers: {} };
    const report =
      outcome === 'run'
        ? { ...common, phase: release === null ? 'idle' : 'running', running: release === null ? null : runs, error: null }
        : { ...common, phase: 'failed', running, error: { code: outcome.fail, message: 'it does not work here' } };
    return [{ id, report: JSON.stringify(report) }];
  });
  await db.execute(sql`
    update devices set reported = told.report::jsonb, reported_at_ms = ${nowMs}, last_seen_at_ms = ${nowMs}
    from unnest(${sql.param(reports.map(({ id }) => id))}::text[], ${sql.param(reports.map(({ report }) => report))}::text[]) as told(id, report) where devices.id = told.id`);
  return reports.length;
}

/** Challengers run at once, wherever they are to. */
function armsOf(experiment: ExperimentAssignment | null) {
  if (experiment === null) return {};
  return { experiment: { id: experiment.id, arms: experiment.arms.map(({ release }) => ({ release, state: 'running' as const })) } };
}
