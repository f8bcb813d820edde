import { api, operatorVersions, type ResponseOf, type Settings } from '@starling/shared';
import { sql } from 'drizzle-orm';
import type { BlobStore } from '../blobs/index.ts';
import type { Database } from '../db/index.ts';
import type { Devices } from '../devices/index.ts';
import type { Measuring } from '../measuring/index.ts';
import type { Models } from '../models/index.ts';
import type { Pipelines } from '../pipelines/index.ts';
import type { Releases } from '../releases/index.ts';
import type { TelemetryQueries } from '../telemetry/index.ts';
import type { Keyring } from '../trust/index.ts';
import { type ApiApp, route } from './route.ts';

export interface FleetPorts {
  db: Database;
  version: string;
  databaseKind: string;
  publicUrl: string;
  addresses(): Settings['addresses'];
  processes(): Promise<ResponseOf<typeof api.listProcesses>>;
  reachableUrls: readonly string[];
  authorityDigest: string | undefined;
  blobs: BlobStore;
  keyring: Keyring;
  devices: Devices;
  measuring: Measuring;
  models: Models;
  pipelines: Pipelines;
  releases: Releases;
  telemetry: TelemetryQueries;
}

const one = { limit: 1, offset: 0 };

export function fleetRoutes(app: ApiApp, ports: FleetPorts): void {
  const { db, keyring, devices, models, pipelines, releases, telemetry, blobs } = ports;
  route(app, api.health, async () => {
    await db.execute(sql`select 1`);
    return { status: 'ok' as const };
  });
  route(app, api.overview, async () => {
    const hour = await telemetry.fleetHour();
    const names = new Map<string, string>();
    for (const { device } of hour.drifted) names.set(device, (await devices.find(device).catch(() => undefined))?.name ?? device);
    return {
      fleetId: keyring.fleetId,
      version: ports.version,
      devices: await devices.counts(),
      models: (await models.list(one)).total,
      pipelines: (await pipelines.list(one)).total,
      releases: (await releases.list(one)).total,
      inference: { itemsLastHour: hour.items, latencyMsP50: hour.latencyMsP50, latencyMsP95: hour.latencyMsP95 },
      energy: { joulesLastHour: hour.joules, measuredShare: hour.measuredShare },
      drifted: hour.drifted.map((each) => ({ ...each, name: names.get(each.device) ?? each.device })),
      driftedDevices: hour.driftedDevices,
    };
  });
  route(app, api.fleetMap, ({ query }) => devices.map(query));
  route(app, api.listProcesses, () => ports.processes());
  route(app, api.settings, async () => {
    const root = keyring.hasRoot() ? keyring.root() : null;
    return {
      fleetId: keyring.fleetId,
      publicUrl: ports.publicUrl,
      addresses: ports.addresses(),
      reachableUrls: [...ports.reachableUrls],
      certificateDigest: ports.authorityDigest ?? null,
      database: ports.databaseKind,
      demoKeys: root?.demo ?? false,
      root,
      rootDigest: keyring.hasRoot() ? keyring.signedRoot().digest : null,
      operators: { ...operatorVersions },
      blobs: await blobs.totals(),
      measuring: ports.measuring.settings,
    };
  });
}
