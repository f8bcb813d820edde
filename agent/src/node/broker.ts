import { readFile } from 'node:fs/promises';
import { isStarlingError, messageOf, StarlingError } from '@starling/shared';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import type { Clock } from '../core/ports/clock.ts';
import type { Random } from '../core/ports/random.ts';
import { type Credential, type Credentials, withoutSecrets } from './credentials.ts';
import { createEpisode, type FailingList, type Tell } from './tell.ts';

/** A connection of a pipeline to a broker of its user. It has nothing to do with the one to the fleet. */
export interface Broker {
  /** Waits for the connection, and where `qos` is 1 for the answer of the broker. @throws StarlingError `broker-lost` */
  publish(topic: string, payload: Uint8Array, options: { qos: 0 | 1; retain: boolean }): Promise<void>;
  isConnected(): boolean;
  close(): Promise<void>;
}

export interface BrokerPlan {
  url: string;
  clientId: string;
  credentials?: string | undefined;
  will?: { topic: string; payload: string };
  /** Filters to subscribe to at each connection. */
  subscribe?: { filter: string; qos: 0 | 1 };
  onConnected?(broker: Broker): Promise<void>;
  /** The next message comes when this one is done with. */
  onMessage?(topic: string, payload: Buffer, isRetained: boolean): Promise<void>;
  /** What to say last, before the connection is closed. */
  farewell?(broker: Broker): Promise<void>;
}

export interface BrokerPorts {
  node: string;
  clock: Clock;
  random: Random;
  tell: Tell;
  failing?: FailingList | undefined;
  credentials: Credentials;
}

const CONNECT_TIMEOUT_MS = 15_000;
const KEEPALIVE_SECONDS = 20;
/** A broker that has hung must not hold up a switch of releases. */
const GOODBYE_MS = 1_000;
const RETRY_MS = 1_000;
const RETRY_MAXIMUM_MS = 60_000;

/** Keeps a connection open: what ends or is refused is tried again, ever more slowly, and told ever more rarely. */
export function openBroker(plan: BrokerPlan, ports: BrokerPorts): Broker {
  const episode = createEpisode(ports, 'broker-back', { node: ports.node });
  let client: MqttClient | undefined;
  let closed = false;
  let stopWaiting = (): void => undefined;
  const waiters: (() => void)[] = [];
  const broker: Broker = {
    async publish(topic, payload, { qos, retain }) {
      while (client === undefined) {
        if (closed) throw new StarlingError('broker-lost', 'the connection is closed', { retryable: true });
        await new Promise<void>((resolve) => waiters.push(resolve));
      }
      await client.publishAsync(topic, Buffer.from(payload), { qos, retain }).catch((cause: unknown) => {
        throw new StarlingError('broker-lost', `${plan.url}: ${messageOf(cause)}`, { retryable: true, cause });
      });
    },
    isConnected: () => client !== undefined,
    async close() {
      closed = true;
      stopWaiting();
      const last = client;
      if (last !== undefined) await plan.farewell?.(broker).catch(() => undefined);
      client = undefined;
      for (const wake of waiters.splice(0)) wake();
      if (last !== undefined) await Promise.race([last.endAsync(false).catch(() => undefined), later(ports.clock, GOODBYE_MS)]);
      last?.end(true);
      await running;
      episode.close();
    },
  };
  /** One connection, from its start to its end. */
  const connection = async (): Promise<void> => {
    const credential = plan.credentials === undefined ? undefined : await ports.credentials.find(plan.credentials);
    const opened = await connectOnce(plan, credential);
    const ended = new Promise<void>((resolve) => opened.once('close', () => resolve()));
    try {
      if (closed) return;
      opened.on('error', () => undefined);
      if (plan.onMessage !== undefined) passMessages(opened, plan.onMessage);
      client = opened;
      await subscribe(opened, plan);
      episode.recovered({ broker: plan.url });
      await plan.onConnected?.(broker);
      for (const wake of waiters.splice(0)) wake();
      await ended;
    } finally {
      if (client === opened) client = undefined;
      opened.end(true);
    }
    if (!closed) throw new StarlingError('broker-lost', `${plan.url}: the connection was closed`, { retryable: true });
  };
  const running = (async () => {
    for (let delayMs = RETRY_MS; !closed; delayMs = Math.min(2 * delayMs, RETRY_MAXIMUM_MS)) {
      const startedMs = ports.clock.monotonicMs();
      await connection().catch((error: unknown) => {
        const code = isStarlingError(error) ? error.code : 'broker-unreachable';
        const hint = isStarlingError(error) && error.hint !== undefined ? { hint: error.hint } : {};
        if (!closed) episode.failed(code, messageOf(error), { broker: plan.url, ...hint });
      });
      // One that has lasted is no sign of a broker that refuses.
      if (ports.clock.monotonicMs() - startedMs > RETRY_MAXIMUM_MS) delayMs = RETRY_MS;
      if (closed) return;
      await new Promise<void>((resolve) => {
        const cancel = ports.clock.after(delayMs * (0.5 + ports.random.number()), resolve);
        stopWaiting = () => {
          cancel();
          resolve();
        };
      });
    }
  })();
  return broker;
}

function later(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/** @throws StarlingError `broker-refused`, `broker-unreachable` */
async function connectOnce(plan: BrokerPlan, credential: Credential | undefined): Promise<MqttClient> {
  const authority = credential !== undefined && 'authority' in credential ? credential.authority : undefined;
  const options: IClientOptions = {
    clientId: plan.clientId,
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepalive: KEEPALIVE_SECONDS,
    ...(credential !== undefined && 'password' in credential ? { username: credential.username, password: credential.password } : {}),
    ...(authority === undefined ? {} : { ca: await readFile(authority) }),
    ...(plan.will === undefined ? {} : { will: { ...plan.will, payload: Buffer.from(plan.will.payload), qos: 1, retain: true } }),
  };
  const client = connect(plan.url, options);
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      client.removeAllListeners();
      client.on('error', () => undefined);
      client.end(true);
      const { code } = cause as { code?: unknown };
      // MQTT 3.1.1, 3.2.2.3: 4 bad user name or password, 5 not authorised, 2 identifier rejected.
      const isRefusal = code === 2 || code === 4 || code === 5;
      const reason = withoutSecrets(messageOf(cause) || String(code), credential);
      reject(
        new StarlingError(isRefusal ? 'broker-refused' : 'broker-unreachable', `${plan.url}: ${reason}`, {
          ...{ field: isRefusal ? 'credentials' : 'url', retryable: true, cause },
          ...(isRefusal ? { hint: 'correct user and password in the credentials file of the device' } : {}),
        }),
      );
    };
    client.once('error', fail);
    client.once('close', () => fail(new StarlingError('broker-unreachable', 'the connection was closed')));
    client.once('connect', () => {
      client.removeAllListeners('error');
      client.removeAllListeners('close');
      resolve(client);
    });
  });
}

async function subscribe(client: MqttClient, { subscribe: wanted, url }: BrokerPlan): Promise<void> {
  if (wanted === undefined) return;
  const granted = await client.subscribeAsync(wanted.filter, { qos: wanted.qos });
  // MQTT 3.1.1, 3.9.3: 0x80 is a refusal.
  if (!granted.some(({ qos }) => (qos as number) === 128)) return;
  throw new StarlingError('broker-refused', `${url} refuses the subscription to ${wanted.filter}`, {
    ...{ field: 'topic', retryable: true },
    hint: 'allow it to this user at the broker',
  });
}

/** Messages one after the other. While one is worked on the socket is not read, so that what comes too fast waits at the broker. */
function passMessages(client: MqttClient, onMessage: NonNullable<BrokerPlan['onMessage']>): void {
  client.handleMessage = (packet, done) => {
    onMessage(packet.topic, Buffer.from(packet.payload as Uint8Array), packet.retain === true).then(
      () => done(),
      () => done(),
    );
  };
}

/** A client id that is the same at every start, so that the broker takes a new connection for the old one come back. */
export function clientIdOf(device: string, node: string): string {
  return `starling-${device.slice(0, 12)}-${node.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`;
}
