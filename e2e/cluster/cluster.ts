/** A Postgres, a broker and a number -> that many processes of one fleet behind one address, real agents and simulated devices. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadProfiles } from '@starling/device-profiles';
import { type Crowd, capabilitiesOfProfile, defaultBehaviour, startCrowd } from '@starling/fleet/simulator';
import { type ApiClient, api, type PrivateKey, type ReleaseView, StarlingError } from '@starling/shared';
import { freePorts } from '../harness/free-ports.ts';
import { startKnownFleet } from '../harness/known-fleet.ts';
import { createOperator, type Operator } from '../harness/operator.ts';
import type { PostgresServer } from '../harness/postgres.ts';
import { type AgentProcess, type FleetProcess, startAgentProcess, startFleetProcess } from '../harness/processes.ts';
import { until } from '../harness/running-fleet.ts';
import { openBalancer } from './balancer.ts';
import { type ClusterBroker, FLEET_LOGIN } from './cluster-broker.ts';

export interface ClusterFleet {
  folder: string;
  /** Over the balancer: whichever process answers. */
  operator: Operator;
  client: ApiClient;
  baseUrl: string;
  /** Of whoever signed the releases. */
  token: string;
  keys: { root: PrivateKey; publisher: PrivateKey };
  /** Of one process. */
  clientOf(process: number): ApiClient;
  baseUrlOf(process: number): string;
  httpsPortOf(process: number): number;
  processes: readonly FleetProcess[];
  kill(process: number): Promise<void>;
  start(process: number): Promise<void>;
  /** Waits until this process hears so many shards. */
  untilHears(process: number, shards: number): Promise<void>;
  startAgent(name: string, release: ReleaseView): Promise<AgentProcess>;
  simulate(options: { devices: number; telemetryMs: number; release?: ReleaseView }): Promise<Crowd>;
  stop(): Promise<void>;
}

export interface ClusterOptions {
  processes: number;
  postgres: PostgresServer;
  /**
   * @param httpPort of loopback at which the fleet answers whatever a broker asks
   * @param dataDirectory of the first process, before it has started
   */
  startBroker(httpPort: number, dataDirectory: string): Promise<ClusterBroker>;
  flags?: Readonly<Record<string, string>>;
  /** Where one process finds the broker; by itself at the addresses that devices know. */
  wayToBroker?(process: number): string;
}

export async function startCluster({
  processes,
  postgres,
  startBroker,
  flags = {},
  wayToBroker,
}: ClusterOptions): Promise<ClusterFleet & { broker: ClusterBroker }> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-cluster-'));
  const [http = 0, https = 0, ...ports] = await freePorts(2 + 2 * processes);
  const httpPorts = ports.slice(0, processes);
  const httpsPorts = ports.slice(processes);
  const balancers = [await openBalancer(http, httpPorts), await openBalancer(https, httpsPorts)];
  const broker = await startBroker(http, join(folder, 'fleet-0'));
  const settings = broker.settings();
  const launch = (process: number): Promise<FleetProcess> =>
    startFleetProcess({
      dataDirectory: join(folder, `fleet-${process}`),
      flags: {
        ...{ 'http-port': `${httpPorts[process]}`, 'https-port': `${httpsPorts[process]}`, host: '127.0.0.1' },
        ...{ 'public-url': `https://127.0.0.1:${https}`, 'telemetry-window-ms': '1000', 'log-level': 'info' },
        ...{ 'database-url': postgres.url, 'blob-store': `file://${join(folder, 'blobs')}` },
        // The node that a process tries first differs: one that ends takes not all of them with it.
        'broker-url': wayToBroker?.(process) ?? [...broker.urls.slice(process), ...broker.urls.slice(0, process)].join(','),
        ...{ 'broker-public-urls': broker.urls.join(','), 'broker-username': FLEET_LOGIN.username, ...settings.flags, ...flags },
      },
      environment: {
        ...{ STARLING_BROKER_PASSWORD: FLEET_LOGIN.password, STARLING_CLUSTER_SECRET: 'secret-of-the-cluster-of-tests' },
        ...settings.environment,
      },
    });
  const known = await startKnownFleet({ launch: () => launch(0), dataDirectory: join(folder, 'fleet-0'), isElsewhere: true });
  const running = [known.process];
  for (let process = 1; process < processes; process += 1) running.push(await launch(process));
  const operatorAt = (baseUrl: string): Operator => createOperator({ baseUrl, token: known.token, keys: known.keys });
  const operator = operatorAt(`http://127.0.0.1:${http}`);
  const { client } = operator;
  const others: { stop(): Promise<unknown> }[] = [];
  const claim = async (uses: number, release?: ReleaseView, labels: Record<string, string> = {}): Promise<string> => {
    const { text } = await client.call(api.createClaimToken, {
      body: { name: 'cluster', uses, labels, ...(release === undefined ? {} : { release: release.digest }) },
    });
    return text;
  };

  return {
    ...{ folder, broker, operator, client, processes: running, baseUrl: `http://127.0.0.1:${http}` },
    ...{ token: known.token, keys: known.keys },
    httpsPortOf: (process) => httpsPorts[process] ?? 0,
    baseUrlOf: (process) => `http://127.0.0.1:${httpPorts[process]}`,
    clientOf: (process) => operatorAt(`http://127.0.0.1:${httpPorts[process]}`).client,
    kill: async (process) => running[process]?.kill(),
    async start(process) {
      running[process] = await launch(process);
    },
    async untilHears(process, shards) {
      const hears = (): string | undefined =>
        running[process]
          ?.output()
          .match(/"shards":\d+/g)
          ?.at(-1);
      await until(
        `process ${process} hears ${shards} shards`,
        () => hears() === `"shards":${shards}`,
        30_000,
        () => hears() ?? 'none',
      );
    },
    async startAgent(name, release) {
      const agent = await startAgentProcess({ dataDirectory: join(folder, name), token: await claim(1, release) });
      others.push({ stop: () => agent.kill() });
      return agent;
    },
    async simulate({ devices, telemetryMs, release }) {
      const profile = loadProfiles().find(({ name }) => name === 'raspberry-pi-5');
      if (profile === undefined) throw new StarlingError('not-found', 'there is no profile raspberry-pi-5');
      const claimToken = await claim(devices, release, { simulated: 'true' });
      const crowd = startCrowd({
        ...{ baseUrl: `http://127.0.0.1:${http}`, authority: undefined, capabilities: capabilitiesOfProfile(profile, ''), telemetryMs },
        ...{ secret: '5'.repeat(64), startsPerSecond: 50, processes: 1 },
        devices: Array.from({ length: devices }, (_, place) => ({ place, name: `sim-${place}`, claimToken })),
        behaviour: { ...defaultBehaviour, dropsPerHour: 0, slowShare: 0, timeFactor: 0.3 },
        facts: async (digest) => {
          const { name, document } = await client.call(api.showRelease, { params: { digest } });
          return { name, pipelines: [document.pipeline.name], models: document.models.length };
        },
      });
      others.push(crowd);
      return crowd;
    },
    async stop() {
      for (const each of others) await each.stop();
      await Promise.all(running.map((process) => process.kill()));
      await broker.stop();
      for (const balancer of balancers) await balancer.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
