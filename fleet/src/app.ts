import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { loadProfiles, matchProfile } from '@starling/device-profiles';
import { createTopics, messageOf, type Settings } from '@starling/shared';
import { WebSocketServer } from 'ws';
import { createApi } from './api/index.ts';
import { createBuilder } from './artefacts/index.ts';
import { createAccounts } from './auth/index.ts';
import { type BlobStore, collectGarbage, createChunkServer, openDiskStore } from './blobs/index.ts';
import { createBroker, createInbound, listenOn } from './broker/index.ts';
import { createCommands } from './commands/index.ts';
import type { FleetConfig } from './config.ts';
import { claimDataDirectory } from './data-directory.ts';
import { openDatabase } from './db/index.ts';
import { countByRelease, createDesiredStates } from './desired-state/index.ts';
import { createClaimTokens, createDeviceAccess, createDevices } from './devices/index.ts';
import { createEventBus } from './events.ts';
import { createModels, createUploads } from './models/index.ts';
import { createPackages } from './packages/index.ts';
import { createPipelines } from './pipelines/index.ts';
import type { Clock, Ids, Log } from './ports.ts';
import { createReleases } from './releases/index.ts';
import { readSecret } from './secret.ts';
import { serveDashboard } from './serve-dashboard.ts';
import { createIngest, createTelemetryQueries } from './telemetry/index.ts';
import { openCertificates } from './tls/index.ts';
import { createKeyring } from './trust/index.ts';
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

/** Telemetry retention and expiry of commands are looked after this often. */
const HOUSEKEEPING_MS = 30_000;
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
  const { db } = database;
  const events = createEventBus();
  const topics = createTopics(config.topicRoot);
  const blobs = await openDiskStore(join(directory, 'blobs'), { clock, ids });
  const keyring = await createKeyring({ db, clock, ids, directory: join(directory, 'keys') });
  const profiles = loadProfiles();
  const profileMap = new Map(profiles.map((profile) => [profile.name, profile]));

  // Servers first: a taken port ends the start before anything is changed, and the addresses are part of what follows.
  const listeners = await openListeners(config, certificates);
  closers.push(listeners.close);
  const publicUrl = config.publicUrl ?? `https://${names[0] ?? hostname()}:${listeners.httpsPort}`;

  const devices = createDevices({ db, clock, events, log });
  closers.push(() => devices.close());
  const modelPorts = { db, blobs, builder: createBuilder(), keyring, clock, ids, events, log, directory };
  const models = createModels({ ...modelPorts, onBuilt: (digest) => desiredStates.chooseAgain(digest) });
  closers.push(() => models.close());
  const pipelines = createPipelines({ db, blobs, models, keyring, clock, events });
  const releases = createReleases({ db, blobs, models, pipelines, keyring, clock, events, countDevices: () => countByRelease(db) });
  const telemetryWindowMs = config.telemetryWindowMs;
  const desiredStates = createDesiredStates({
    db,
    clock,
    log,
    keyring,
    devices,
    models,
    releases,
    profiles: profileMap,
    telemetryWindowMs,
  });
  const commands = createCommands({ db, clock, ids, keyring, events, log });
  const ingest = createIngest({ db, clock, events, log });
  const telemetry = createTelemetryQueries({ db, clock });
  const access = createDeviceAccess({
    db,
    clock,
    ids,
    keyring,
    events,
    matchProfile: (capabilities) => matchProfile(capabilities, profiles),
  });

  const broker = await createBroker({
    topics,
    log,
    checkPassword: (device, password) => access.checkPassword(device, password),
    onMessage: (device, topic, payload) => void inbound.receive(device, topic, payload),
    onConnected: (device) => devices.seen(device, true),
    onDisconnected: (device) => {
      chunks.forget(device);
      devices.seen(device, false);
    },
  });
  closers.push(() => broker.close());
  const chunks = createChunkServer({
    store: blobs,
    isReachable: async (device, digest) => (await desiredStates.reaches(device, digest)) || (await commands.reaches(device, digest)),
    send: async (device, frame) => void (await broker.send(device, topics.build('blobChunk', { device }), frame, 0)),
  });
  const send = (device: string, topic: string, payload: Uint8Array, qos: 0 | 1): Promise<boolean> =>
    broker.send(device, topic, payload, qos);
  const inbound = createInbound({
    topics,
    log,
    events,
    devices,
    desiredStates,
    commands,
    ingest,
    chunks,
    send,
    nowMs: () => clock.nowMs(),
  });
  commands.onSend((device, name, jws) => broker.send(device, topics.build('command', { device, name }), new TextEncoder().encode(jws), 1));
  desiredStates.onChange((device) => {
    pushDesired(device).catch((error: unknown) =>
      log.warn({ device, error: messageOf(error) }, 'a desired state was not sent; the next hello gets it'),
    );
  });
  const pushDesired = async (device: string): Promise<void> => {
    const signed = broker.isConnected(device) ? await desiredStates.signed(device) : undefined;
    if (signed !== undefined) await broker.send(device, topics.build('desired', { device }), new TextEncoder().encode(signed), 1);
  };

  const plainHost = config.insecure ? config.host : '127.0.0.1';
  const mqttPort = await broker.listenTcp(config.mqttPort, plainHost);
  const mqttsPort = await broker.listenTls(config.mqttsPort, config.host, { key: certificates.key, cert: certificates.certificate });
  const host = new URL(publicUrl).hostname;
  const addresses: Settings['addresses'] = {
    http: `http://localhost:${listeners.httpPort}`,
    https: `https://${host}:${listeners.httpsPort}`,
    mqtt: `mqtt://127.0.0.1:${mqttPort}`,
    mqtts: `mqtts://${host}:${mqttsPort}`,
    wss: `wss://${host}:${listeners.httpsPort}/mqtt`,
  };
  const trustedOrigins = [
    addresses.http,
    `http://127.0.0.1:${listeners.httpPort}`,
    addresses.https,
    publicUrl,
    `https://localhost:${listeners.httpsPort}`,
  ];
  const secret = await readSecret(join(directory, 'keys', 'session-secret'), ids);
  const accounts = createAccounts({ db, clock, ids, secret, publicUrl: addresses.http, trustedOrigins });
  const claimTokens = createClaimTokens({ db, clock, ids, keyring, publicUrl, authorityDigest: certificates.authorityDigest });
  const packages = createPackages({ directory: join(directory, 'packages'), keyring, clock, log, publicUrl });
  const uploads = await createUploads({ blobs, ids, directory });
  const api = createApi({
    ...{
      db,
      log,
      events,
      accounts,
      models,
      uploads,
      pipelines,
      releases,
      devices,
      desiredStates,
      commands,
      claimTokens,
      blobs,
      access,
      keyring,
      telemetry,
    },
    trustedOrigins,
    version: FLEET_VERSION,
    databaseKind: database.kind,
    publicUrl,
    addresses: () => addresses,
    authorityDigest: certificates.authorityDigest,
    authority: certificates.authority,
    brokerUrls: () => [addresses.mqtts, addresses.wss],
    topicRoot: topics.root,
    disconnect: (device) => broker.disconnect(device),
    isConnected: (device) => broker.isConnected(device),
    installCommand: (token) => packages.installCommand(token, certificates),
  });
  serveDashboard(api);
  listeners.serve(api, (socket) => broker.accept(socket));

  const password = await accounts.bootstrap(config.adminEmail);
  await devices.start();
  await models.resumeBuilds();
  const housekeeping = setInterval(() => {
    Promise.all([commands.expire(), telemetry.retain()]).catch((error: unknown) => log.warn({ error: messageOf(error) }, 'housekeeping'));
  }, HOUSEKEEPING_MS);
  const garbage = setInterval(() => {
    const references = async (): Promise<Set<string>> =>
      new Set([...(await models.references()), ...(await pipelines.references()), ...(await releases.references())]);
    collectGarbage(blobs, directory, references, clock).catch((error: unknown) =>
      log.warn({ error: messageOf(error) }, 'garbage collection'),
    );
  }, GARBAGE_INTERVAL_MS);
  closers.push(async () => {
    clearInterval(housekeeping);
    clearInterval(garbage);
    await ingest.idle();
  });
  return {
    addresses,
    publicUrl,
    dataDirectory: directory,
    firstLogin: password === undefined ? undefined : { email: config.adminEmail, password },
    hasRoot: () => keyring.hasRoot(),
    api: api as unknown as OpenAPIHono<never>,
    blobs,
    close,
  };
}

interface Listeners {
  httpPort: number;
  httpsPort: number;
  serve(api: { fetch: Parameters<typeof getRequestListener>[0] }, onMqtt: (socket: import('ws').WebSocket) => void): void;
  close(): Promise<void>;
}

/** The HTTP and HTTPS servers, listening, answering nothing until `serve`. */
async function openListeners(config: FleetConfig, certificates: { key: string; certificate: string }): Promise<Listeners> {
  const http = createHttpServer();
  const https = createHttpsServer({ key: certificates.key, cert: certificates.certificate });
  const mqtt = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols) => (protocols.has('mqtt') ? 'mqtt' : false),
    maxPayload: 1024 * 1024,
  });
  const close = async (): Promise<void> => {
    for (const server of [http, https]) {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  };
  try {
    const httpPort = await listenOn(http, config.httpPort, config.insecure ? config.host : '127.0.0.1', 'httpPort');
    const httpsPort = await listenOn(https, config.httpsPort, config.host, 'httpsPort');
    return {
      httpPort,
      httpsPort,
      close,
      serve(api, onMqtt) {
        const listener = getRequestListener(api.fetch);
        for (const server of [http, https]) {
          server.on('request', listener);
          server.on('upgrade', (request, socket, head) => {
            if (new URL(request.url ?? '/', 'http://localhost').pathname !== '/mqtt') return void socket.destroy();
            mqtt.handleUpgrade(request, socket, head, onMqtt);
          });
        }
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
