import {
  type Capabilities,
  type ClaimToken,
  createTopics,
  type DeviceLogin,
  deviceIdOf,
  deviceLoginResponseSchema,
  type EnrolmentClaim,
  enrolResponseSchema,
  generatePrivateKey,
  type Hello,
  jsonEncode,
  nonceResponseSchema,
  nonceSchema,
  type PrivateKey,
  problemDetailsSchema,
  publicKeyOf,
  StarlingError,
  signDocument,
  signerOf,
  type TrustRoot,
  verifyDocument,
  verifyPinnedRoot,
} from '@starling/shared';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import type { z } from 'zod';

/** A device made of docs/protocol alone: none of the agent's code, so that a test may let it misbehave. */
export interface ProtocolDevice {
  id: string;
  key: PrivateKey;
  /** @throws StarlingError with the code of the fleet's problem */
  enrol(token: ClaimToken, change?: { claim?: Partial<EnrolmentClaim>; signedBy?: PrivateKey; secret?: string }): Promise<TrustRoot>;
  nonce(): Promise<{ nonce: string; fleetId: string }>;
  login(change?: { nonce?: string; audience?: string; device?: string; signedBy?: PrivateKey }): Promise<DeviceLogin>;
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

export async function createProtocolDevice(baseUrl: string): Promise<ProtocolDevice> {
  const key = await generatePrivateKey();
  const id = await deviceIdOf(Buffer.from(key.x, 'base64url'));
  let root: TrustRoot | undefined;
  const nonce = async () => {
    const { signed } = await post(baseUrl, '/device-access/nonce', { device: id }, nonceResponseSchema);
    if (root === undefined) throw new StarlingError('not-enrolled', 'this device has no root to verify by');
    return verifyDocument(signed, { kind: 'time', keys: root.keys.fleet, schema: nonceSchema, maximumBytes: 4096 });
  };
  return {
    id,
    key,
    nonce,
    async enrol(token, { claim = {}, signedBy = key, secret = token.secret } = {}) {
      const document: EnrolmentClaim = {
        ...{ tokenId: token.tokenId, publicKey: publicKeyOf(key).x, machineIdDigest: 'ab'.repeat(32), agentVersion: '0.1.0' },
        ...{ hostName: `device-${id.slice(0, 6)}`, capabilities, ...claim },
      };
      const signed = await signDocument({ ...(await signerOf(signedBy)), kid: signedBy.kid }, 'device-enrolment', document);
      const { roots } = await post(baseUrl, '/enrol', { secret, claim: signed }, enrolResponseSchema);
      root = await verifyPinnedRoot(roots[0] ?? '', token.rootDigest);
      return root;
    },
    async login(change = {}) {
      const fresh = change.nonce === undefined ? await nonce() : { nonce: change.nonce, fleetId: root?.fleetId ?? '' };
      const signer = await signerOf(change.signedBy ?? key);
      const claim = await signDocument(signer, 'device-login', {
        device: change.device ?? id,
        nonce: fresh.nonce,
        audience: change.audience ?? fresh.fleetId,
      });
      return post(baseUrl, '/device-access/login', { claim }, deviceLoginResponseSchema);
    },
    hello: () => ({
      ...{ protocolVersion: 1, agentVersion: '0.1.0', streamId: id, bootId: `boot-${id}`, epoch: 0, generation: 0, wallMs: 1 },
      ...{ features: [], operatorVersions: {} },
    }),
  };
}

/** @throws StarlingError with the code, field and detail of the problem */
async function post<Schema extends z.ZodType>(baseUrl: string, path: string, body: unknown, schema: Schema): Promise<z.infer<Schema>> {
  const response = await fetch(`${baseUrl}/api/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  if (response.ok) return schema.parse(answer);
  const { code, detail, field } = problemDetailsSchema.parse(answer);
  throw new StarlingError(code, detail, field === undefined ? {} : { field });
}

/**
 * Connects without reconnecting.
 * @param change options of MQTT to differ in, e.g. another client id
 */
export async function openSession(broker: string, login: DeviceLogin, change: IClientOptions = {}): Promise<Session> {
  const client = connect(broker, {
    ...{ clientId: login.username, username: login.username, password: login.password, protocolVersion: 4, clean: true },
    ...{ reconnectPeriod: 0, connectTimeout: 5000, ...change },
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
    received(topic, timeoutMs = 5000, from = 0) {
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

/** As an agent starts a session: subscribes to its own filters and says hello. */
export async function startSession(broker: string, device: ProtocolDevice): Promise<Session> {
  const login = await device.login();
  const session = await openSession(broker, login);
  const topics = createTopics(login.topicRoot);
  await session.client.subscribeAsync(topics.deviceFilters(device.id), { qos: 1 });
  await session.client.publishAsync(topics.build('hello', { device: device.id }), Buffer.from(jsonEncode(device.hello())), { qos: 1 });
  return session;
}
