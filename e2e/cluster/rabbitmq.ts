/** Debian's RabbitMQ -> a cluster of nodes that speak MQTT and ask the fleet for logins, with ports, names and folders of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '../harness/config.ts';
import { freePorts } from '../harness/free-ports.ts';
import { until } from '../harness/running-fleet.ts';
import { type ClusterBroker, isListening } from './cluster-broker.ts';

/** The programs themselves: those on the path become another user, and know the folders of the service alone. */
const PROGRAMS = '/usr/lib/rabbitmq/bin';
/** Of Erlang, on which it runs: finds nodes by their names. */
const EPMD = '/usr/bin/epmd';
const SECRET = 'secret-of-the-brokers-of-tests';
const START_TIMEOUT_MS = 90_000;
/** Ports that were free when they were picked may be taken by the time that Erlang, which is slow to start, listens at them. */
const STARTS = 2;

interface Node {
  name: string;
  mqttPort: number;
  distributionPort: number;
  folder: string;
}

/**
 * @param nodes how many
 * @param fleetPort plain HTTP port of loopback at which the fleet answers what it is asked
 */
export async function startRabbitMq(nodes: number, fleetPort: number): Promise<ClusterBroker> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(nodes, fleetPort);
    } catch (error) {
      if (attempt === STARTS) throw error;
      console.warn('RabbitMQ did not start, and is started once more:', error);
    }
  }
}

async function startOnce(nodes: number, fleetPort: number): Promise<ClusterBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-rabbitmq-'));
  // An epmd of our own: one that a service of this machine has started knows other nodes, and outlives us.
  const [epmdPort = 0, ...ports] = await freePorts(1 + 2 * nodes);
  const all: Node[] = Array.from({ length: nodes }, (_, index) => ({
    name: `starling-${process.pid}-${index}@localhost`,
    mqttPort: ports[2 * index] ?? 0,
    distributionPort: ports[2 * index + 1] ?? 0,
    folder: join(folder, `node-${index}`),
  }));
  await writeFile(join(folder, '.erlang.cookie'), 'starling-test');
  await chmod(join(folder, '.erlang.cookie'), 0o400);
  await writeFile(join(folder, 'plugins'), '[rabbitmq_mqtt,rabbitmq_auth_backend_http].');
  const children = new Map<Node, ChildProcess>();
  const epmd = spawn(EPMD, ['-port', String(epmdPort)], { stdio: 'ignore' });

  // A test that fails before it has all of this leaves nothing behind: nodes have a group of their own, and would outlive it.
  const killOnExit = (): void => {
    for (const { pid, exitCode } of children.values()) if (pid !== undefined && exitCode === null) process.kill(-pid, 'SIGKILL');
    epmd.kill('SIGKILL');
  };
  process.once('exit', killOnExit);
  const start = async (node: Node): Promise<void> => {
    await mkdir(node.folder, { recursive: true });
    await writeFile(join(node.folder, 'rabbitmq.conf'), configurationOf(node, all, fleetPort));
    const printed = join(node.folder, 'printed');
    const output = await open(printed, 'w');
    const child = spawn(join(PROGRAMS, 'rabbitmq-server'), {
      env: childEnvironment(environmentOf(node, folder, epmdPort)),
      stdio: ['ignore', output.fd, output.fd],
      // The script has the node as a child: both are ended by their group.
      detached: true,
    });
    await output.close();
    children.set(node, child);
    const lastLines = async (): Promise<string> => (await readFile(printed, 'utf8')).slice(-2_000);
    await until(
      `${node.name} answers`,
      async () => {
        if (child.exitCode !== null) throw new Error(`${node.name} ended with ${child.exitCode}: ${await lastLines()}`);
        return isListening(node.mqttPort);
      },
      START_TIMEOUT_MS,
      lastLines,
    );
  };
  const kill = async (node: Node): Promise<void> => {
    const child = children.get(node);
    children.delete(node);
    if (child?.pid === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  };
  const stop = async (): Promise<void> => {
    process.off('exit', killOnExit);
    await Promise.all(all.map(kill));
    epmd.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const at = (index = 0): Node => all[index] as Node;
  try {
    await start(at());
    await Promise.all(all.slice(1).map(start));
    await untilClustered(all, folder, epmdPort);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name: `RabbitMQ (${nodes} nodes)`,
    urls: all.map(({ mqttPort }) => `mqtt://127.0.0.1:${mqttPort}`),
    settings: () => ({ flags: { 'broker-logins': 'http' }, environment: { STARLING_BROKER_SECRET: SECRET } }),
    kill: (index) => kill(at(index)),
    start: (index) => start(at(index)),
    stop,
  };
}

function environmentOf(node: Node, home: string, epmdPort: number): Record<string, string> {
  return {
    ...{ HOME: home, ERL_EPMD_PORT: String(epmdPort), RABBITMQ_NODENAME: node.name, RABBITMQ_DIST_PORT: String(node.distributionPort) },
    ...{ RABBITMQ_CONFIG_FILE: join(node.folder, 'rabbitmq.conf'), RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'plugins') },
    ...{ RABBITMQ_MNESIA_BASE: join(node.folder, 'data'), RABBITMQ_LOG_BASE: join(node.folder, 'log') },
    ...{ RABBITMQ_CONF_ENV_FILE: join(home, 'none'), RABBITMQ_PID_FILE: join(node.folder, 'pid'), RABBITMQ_SCHEDULER_BIND_TYPE: 'u' },
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none',
  };
}

function configurationOf(node: Node, all: readonly Node[], fleetPort: number): string {
  const asked = `http://127.0.0.1:${fleetPort}/broker-access/${SECRET}/rabbitmq`;
  return [
    'listeners.tcp = none',
    `mqtt.listeners.tcp.1 = 127.0.0.1:${node.mqttPort}`,
    'mqtt.allow_anonymous = false',
    'mqtt.prefetch = 1000',
    'auth_backends.1 = http',
    'auth_http.http_method = post',
    ...['user', 'vhost', 'resource', 'topic'].map((path) => `auth_http.${path}_path = ${asked}/${path}`),
    'cluster_formation.peer_discovery_backend = classic_config',
    ...all.map(({ name }, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${name}`),
    'cluster_partition_handling = pause_minority',
    'log.file.level = warning',
    '',
  ].join('\n');
}

async function untilClustered(all: readonly Node[], home: string, epmdPort: number): Promise<void> {
  const [first] = all;
  if (first === undefined || all.length === 1) return;
  const env = childEnvironment(environmentOf(first, home, epmdPort));
  await until(
    'all nodes are in one cluster',
    async () => {
      const options = ['-n', first.name, 'cluster_status', '--formatter', 'json', '--quiet'];
      const { stdout } = await promisify(execFile)(join(PROGRAMS, 'rabbitmqctl'), options, { env }).catch(() => ({ stdout: '{}' }));
      const { running_nodes: running = [] } = JSON.parse(stdout) as { running_nodes?: string[] };
      return running.length === all.length;
    },
    START_TIMEOUT_MS,
  );
}
