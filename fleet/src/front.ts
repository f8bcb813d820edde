import { networkInterfaces } from 'node:os';
import type { Settings } from '@starling/shared';
import { brokerAccessRoutes, createApi, type OperatorLink } from './api/index.ts';
import { createAskedByBroker } from './broker/index.ts';
import { type BrokerDoors, doorsElsewhere, openDoors } from './broker-doors.ts';
import type { Cluster } from './cluster.ts';
import type { FleetConfig } from './config.ts';
import type { OpenDatabase } from './db/index.ts';
import type { DeviceLink } from './device-link.ts';
import type { ExternalBrokerSettings } from './external-broker.ts';
import type { Listeners } from './listeners.ts';
import type { Modules } from './modules.ts';
import { createOrigins } from './origins.ts';
import { serveDashboard, serveRunPage } from './pages/index.ts';
import type { Clock, Log } from './ports.ts';
import { reachableUrls } from './reachable-urls.ts';
import type { Certificates } from './tls/index.ts';
import { FLEET_VERSION } from './version.ts';

export interface FrontParts {
  config: FleetConfig;
  external: ExternalBrokerSettings | undefined;
  clock: Clock;
  log: Log;
  directory: string;
  database: OpenDatabase;
  certificates: Certificates;
  listeners: Listeners;
  publicUrl: string;
  localUrl: string;
  trustedOrigins: readonly string[];
  modules: Modules;
  link: DeviceLink;
  shares: Cluster['shares'];
}

/** Opens the doors of the broker, and answers HTTP from now on: the API, the pages, and what a broker asks. */
export async function openFront(parts: FrontParts): Promise<{ addresses: Settings['addresses']; api: ReturnType<typeof createApi> }> {
  const { config, external, clock, log, directory, database, certificates, listeners, publicUrl, localUrl, modules, link } = parts;
  const { broker, topics } = link;
  const doors = await openBrokerDoors(parts);
  const https = `https://${new URL(publicUrl).hostname}:${listeners.httpsPort}`;
  const addresses: Settings['addresses'] = { http: localUrl, https, ...doors.addresses };
  const { brokerUrls } = doors;
  const origins = createOrigins(parts.trustedOrigins, config.browserOrigins);
  const api = createApi({
    ...modules,
    ...{ db: database.db, clock, directory, log, origins, publicUrl, brokerUrls },
    browserBrokers: brokerUrls(new URL(publicUrl)).filter((address) => address.startsWith('wss:')),
    ...{ version: FLEET_VERSION, databaseKind: database.kind, topicRootOf: topics.rootOf },
    ...{ authorityDigest: certificates.authorityDigest, authority: certificates.authority, rotation: certificates.rotation },
    addresses: () => addresses,
    processes: async () => ({ ...(await parts.shares()), broker: link.kind }),
    reachableUrls: reachableUrls(
      { ...config, publicUrl, isGiven: config.publicUrl !== undefined, httpsPort: listeners.httpsPort },
      networkInterfaces(),
    ),
    disconnect: (device) => broker.disconnect(device),
    operatorLink: { topicRoot: topics.root, ...operatorDoor(link) },
    isConnected: (device) => broker.isConnected(device),
  });
  serveRunPage(api);
  serveDashboard(api);
  if (external?.secret !== undefined && link.kind === 'external') {
    const { checkPassword } = modules.access;
    const { checkPassword: checkOperator } = modules.operators.accounts;
    const asked = createAskedByBroker({ topics: link.topics, fleet: external, checkPassword, checkOperator });
    api.route('/broker-access', brokerAccessRoutes({ asked, secret: external.secret }));
  }
  listeners.serve(api, origins, link.kind === 'embedded' ? (socket, address) => link.broker.accept(socket, address) : undefined);
  return { addresses, api };
}

/** The embedded broker asks us at each login, and has nothing to be told. */
function operatorDoor({ kind, broker }: DeviceLink): Omit<OperatorLink, 'topicRoot'> {
  return kind === 'external' ? broker.operators : { admit: async () => undefined, disconnect: broker.operators.disconnect };
}

async function openBrokerDoors({ link, config, certificates, publicUrl, listeners, external }: FrontParts): Promise<BrokerDoors> {
  const places = { publicUrl, host: new URL(publicUrl).hostname, httpsPort: listeners.httpsPort };
  return link.kind === 'embedded'
    ? openDoors(link.broker, config, certificates, places)
    : doorsElsewhere(config.brokerUrl ?? '', external?.publicUrls ?? []);
}
