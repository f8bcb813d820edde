import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { messageOf, type Settings } from '@starling/shared';
import { createApi } from './api/index.ts';
import { type BlobStore, collectGarbage } from './blobs/index.ts';
import { brokerAddresses } from './broker-addresses.ts';
import type { FleetConfig } from './config.ts';
import { claimDataDirectory } from './data-directory.ts';
import { openDatabase } from './db/index.ts';
import { openDeviceLink } from './device-link.ts';
import { openListeners } from './listeners.ts';
import { type Modules, openModules } from './modules.ts';
import { createOrigins } from './origins.ts';
import { serveDashboard, serveRunPage } from './pages/index.ts';
import type { Clock, Ids, Log } from './ports.ts';
import { reachableUrls } from './reachable-urls.ts';
import { openCertificates } from './tls/index.ts';
import { FLEET_VERSION } from './version.ts';

/** A running fleet. */
export interface Fleet {
  addresses: Settings['addresses'];
  publicUrl: string;
  dataDirectory: string;
  /** One-time password of the first admin, at the first start only. */
  firstLogin: { email: string; password: string } | undefined;
  hasRoot(): boolean;
  /** The HTTP surface, for tests that need no socket. */
  api: OpenAPIHono<never>;
  blobs: BlobStore;
  close(): Promise<void>;
}

export interface FleetPorts {
  clock: Clock;
  ids: Ids;
  log: Log;
}

/** Commands for many devices go on this often. */
const BATCH_PASS_MS = 1000;
/** Expiry of commands is looked after this often. */
const HOUSEKEEPING_MS = 30_000;
/** What is old is dropped this often: an embedded database that grows past its budget is seen soon. */
const RETENTION_MS = 300_000;
const GARBAGE_INTERVAL_MS = 6 * 3_600_000;

/**
 * Wires all modules to each other and to their ports. The only file that knows them all.
 * @throws StarlingError `data-directory-in-use`, `port-taken`, `database-unreachable`, `bad-certificate`
 */
export async function startFleet(config: FleetConfig, { clock, ids, log }: FleetPorts): Promise<Fleet> {
  const claim = await claimDataDirectory(config.dataDirectory);
  const closers: (() => Promise<void>)[] = [() => claim.release()];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse())
      await closer().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'closing'));
  };
  try {
    return await wire(config, { clock, ids, log }, claim.path, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function wire(
  config: FleetConfig,
  { clock, ids, log }: FleetPorts,
  directory: string,
  closers: (() => Promise<void>)[],
  close: () => Promise<void>,
): Promise<Fleet> {
  const names = config.names.split(',').filter((name) => name !== '');
  const given =
    config.tlsCertificate !== undefined && config.tlsKey !== undefined
      ? { certificate: config.tlsCertificate, key: config.tlsKey }
      : undefined;
  const certificates = await openCertificates({ directory, clock, ids, names, given });
  const database = await openDatabase({ url: config.databaseUrl, directory: join(directory, 'database') });
  closers.push(() => database.close());
  // Servers first: a taken port ends the start before anything is changed, and the addresses are part of what follows.
  const listeners = await openListeners(config, certificates);
  closers.push(listeners.close);
  const publicUrl = config.publicUrl ?? `https://${names[0] ?? hostname()}:${listeners.httpsPort}`;
  const localUrl = `http://localhost:${listeners.httpPort}`;
  const trustedOrigins = ownOrigins(publicUrl, listeners);

  const modules = await openModules({
    ...{ config, clock, ids, log, database, directory, certificates, publicUrl, localUrl, trustedOrigins },
  });
  closers.push(() => modules.close());
  const { broker, topics } = await openDeviceLink(config.topicRoot, modules, log);
  closers.push(() => broker.close());
  const mqttPort = await broker.listenTcp(config.mqttPort, config.insecure ? config.host : '127.0.0.1');
  const mqttsPort = await broker.listenTls(config.mqttsPort, config.host, { key: certificates.key, cert: certificates.certificate });
  const host = new URL(publicUrl).hostname;
  const addresses: Settings['addresses'] = {
    ...{ http: localUrl, https: `https://${host}:${listeners.httpsPort}`, mqtt: `mqtt://127.0.0.1:${mqttPort}` },
    ...{ mqtts: `mqtts://${host}:${mqttsPort}`, wss: `wss://${host}:${listeners.httpsPort}/mqtt` },
  };
  const brokerUrls = brokerAddresses({ publicUrl, httpsPort: listeners.httpsPort, mqttsPort });
  const origins = createOrigins(trustedOrigins, config.browserOrigins);
  const api = createApi({
    ...modules,
    ...{ db: database.db, clock, directory, log, origins, publicUrl, brokerUrls },
    browserBrokers: brokerUrls(new URL(publicUrl)).filter((address) => address.startsWith('wss:')),
    ...{ version: FLEET_VERSION, databaseKind: database.kind, topicRoot: topics.root },
    ...{ authorityDigest: certificates.authorityDigest, authority: certificates.authority },
    addresses: () => addresses,
    reachableUrls: reachableUrls(
      { ...config, publicUrl, isGiven: config.publicUrl !== undefined, httpsPort: listeners.httpsPort },
      networkInterfaces(),
    ),
    disconnect: (device) => broker.disconnect(device),
    isConnected: (device) => broker.isConnected(device),
  });
  serveRunPage(api);
  serveDashboard(api);
  listeners.serve(api, origins, (socket, address) => broker.accept(socket, address));

  const password = await modules.accounts.bootstrap(config.adminEmail);
  await startWork(modules);
  closers.push(startHousekeeping(modules, directory, { clock, log }));
  return {
    addresses,
    publicUrl,
    dataDirectory: directory,
    firstLogin: password === undefined ? undefined : { email: config.adminEmail, password },
    hasRoot: () => modules.keyring.hasRoot(),
    api: api as unknown as OpenAPIHono<never>,
    blobs: modules.blobs,
    close,
  };
}

/** Starts what works by itself, once everything can be reached. */
async function startWork({ devices, builds, measuring, rollouts }: Modules): Promise<void> {
  await devices.start();
  await builds.start();
  measuring.start();
  await rollouts.start();
}

/** Where our own pages come from. */
function ownOrigins(publicUrl: string, { httpPort, httpsPort }: { httpPort: number; httpsPort: number }): string[] {
  const plain = [`http://localhost:${httpPort}`, `http://127.0.0.1:${httpPort}`];
  return [...plain, publicUrl, `https://${new URL(publicUrl).hostname}:${httpsPort}`, `https://localhost:${httpsPort}`];
}

/** Expires, retains and collects until it is stopped. */
function startHousekeeping(modules: Modules, directory: string, { clock, log }: { clock: Clock; log: Log }): () => Promise<void> {
  const { batches, blobs, builds, commands, ingest, models, pipelines, releases, retention } = modules;
  const housekeeping = setInterval(() => {
    commands.expire().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'housekeeping'));
  }, HOUSEKEEPING_MS);
  let retentionPass: Promise<void> | undefined;
  const retain = (): void => {
    retentionPass ??= retention
      .pass()
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'retention of telemetry'))
      .finally(() => {
        retentionPass = undefined;
      });
  };
  const retentions = setInterval(retain, RETENTION_MS);
  retain();
  const references = async (): Promise<Set<string>> =>
    new Set([
      ...(await models.references()),
      ...(await builds.references()),
      ...(await pipelines.references()),
      ...(await releases.references()),
    ]);
  let passing: Promise<void> | undefined;
  const passes = setInterval(() => {
    passing ??= batches
      .pass()
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'commands for many devices'))
      .finally(() => {
        passing = undefined;
      });
  }, BATCH_PASS_MS);
  const garbage = setInterval(() => {
    collectGarbage(blobs, directory, references, clock).catch((error: unknown) =>
      log.warn({ error: messageOf(error) }, 'garbage collection'),
    );
  }, GARBAGE_INTERVAL_MS);
  return async () => {
    clearInterval(housekeeping);
    clearInterval(passes);
    await passing;
    clearInterval(garbage);
    clearInterval(retentions);
    await retentionPass;
    await ingest.idle();
  };
}
