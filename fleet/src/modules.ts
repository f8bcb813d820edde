import { join } from 'node:path';
import { loadProfiles, matchProfile } from '@starling/device-profiles';
import type { MeasuringSettings } from '@starling/shared';
import { createBuilder } from './artefacts/index.ts';
import { type Accounts, createAccounts } from './auth/index.ts';
import { type BlobStore, openDiskStore } from './blobs/index.ts';
import { type Builds, createBuilds } from './builds/index.ts';
import { type CommandGrants, type Commands, createCommandGrants, createCommands } from './commands/index.ts';
import type { FleetConfig } from './config.ts';
import type { OpenDatabase } from './db/index.ts';
import { countByRelease, createDesiredStates, type DesiredStates } from './desired-state/index.ts';
import {
  type ClaimTokens,
  createClaimTokens,
  createDeviceAccess,
  createDevices,
  type DeviceAccess,
  type Devices,
} from './devices/index.ts';
import { createEventBus } from './events.ts';
import { createMeasurements, keepMeasurements, type Measurements } from './measurements/index.ts';
import { createMeasuring, type Measuring } from './measuring/index.ts';
import { createModels, createUploads, type Models, type Uploads } from './models/index.ts';
import { createPackages, type Packages } from './packages/index.ts';
import { createPipelines, type Pipelines } from './pipelines/index.ts';
import type { Clock, EventBus, Ids, Log } from './ports.ts';
import { createReleases, type Releases } from './releases/index.ts';
import { readSecret } from './secret.ts';
import { createTaps, type Taps } from './taps/index.ts';
import { createIngest, createTelemetryQueries, type Ingest, type TelemetryQueries } from './telemetry/index.ts';
import type { Certificates } from './tls/index.ts';
import { createTraceExport } from './traces/index.ts';
import { createKeyring, type Keyring } from './trust/index.ts';
import { FLEET_VERSION } from './version.ts';

const MEBIBYTE = 1024 ** 2;

/** All that knows the database: everything of the fleet but its sockets. */
export interface Modules {
  accounts: Accounts;
  access: DeviceAccess;
  blobs: BlobStore;
  builds: Builds;
  claimTokens: ClaimTokens;
  commands: Commands;
  grants: CommandGrants;
  desiredStates: DesiredStates;
  devices: Devices;
  events: EventBus;
  ingest: Ingest;
  keyring: Keyring;
  measurements: Measurements;
  measuring: Measuring;
  models: Models;
  packages: Packages;
  pipelines: Pipelines;
  releases: Releases;
  taps: Taps;
  telemetry: TelemetryQueries;
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
}

/** Wires the modules to each other. */
export async function openModules(ports: ModulePorts): Promise<Modules> {
  const { config, clock, ids, log, directory, certificates, publicUrl } = ports;
  const { db } = ports.database;
  const events = createEventBus();
  const blobs = await openDiskStore(join(directory, 'blobs'), { clock, ids });
  const keyring = await createKeyring({ db, clock, ids, directory: join(directory, 'keys') });
  const profiles = loadProfiles();
  const devices = createDevices({ db, clock, events, log });
  const builder = createBuilder({
    memoryBytes: config.buildMemoryMebibytes * MEBIBYTE,
    fileBytesMaximum: config.modelFileMebibytes * MEBIBYTE,
  });
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
  });
  const commands = createCommands({ db, clock, ids, keyring, events, log });
  const traces =
    config.otlpEndpoint === undefined
      ? undefined
      : createTraceExport({ endpoint: config.otlpEndpoint, headers: config.otlpHeaders, version: FLEET_VERSION, log });
  const taps = createTaps({ commands, clock, ids });
  const grants = createCommandGrants({ models, blobs });
  const measuring = createMeasuring({
    ...{ db, models, releases, commands, grants, clock, events, log },
    profiles: byName,
    settings: measuringSettings(config),
  });
  const secret = await readSecret(join(directory, 'keys', 'session-secret'), ids);
  return {
    ...{ blobs, builds, commands, desiredStates, devices, events, grants, keyring, measuring, models, pipelines, releases },
    ingest: createIngest({ db, clock, events, log, project: keepMeasurements, stored: traces?.add }),
    taps,
    measurements: createMeasurements({ db, clock }),
    telemetry: createTelemetryQueries({ db, clock }),
    access: createDeviceAccess({
      ...{ db, clock, ids, keyring, events },
      matchProfile: (capabilities) => matchProfile(capabilities, profiles),
    }),
    accounts: createAccounts({ db, clock, ids, secret, publicUrl: ports.localUrl, trustedOrigins: ports.trustedOrigins }),
    claimTokens: createClaimTokens({ db, clock, ids, keyring, publicUrl, authorityDigest: certificates.authorityDigest }),
    packages: createPackages({ directory: join(directory, 'packages'), keyring, log, publicUrl, authority: certificates.authority }),
    uploads: await createUploads({ db, clock, blobs, ids, directory, weightsBytesMaximum: config.weightsMebibytes * MEBIBYTE }),
    async close() {
      taps.close();
      await traces?.close();
      await measuring.close();
      await desiredStates.close();
      await builds.close();
      await devices.close();
    },
  };
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
