import { join } from 'node:path';
import { loadProfiles, matchProfile } from '@starling/device-profiles';
import type { DeviceProfile, MeasuringSettings } from '@starling/shared';
import { type AgentBuilds, createAgentBuilds } from './agent-builds/index.ts';
import { type Analysis, createAnalysis, createWebhooks, type ProfilePrice } from './analysis/index.ts';
import { createBuilder } from './artefacts/index.ts';
import { type Accounts, createAccounts } from './auth/index.ts';
import { type BlobStore, openBlobStore } from './blobs/index.ts';
import { createRateLimit } from './broker/index.ts';
import { type Builds, createBuilds } from './builds/index.ts';
import { type Captures, createCaptures } from './captures/index.ts';
import {
  type CommandBatches,
  type CommandGrants,
  type Commands,
  createCommandBatches,
  createCommandGrants,
  createCommands,
  forgetCommands,
} from './commands/index.ts';
import { type FleetConfig, storeEnvironment } from './config.ts';
import type { OpenDatabase } from './db/index.ts';
import { countByRelease, createDesiredStates, type DesiredStates, forgetDesired } from './desired-state/index.ts';
import {
  type ClaimTokens,
  createClaimTokens,
  createDeviceAccess,
  createDeviceBulk,
  createDevices,
  createNonces,
  createSharedNonces,
  createSimulatedRemoval,
  type DeviceAccess,
  type DeviceBulk,
  type Devices,
  type Nonces,
  type SimulatedRemoval,
} from './devices/index.ts';
import { createEventBus, type LocalEvents } from './events.ts';
import {
  createExperiments,
  type Experiments,
  experimentsAmong,
  forgetFigures,
  forgetMembers,
  keepExperiments,
} from './experiments/index.ts';
import { createFeedback, type Feedback, forgetFeedback } from './feedback/index.ts';
import { createGroups, type Groups } from './groups/index.ts';
import { createMeasurements, forgetMeasurements, keepMeasurements, type Measurements } from './measurements/index.ts';
import { createMeasuring, type Measuring } from './measuring/index.ts';
import { createModels, createUploads, type Models, type Uploads } from './models/index.ts';
import { openTelemetry, type TelemetryModules } from './open-telemetry.ts';
import { createOperatorAccounts, createOperatorRelay, type OperatorAccounts, type OperatorRelay } from './operators/index.ts';
import { createPackages, type Packages } from './packages/index.ts';
import { createPipelines, type Pipelines } from './pipelines/index.ts';
import type { Clock, Ids, Log } from './ports.ts';
import { createReleases, type Releases } from './releases/index.ts';
import { judgeRollouts, tellOfRollouts } from './rollout-analysis.ts';
import { comingReleases, createRollouts, followDesired, type Rollouts, rolloutsThatUse } from './rollouts/index.ts';
import { readSecret } from './secret.ts';
import type { Duty } from './shards/index.ts';
import type { Vault } from './shared-secrets/index.ts';
import { createTaps, type Taps } from './taps/index.ts';
import { forgetTelemetry } from './telemetry/index.ts';
import type { Certificates } from './tls/index.ts';
import { createTraceExport } from './traces/index.ts';
import { createKeyring, type Keyring } from './trust/index.ts';
import { FLEET_VERSION } from './version.ts';

const MEBIBYTE = 1024 ** 2;
/** Requests of one operator account: for more devices there are selectors. */
const OPERATOR_RATE = { perSecond: 10, burst: 60 };

/** All that knows the database: everything of the fleet but its sockets. */
export interface Modules extends TelemetryModules {
  accounts: Accounts;
  analysis: Analysis;
  access: DeviceAccess;
  agentBuilds: AgentBuilds;
  blobs: BlobStore;
  builds: Builds;
  bulk: DeviceBulk;
  claimTokens: ClaimTokens;
  commands: Commands;
  grants: CommandGrants;
  desiredStates: DesiredStates;
  devices: Devices;
  events: LocalEvents;
  experiments: Experiments;
  feedback: Feedback;
  groups: Groups;
  batches: CommandBatches;
  captures: Captures;
  keyring: Keyring;
  measurements: Measurements;
  measuring: Measuring;
  models: Models;
  operators: { accounts: OperatorAccounts; relay: OperatorRelay };
  packages: Packages;
  pipelines: Pipelines;
  releases: Releases;
  rollouts: Rollouts;
  simulated: SimulatedRemoval;
  taps: Taps;
  uploads: Uploads;
  close(): Promise<void>;
}

export interface ModulePorts {
  config: FleetConfig;
  clock: Clock;
  ids: Ids;
  log: Log;
  database: OpenDatabase;
  directory: string;
  certificates: Certificates;
  /** Where people and devices reach this fleet. */
  publicUrl: string;
  /** Where a browser on this machine reaches it. */
  localUrl: string;
  trustedOrigins: readonly string[];
  /** This process at this start. */
  processId: string;
  /** The processes of a fleet share what is in memory otherwise. */
  isShared: boolean;
  /** What only they may read. */
  vault: Vault | undefined;
  /** Does this process do that for the whole fleet? */
  has(duty: Duty): boolean;
}

type RolloutParts = Pick<Modules, 'events' | 'blobs' | 'models' | 'pipelines' | 'releases' | 'desiredStates'> & {
  byName: ReadonlyMap<string, DeviceProfile>;
};

/** Rollouts and experiments, with the groups that say where to and the analyses that say whether. */
async function openRollouts({ clock, ids, log, directory, processId, database: { db } }: ModulePorts, parts: RolloutParts) {
  const { byName, ...modules } = parts;
  const groups = createGroups({ db, clock, uses: [rolloutsThatUse] });
  const analysis = createAnalysis({ db, clock, log, prices: pricesOf([...byName.values()]) });
  const webhooks = createWebhooks({ clock, ids, secret: await readSecret(join(directory, 'keys', 'webhook-secret'), ids) });
  const ending = new AbortController();
  const rollouts = createRollouts({
    ...{ db, clock, ids, log, ...modules, matching: groups.where, owner: processId },
    profiles: byName,
    analysis: judgeRollouts(analysis, webhooks, ending.signal),
    experiments: (where) => experimentsAmong(db, where),
  });
  const experiments = createExperiments({
    ...{ db, clock, ids, log, ...modules, analysis, matching: groups.where, follow: followDesired },
    promote: async (spec, actor) => (await rollouts.create(spec, true, actor)).id,
  });
  const stopTelling = tellOfRollouts(modules.events, rollouts, analysis, { webhooks, log });
  const close = (): Promise<void> => {
    ending.abort();
    return rollouts.close();
  };
  return { groups, analysis, rollouts: { ...rollouts, close }, experiments, stopTelling };
}

/** Wires the modules to each other. */
export async function openModules(ports: ModulePorts): Promise<Modules> {
  const { config, clock, ids, log, directory, certificates, publicUrl } = ports;
  const { db } = ports.database;
  const events = createEventBus();
  const keyring = await createKeyring({
    ...{ db, clock, ids, directory: join(directory, 'keys'), authorities: certificates.rotation, vault: ports.vault },
  });
  const place = { directory, address: config.blobStore, environment: storeEnvironment(), owner: keyring.fleetId };
  const blobs = await openBlobStore(place, { clock, ids });
  const profiles = loadProfiles();
  const devices = createDevices({ db, clock, events, log });
  const builder = builderOf(config);
  const builds = await createBuilds({
    ...{ db, blobs, builder, keyring, clock, ids, events, log, directory, concurrency: config.buildConcurrency },
    methods: config.buildMethods,
    onBuilt: (digest) => desiredStates.artefactsAdded(digest),
  });
  const models = createModels({ db, blobs, builder, builds, keyring, clock, events, directory });
  const pipelines = createPipelines({ db, blobs, models, keyring, clock, events });
  const releases = createReleases({ db, blobs, models, pipelines, keyring, clock, events, countDevices: () => countByRelease(db) });
  const byName = new Map(profiles.map((profile) => [profile.name, profile]));
  const desiredStates = createDesiredStates({
    ...{ db, clock, events, log, keyring, devices, models, releases },
    profiles: byName,
    telemetryWindowMs: config.telemetryWindowMs,
    traceRatio: config.traceRatio,
    ...{ coming: comingReleases, follow: followDesired },
  });
  const commands = createCommands({ db, clock, ids, keyring, events, log });
  const traces = openTraces(config, log);
  const taps = createTaps({ commands, clock, ids });
  const agentBuilds = createAgentBuilds({ db, blobs, keyring, clock });
  const captures = createCaptures({ db, clock, blobs, commands, devices, releases });
  const grants = createCommandGrants({ models, blobs, agentBuilds, captures });
  const measuring = createMeasuring({
    ...{ db, models, releases, commands, grants, clock, events, log },
    profiles: byName,
    isMine: () => ports.has('measuring'),
    settings: measuringSettings(config),
  });
  const parts = { events, blobs, models, pipelines, releases, desiredStates, byName };
  const { groups, analysis, rollouts, experiments, stopTelling } = await openRollouts(ports, parts);
  const secret = await readSecret(join(directory, 'keys', 'session-secret'), ids);
  const accounts = createAccounts({ db, clock, ids, secret, publicUrl: ports.localUrl, trustedOrigins: ports.trustedOrigins });
  const batches = createCommandBatches({ ...{ db, clock, ids, events, log, commands, grants }, where: groups.where });
  const operators = openOperators(ports, { accounts, batches, commands, devices, events, grants, where: groups.where });
  return {
    ...{ blobs, builds, commands, desiredStates, devices, events, grants, keyring, measuring, models, pipelines, releases, rollouts },
    ...{ captures, experiments, feedback: createFeedback({ db, clock }) },
    ...openTelemetry(config, { database: ports.database, clock, log, events, project: keepAll, stored: traces?.add }),
    bulk: createDeviceBulk({ db, clock, events }),
    simulated: createSimulatedRemoval({
      ...{ db, clock, events },
      forget: [forgetDesired, forgetCommands, forgetTelemetry, forgetMeasurements, forgetMembers, forgetFigures, forgetFeedback],
    }),
    ...{ accounts, agentBuilds, analysis, batches, groups, operators, taps },
    measurements: createMeasurements({ db, clock }),
    access: createDeviceAccess({
      ...{ db, clock, ids, keyring, events },
      nonces: noncesOf(ports, secret),
      matchProfile: (capabilities) => matchProfile(capabilities, profiles),
    }),
    claimTokens: createClaimTokens({ db, clock, ids, keyring, publicUrl, authorityDigest: certificates.authorityDigest }),
    packages: createPackages({ directory: join(directory, 'packages'), keyring, log, publicUrl, authority: certificates.authority }),
    uploads: await createUploads({ db, clock, blobs, ids, directory, weightsBytesMaximum: config.weightsMebibytes * MEBIBYTE }),
    async close() {
      operators.relay.close();
      taps.close();
      stopTelling();
      await experiments.close();
      await rollouts.close();
      await traces?.close();
      await measuring.close();
      await builds.close();
      await desiredStates.close();
      await devices.close();
    },
  };
}

function builderOf(config: FleetConfig): ReturnType<typeof createBuilder> {
  return createBuilder({
    memoryBytes: config.buildMemoryMebibytes * MEBIBYTE,
    fileBytesMaximum: config.modelFileMebibytes * MEBIBYTE,
  });
}

function openTraces({ otlpEndpoint: endpoint, otlpHeaders: headers }: FleetConfig, log: Log) {
  return endpoint === undefined ? undefined : createTraceExport({ endpoint, headers, version: FLEET_VERSION, log });
}

function noncesOf({ database: { db }, clock, ids, isShared }: ModulePorts, secret: string): Nonces {
  return isShared ? createSharedNonces({ db, clock, ids, secret }) : createNonces({ clock, ids });
}

/** What modules keep of telemetry, in the transaction that stores it. */
const keepAll: NonNullable<Parameters<typeof openTelemetry>[1]['project']> = async (tx, rows) => {
  await keepMeasurements(tx, rows);
  await keepExperiments(tx, rows);
};

type OperatorParts = Pick<Modules, 'accounts' | 'batches' | 'commands' | 'devices' | 'events' | 'grants'> & Pick<Groups, 'where'>;

/** What people's own MQTT tools meet. */
function openOperators({ database: { db }, clock, log, has }: ModulePorts, { accounts, ...parts }: OperatorParts): Modules['operators'] {
  const own = createOperatorAccounts({ db, clock, accounts, where: parts.where });
  const limit = createRateLimit(OPERATOR_RATE);
  return {
    accounts: own,
    relay: createOperatorRelay({
      ...{ db, clock, log, ...parts, accounts: own, mayAsk: (account) => limit.take(account), isMine: () => has('operators') },
    }),
  };
}

function pricesOf(profiles: readonly DeviceProfile[]): ProfilePrice[] {
  return profiles.flatMap(({ name, pricePerHourUsd, referenceCores }) =>
    pricePerHourUsd === undefined ? [] : [{ profile: name, usdPerHour: pricePerHourUsd.value, referenceCores: referenceCores ?? null }],
  );
}

function measuringSettings(config: FleetConfig): MeasuringSettings {
  return {
    devicesPerProfile: config.measureDevicesPerProfile,
    bytesPerDay: config.measureMebibytesPerDay * 1024 ** 2,
    loadShare: config.measureLoadShare,
    idleShare: config.measureIdleShare,
    againMs: config.measureAgainDays * 86_400_000,
  };
}
