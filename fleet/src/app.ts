import { hostname } from 'node:os';
import { join } from 'node:path';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { messageOf, type Settings } from '@starling/shared';
import type { BlobStore } from './blobs/index.ts';
import { createCluster } from './cluster.ts';
import type { FleetConfig } from './config.ts';
import { claimDataDirectory } from './data-directory.ts';
import { openDatabase } from './db/index.ts';
import { type DeviceLink, openDeviceLink } from './device-link.ts';
import type { LoginKeeper } from './ended-logins.ts';
import { readExternalBroker } from './external-broker.ts';
import { openFront } from './front.ts';
import { startHousekeeping } from './housekeeping.ts';
import { openListeners } from './listeners.ts';
import { type Modules, openModules } from './modules.ts';
import type { Clock, Ids, Log } from './ports.ts';
import { adoptSecrets, openVault, publishSecrets } from './shared-secrets/index.ts';
import { shownIn } from './shown-authorities.ts';
import { openCertificates } from './tls/index.ts';
import { newestRoot } from './trust/index.ts';

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

/**
 * Wires all modules to each other and to their ports. The only file that knows them all.
 * @throws StarlingError `data-directory-in-use`, `fleet-already-runs`, `port-taken`, `database-unreachable`, `broker-unreachable`,
 * `bad-certificate`, `wrong-cluster-secret`, `keys-of-another-fleet`
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
  const external = readExternalBroker(config);
  const processId = `${hostname()}.${process.pid}.${ids.next()}`;
  const database = await openDatabase({
    ...{ url: config.databaseUrl, directory: join(directory, 'database'), processes: external === undefined ? 'alone' : 'many' },
    onLost: (reason) => log.error({ reason }, 'this process may not serve its database any more'),
  });
  closers.push(() => database.close());
  const secrets = { db: database.db, clock, directory, clusterSecret: external?.clusterSecret ?? '' };
  if (external !== undefined) await adoptSecrets(secrets);
  const vault = external === undefined ? undefined : openVault(secrets);
  const shared = vault === undefined || external === undefined ? undefined : { vault, shown: shownIn(database.db, external) };
  // With several processes what follows lies in the vault, and has been adopted.
  const named = shared === undefined ? (await newestRoot(database.db))?.authorities : undefined;
  const certificates = await openCertificates({ directory, clock, ids, names, given, named, shared });
  // Servers first: a taken port ends the start before anything is changed, and the addresses are part of what follows.
  const listeners = await openListeners(config, certificates);
  closers.push(listeners.close);
  const publicUrl = config.publicUrl ?? `https://${names[0] ?? hostname()}:${listeners.httpsPort}`;
  const localUrl = `http://localhost:${listeners.httpPort}`;
  const trustedOrigins = ownOrigins(publicUrl, listeners);

  const cluster = createCluster({
    ...{ db: database.db, processId, log, isAlone: external === undefined, authority: certificates.authorityDigest },
  });
  const modules = await openModules({
    ...{ config, clock, ids, log, database, directory, certificates, publicUrl, localUrl, trustedOrigins, processId },
    ...{ isShared: external !== undefined, vault, has: cluster.has },
  });
  closers.push(() => modules.close());
  if (external !== undefined) await publishSecrets(secrets);
  const link = await openDeviceLink({ topicRoot: config.topicRoot, external, clock, log, ids, onResumed: cluster.resumed }, modules);
  closers.push(() => link.broker.close());
  const { addresses, api } = await openFront({
    ...{ config, external, clock, log, directory, database, certificates, listeners, publicUrl, localUrl, trustedOrigins, modules, link },
    shares: cluster.shares,
  });

  await database.started();
  if (link.kind === 'external') await link.broker.connect();
  await startWork(modules, { knowsSockets: link.kind === 'embedded' });
  if (link.kind === 'external') closers.push(await cluster.join({ link, modules, database }));
  closers.push(startHousekeeping(modules, { directory, clock, log, isMine: () => cluster.has('house'), keeper: keeperOf(link) }));
  // Last: the password is told once, and a start that ends before it is told would leave a fleet that nobody gets into.
  const password = await modules.accounts.bootstrap(config.adminEmail);
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
async function startWork(
  { devices, builds, measuring, operators, rollouts, experiments }: Modules,
  { knowsSockets }: { knowsSockets: boolean },
): Promise<void> {
  await devices.start({ knowsSockets });
  await builds.start();
  measuring.start();
  await operators.relay.start();
  await rollouts.start();
  experiments.start();
}

/** Where our own pages come from. */
function ownOrigins(publicUrl: string, { httpPort, httpsPort }: { httpPort: number; httpsPort: number }): string[] {
  const plain = [`http://localhost:${httpPort}`, `http://127.0.0.1:${httpPort}`];
  return [...plain, publicUrl, `https://${new URL(publicUrl).hostname}:${httpsPort}`, `https://localhost:${httpsPort}`];
}

function keeperOf({ kind, broker }: DeviceLink): LoginKeeper | undefined {
  if (kind === 'external') return broker.keeper;
  // Ours asks at each login, and a tool stays connected: its account may end meanwhile. Devices are cut off by what ends theirs.
  return {
    logins: async () => ({ devices: [], operators: broker.operators.connected() }),
    expelDevice: broker.disconnect,
    expelOperator: broker.operators.disconnect,
  };
}
