import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, StarlingError, wireTable } from '@starling/shared';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import type { LoginKeeper } from '../ended-logins.ts';
import type { Ids, Log } from '../ports.ts';
import type { Broker } from './broker.ts';
import type { ShardTopics } from './device-topics.ts';
import { CONTROL_RESPONSE_TOPIC, createDynamicSecurity, type DynamicSecurity } from './dynamic-security.ts';
import { createRateLimit, PUBLISH_RATE, STREAM_RATE } from './rate-limit.ts';

/** A broker that is not ours, as it is configured. */
export interface ExternalBrokerOptions {
  /** Of its nodes; any of them serves. */
  urls: readonly string[];
  username: string;
  password: string;
  /** PEM of the authority of its certificate, beside those of the system. */
  authority?: string | undefined;
  /** `mosquitto`: logins are kept in it, by its dynamic security. `http`: it asks the fleet. */
  logins: 'mosquitto' | 'http';
}

export interface ExternalBrokerPorts {
  topics: ShardTopics;
  log: Log;
  ids: Ids;
  onMessage(device: string, topic: string, payload: Uint8Array): void;
  /** @param name last part of the topic */
  onOperator(account: string, name: string, payload: Uint8Array): void;
  /** The connection was away and is back: what devices of these shards sent meanwhile is lost, and what these devices should have got. */
  onResumed(shards: readonly string[], missed: readonly string[]): void;
}

export interface ExternalBroker extends Broker {
  /** @throws StarlingError `broker-unreachable`, `broker-refused` */
  connect(): Promise<void>;
  /** Hears the devices of these shards from now on, and of no others. */
  hear(shards: readonly string[]): Promise<void>;
  /** Hears one more topic, whoever holds the device. @returns a function that ends it */
  watch(topic: string): () => void;
  /** Makes a password good, before the device is told it. */
  admit(device: string, password: string): Promise<void>;
  operators: {
    /** Makes the password of an account good. */
    admit(account: string, password: string): Promise<void>;
    /** Ends its login, and its connection where the broker can be told. Never rejects. */
    disconnect(account: string): Promise<void>;
  };
  /** Of a broker that keeps logins itself. */
  keeper?: LoginKeeper;
}

const CONNECT_TIMEOUT_MS = 10_000;
const RECONNECT_MS = 1_000;
const KEEPALIVE_SECONDS = 20;
/** Requests that cut somebody off are answered after this long at the latest. */
const CUT_WAIT_MS = 3_000;
/** Filters of one SUBSCRIBE: brokers bound the packet. */
const FILTERS_PER_SUBSCRIBE = 64;

/** A link to a broker that devices connect to as well. Nothing happens before `connect`: a broker may ask this very fleet who connects. */
export function createExternalBroker(options: ExternalBrokerOptions, ports: ExternalBrokerPorts): ExternalBroker {
  const { topics, log } = ports;
  const credentials: IClientOptions = {
    ...{ username: options.username, password: options.password, protocolVersion: 4, clean: true },
    ...{ connectTimeout: CONNECT_TIMEOUT_MS, keepalive: KEEPALIVE_SECONDS },
    ...(options.authority === undefined ? {} : { ca: options.authority }),
  };
  const limits = { others: createRateLimit(PUBLISH_RATE), stream: createRateLimit(STREAM_RATE) };
  const watched = new Set<string>();
  /** Devices to which something could not be sent that has to come. They may be connected all the time, to another node of the broker. */
  const missed = new Set<string>();
  let heard: readonly string[] = [];
  let client: MqttClient | undefined;
  const online = (): MqttClient | undefined => (client?.connected === true ? client : undefined);
  const security =
    options.logins === 'mosquitto'
      ? createDynamicSecurity({
          id: ports.ids.next(),
          topics,
          async publish(topic, payload) {
            const to = online();
            if (to === undefined) throw unreachable(options.urls, 'it is away');
            // Not kept for a next connection: by then it is an old wish. The answer is what tells that it came.
            await to.publishAsync(topic, payload, { qos: 0 });
          },
        })
      : undefined;
  const operatorFilter: Filter = { topic: topics.operators.filter, qos: wireTable.operatorCommand.qos };
  const always: Filter[] = security === undefined ? [operatorFilter] : [{ topic: CONTROL_RESPONSE_TOPIC, qos: 1 }, operatorFilter];
  const filtersOf = (shards: readonly string[]): Filter[] => shards.flatMap((shard) => topics.shardFilters(shard));

  const receive = (topic: string, payload: Uint8Array): void => {
    const device = topics.deviceOf(topic);
    const name = topics.parse(topic)?.name;
    const asked = topics.operators.parse(topic);
    if (topic === CONTROL_RESPONSE_TOPIC) receiveControl(security, payload, log);
    else if (asked !== undefined) ports.onOperator(asked.account, asked.name, payload);
    // What the fleet itself relays comes back here, and is no message of a device.
    else if (device === undefined || name === undefined) return;
    else if ((name === 'stream' ? limits.stream : limits.others).take(device)) ports.onMessage(device, topic, payload);
    else log.debug({ device }, 'a device publishes too fast');
  };
  const resume = async (to: MqttClient): Promise<void> => {
    const shards = heard;
    try {
      await subscribe(to, [...always, ...filtersOf(shards), ...[...watched].map((topic) => ({ topic, qos: 0 as const }))]);
      const devices = [...missed];
      missed.clear();
      ports.onResumed(shards, devices);
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the broker is back, but does not let the fleet hear its devices; trying again');
      to.stream.destroy();
    }
  };
  /** Whoever cuts one off waits for it, but not for long where the broker does not answer. */
  const settled = async (cut: Promise<void>, whom: object): Promise<void> => {
    const heard = cut.catch((error: unknown) => log.warn({ ...whom, error: messageOf(error) }, 'one could not be cut off'));
    await Promise.race([heard, pause(CUT_WAIT_MS, undefined, { ref: false })]);
  };
  /** mqtt.js forgets what has no receipt and waits for a full socket when that one closes: whoever sent it would wait for ever. */
  const unanswered = new Set<() => void>();
  const publishUnanswered = (to: MqttClient, topic: string, payload: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      const closed = (): void => ended(new StarlingError('connection-closed', 'the connection was closed'));
      const ended = (error?: Error | null): void => {
        unanswered.delete(closed);
        if (error) reject(error);
        else resolve();
      };
      unanswered.add(closed);
      to.publish(topic, payload, { qos: 0 }, ended);
    });
  return {
    async connect() {
      const clientId = `starling-fleet-${ports.ids.next()}`;
      const opened = await connectAny(options.urls, {
        ...{ ...credentials, clientId, reconnectPeriod: RECONNECT_MS, resubscribe: false, queueQoSZero: false },
      });
      opened.on('error', (error) => log.warn({ error: error.message }, 'the broker link'));
      opened.on('close', () => {
        log.warn({ broker: options.urls }, 'the broker is away');
        for (const end of unanswered) end();
      });
      opened.on('message', receive);
      opened.on('connect', () => void resume(opened));
      client = opened;
      await subscribe(opened, always);
    },
    async hear(shards) {
      const gone = heard.filter((shard) => !shards.includes(shard));
      const added = shards.filter((shard) => !heard.includes(shard));
      const before = heard;
      heard = [...shards];
      const to = online();
      // While it is away, the next connection subscribes to all.
      if (to === undefined) return;
      const left = filtersOf(gone).map(({ topic }) => topic);
      try {
        if (left.length > 0) await to.unsubscribeAsync(left);
        await subscribe(to, filtersOf(added));
      } catch (error) {
        // So that it is tried again.
        heard = before;
        throw error;
      }
    },
    watch(topic) {
      watched.add(topic);
      const to = online();
      if (to !== undefined) subscribe(to, [{ topic, qos: 0 }]).catch((error: unknown) => log.warn({ error: messageOf(error) }, 'a tap'));
      return () => {
        if (watched.delete(topic)) online()?.unsubscribe(topic);
      };
    },
    async send(device, topic, payload, qos) {
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      const to = online();
      const sent = to && (qos > 0 ? to.publishAsync(topic, bytes, { qos }) : publishUnanswered(to, topic, bytes));
      const isSent = await (sent?.then(
        () => true,
        () => false,
      ) ?? false);
      // What goes to an operator names no device.
      if (!isSent && qos > 0 && topics.deviceOf(topic) === device) missed.add(device);
      return isSent;
    },
    isConnected: () => undefined,
    admit: async (device, password) => security?.admit(device, password),
    operators: {
      admit: async (account, password) => security?.admitOperator(account, password),
      disconnect(account) {
        // The connections of an account have names of its own choice where the broker asks us; most take the plain one.
        return settled(security === undefined ? takePlace(options.urls, account, credentials) : security.expelOperator(account), {
          account,
        });
      },
    },
    ...(security && { keeper: { logins: security.logins, expelDevice: security.expel, expelOperator: security.expelOperator } }),
    disconnect(device) {
      limits.others.forget(device);
      limits.stream.forget(device);
      return settled(security === undefined ? takePlace(options.urls, device, credentials) : security.expel(device), { device });
    },
    close: async () => client?.endAsync(true),
  };
}

interface Filter {
  topic: string;
  qos: 0 | 1;
}

/** @throws StarlingError `broker-refused` */
async function subscribe(client: MqttClient, filters: readonly Filter[]): Promise<void> {
  for (let at = 0; at < filters.length; at += FILTERS_PER_SUBSCRIBE) {
    const part = filters.slice(at, at + FILTERS_PER_SUBSCRIBE);
    const granted = await client.subscribeAsync(Object.fromEntries(part.map(({ topic, qos }) => [topic, { qos }])));
    // MQTT 3.1.1, 3.9.3: 0x80 is a refusal.
    const refused = granted.find(({ qos }) => (qos as number) === 128);
    if (refused === undefined) continue;
    throw new StarlingError('broker-refused', `the broker does not let the fleet hear ${refused.topic}`, {
      field: 'brokerUsername',
      hint: 'its login has to be allowed all topics of the fleet',
    });
  }
}

function receiveControl(security: DynamicSecurity | undefined, payload: Uint8Array, log: Log): void {
  try {
    security?.receive(payload);
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'an answer of the broker is not understood');
  }
}

/** MQTT 3.1.1, 3.1.4-2: a broker ends the connection of a client id that connects anew. The one way that every broker has. */
async function takePlace(urls: readonly string[], device: string, credentials: IClientOptions): Promise<void> {
  const client = await connectAny(urls, { ...credentials, clientId: device, reconnectPeriod: 0 });
  await client.endAsync(true);
}

/** To the first node that answers; when that one ends, to the others in turn. */
async function connectAny(urls: readonly string[], options: IClientOptions): Promise<MqttClient> {
  const servers = urls.map((url) => {
    const { protocol, hostname, port } = new URL(url);
    const name = protocol === 'mqtts:' ? ('mqtts' as const) : ('mqtt' as const);
    return { protocol: name, host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (name === 'mqtts' ? 8883 : 1883)) };
  });
  const reasons: string[] = [];
  for (const index of servers.keys()) {
    const client = connect({ ...options, servers: [...servers.slice(index), ...servers.slice(0, index)] });
    try {
      await firstConnection(client);
      return client;
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  throw unreachable(urls, [...new Set(reasons)].join('; '));
}

function firstConnection(client: MqttClient): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      client.off('error', fail);
      client.off('close', closed);
    };
    const fail = (error: Error): void => {
      done();
      client.on('error', () => undefined);
      client.end(true);
      reject(error);
    };
    const closed = (): void => fail(new StarlingError('connection-closed', 'it closed the connection'));
    client.once('error', fail);
    client.once('close', closed);
    client.once('connect', () => {
      done();
      resolve();
    });
  });
}

function unreachable(urls: readonly string[], why: string): StarlingError {
  return new StarlingError('broker-unreachable', `the broker at ${urls.join(', ')} cannot be reached: ${why}`, {
    field: 'brokerUrl',
    hint: 'check address, user and password, and that the broker runs',
    retryable: true,
  });
}
