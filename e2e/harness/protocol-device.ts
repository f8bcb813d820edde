import { createDeviceIdentity, type DeviceIdentity } from '@starling/fleet/simulator';
import {
  type Capabilities,
  createTopics,
  type DeviceLogin,
  generatePrivateKey,
  type Hello,
  jsonEncode,
  PRESENCE_INTERVAL_MS,
  StarlingError,
  type Topics,
} from '@starling/shared';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';

/** A device made of docs/protocol alone: none of the agent's code, so that a test may let it misbehave. */
export interface ProtocolDevice extends DeviceIdentity {
  hello(): Hello;
}

export interface Message {
  topic: string;
  payload: Buffer;
}

/** A session over MQTT, with everything that came and how it ended. */
export interface Session {
  client: MqttClient;
  messages: Message[];
  closed: Promise<void>;
  isOpen(): boolean;
  /** Resolves once a message on the topic is there, or rejects after `timeoutMs`. */
  received(topic: string, timeoutMs?: number, from?: number): Promise<Message>;
  end(): Promise<void>;
}

const capabilities: Capabilities = {
  ...{ schemaVersion: 1, environment: 'node', os: 'linux', architecture: 'x64', agentVersion: '0.1.0', runtimeVersions: {} },
  cpu: { vendor: 'GenuineIntel', model: 'Test', cores: 2, isa: ['avx2'], virtualised: true },
  memory: { totalBytes: 2 ** 31, availableBytes: 2 ** 30 },
  disk: { totalBytes: 2 ** 34, freeBytes: 2 ** 33 },
  ...{ gpus: [], executionProviders: [{ name: 'cpu', ran: true }], energySensors: [], operatorVersions: {} },
};

/** @param change what it says of itself beside what every such device says */
export async function createProtocolDevice(baseUrl: string, change: Partial<Capabilities> = {}): Promise<ProtocolDevice> {
  const identity = await createDeviceIdentity({ baseUrl, key: await generatePrivateKey(), capabilities: { ...capabilities, ...change } });
  const { id } = identity;
  return {
    ...identity,
    hello: () => ({
      ...{ protocolVersion: 1, agentVersion: '0.1.0', streamId: id, bootId: `boot-${id}`, epoch: 0, generation: 0, wallMs: 1 },
      ...{ features: [], operatorVersions: {} },
    }),
  };
}

/**
 * Connects without reconnecting.
 * @param change options of MQTT to differ in, e.g. another client id
 */
export async function openSession(broker: string, login: DeviceLogin, change: IClientOptions = {}): Promise<Session> {
  const client = connect(broker, {
    ...{ clientId: login.username, username: login.username, password: login.password, protocolVersion: 4, clean: true },
    ...{ reconnectPeriod: 0, connectTimeout: 30_000, ...change },
  });
  const messages: Message[] = [];
  const arrivals = new Set<() => void>();
  client.on('message', (topic, payload) => {
    messages.push({ topic, payload });
    for (const look of arrivals) look();
  });
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    closed.then(() => reject(new StarlingError('connection-closed', 'the broker closed the connection')));
  });
  client.on('error', () => undefined);
  return {
    client,
    messages,
    closed,
    isOpen: () => client.connected,
    received(topic, timeoutMs = 30_000, from = 0) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          arrivals.delete(look);
          reject(new StarlingError('timeout', `nothing came on ${topic}; there was ${messages.map((each) => each.topic).join(', ')}`));
        }, timeoutMs);
        const look = (): void => {
          const found = messages.slice(from).find((message) => message.topic === topic);
          if (found === undefined) return;
          clearTimeout(timer);
          arrivals.delete(look);
          resolve(found);
        };
        arrivals.add(look);
        look();
      });
    },
    async end() {
      await client.endAsync(true);
    },
  };
}

/** As an agent starts a session: subscribes to its own filters, says hello, and from then on that it is there. */
export async function startSession(broker: string, device: ProtocolDevice): Promise<Session & { topics: Topics }> {
  const login = await device.login();
  const session = await openSession(broker, login);
  const topics = createTopics(login.topicRoot);
  await session.client.subscribeAsync(topics.deviceFilters(device.id), { qos: 1 });
  await session.client.publishAsync(topics.build('hello', { device: device.id }), Buffer.from(jsonEncode(device.hello())), { qos: 1 });
  const presence = Buffer.from(jsonEncode({ state: 'online', bootId: device.hello().bootId }));
  const beats = setInterval(() => {
    if (session.client.connected) session.client.publish(topics.build('presence', { device: device.id }), presence, { qos: 0 });
  }, PRESENCE_INTERVAL_MS).unref();
  void session.closed.then(() => clearInterval(beats));
  return Object.assign(session, { topics });
}
