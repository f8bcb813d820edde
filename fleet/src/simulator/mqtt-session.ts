import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { type DeviceLogin, messageOf, StarlingError } from '@starling/shared';
import { parser as createParser, generate, type Packet } from 'mqtt-packet';
import { createWebSocketStream, WebSocket } from 'ws';

/** One connection of MQTT 3.1.1. Lean, since a process has thousands: what a device of ours does not need is not there. */
export interface MqttSession {
  /** Sends. With quality 1 it resolves when the broker has it; never rejects: a connection that ends says so by `onClosed`. */
  publish(topic: string, payload: Uint8Array, qos: 0 | 1): Promise<void>;
  /** @throws StarlingError `subscription-refused` */
  subscribe(filters: readonly string[]): Promise<void>;
  /** Ends it without the last will. */
  end(): void;
  /** Cuts it, as a broken cable does: then the last will is told. */
  cut(): void;
}

export interface SessionOptions {
  login: DeviceLogin;
  /** PEM of the authority to trust beside those of the system. */
  authority?: string | undefined;
  will?: { topic: string; payload: Uint8Array };
  onMessage(topic: string, payload: Uint8Array): void;
  onClosed(): void;
}

const KEEPALIVE_SECONDS = 60;
const CONNECT_TIMEOUT_MS = 30_000;

/** Connects to the first broker that answers. @throws StarlingError `broker-unreachable`, `login-refused` */
export async function openMqttSession(options: SessionOptions): Promise<MqttSession> {
  const reasons: string[] = [];
  for (const broker of options.login.brokers) {
    try {
      return await openAt(broker, options);
    } catch (error) {
      if (error instanceof StarlingError && error.code === 'login-refused') throw error;
      reasons.push(`${broker}: ${messageOf(error)}`);
    }
  }
  throw new StarlingError('broker-unreachable', reasons.join('; '), { retryable: true });
}

async function openAt(broker: string, { login, authority, will, onMessage, onClosed }: SessionOptions): Promise<MqttSession> {
  const stream = await connectTo(new URL(broker), authority);
  const parser = createParser({ protocolVersion: 4 });
  const waiting = new Map<number, (packet: Packet) => void>();
  let connected: ((code: number) => void) | undefined;
  let lastId = 0;
  const send = (packet: Packet): void => void stream.write(generate(packet));
  const answered = (packet: Packet & { messageId: number }): Promise<Packet> =>
    new Promise((resolve) => {
      waiting.set(packet.messageId, resolve);
      send(packet);
    });
  const nextId = (): number => {
    do lastId = (lastId % 65_535) + 1;
    while (waiting.has(lastId));
    return lastId;
  };
  parser.on('packet', (packet) => {
    if (packet.cmd === 'publish') {
      if (packet.qos === 1 && packet.messageId !== undefined) send({ cmd: 'puback', messageId: packet.messageId });
      onMessage(packet.topic, packet.payload as Buffer);
    } else if (packet.cmd === 'connack') {
      connected?.(packet.returnCode ?? 0);
    } else if ('messageId' in packet && packet.messageId !== undefined) {
      const resolve = waiting.get(packet.messageId);
      waiting.delete(packet.messageId);
      resolve?.(packet);
    }
  });
  parser.on('error', () => stream.destroy());
  stream.on('data', (piece: Buffer) => void parser.parse(piece));
  stream.on('error', () => undefined);
  const closed = once(stream, 'close');
  const code = await new Promise<number>((resolve, reject) => {
    connected = resolve;
    const timer = setTimeout(() => stream.destroy(), CONNECT_TIMEOUT_MS);
    const { username, password } = login;
    send({
      ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: KEEPALIVE_SECONDS },
      ...{ clientId: username, username, password: Buffer.from(password) },
      ...(will === undefined ? {} : { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 0, retain: false } }),
    });
    closed.then(() => {
      clearTimeout(timer);
      reject(new StarlingError('connection-closed', 'the connection was closed', { retryable: true }));
    }, reject);
    const settle = connected;
    connected = (answer) => {
      clearTimeout(timer);
      settle(answer);
    };
  });
  if (code !== 0) {
    stream.destroy();
    throw new StarlingError('login-refused', `the broker refused the login (${code})`, { retryable: true });
  }
  const ping = setInterval(() => send({ cmd: 'pingreq' }), (KEEPALIVE_SECONDS * 1000) / 2);
  stream.once('close', () => {
    clearInterval(ping);
    onClosed();
  });
  return {
    async publish(topic, payload, qos) {
      const packet = { cmd: 'publish' as const, topic, payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength) };
      const rest = { qos, dup: false, retain: false } as const;
      if (qos === 0) send({ ...packet, ...rest });
      else await answered({ ...packet, ...rest, messageId: nextId() });
    },
    async subscribe(filters) {
      const subscriptions = filters.map((topic) => ({ topic, qos: 1 as const }));
      const answer = await answered({ cmd: 'subscribe', messageId: nextId(), subscriptions });
      // MQTT 3.1.1, 3.9.3: 0x80 is a refusal.
      if (answer.cmd === 'suback' && answer.granted.some((granted) => granted === 128)) {
        throw new StarlingError('subscription-refused', 'the broker refused a subscription');
      }
    },
    end() {
      send({ cmd: 'disconnect' });
      stream.end();
    },
    cut: () => void stream.destroy(),
  };
}

async function connectTo(url: URL, authority: string | undefined): Promise<Duplex> {
  const { hostname: host, protocol } = url;
  const trusted = authority === undefined ? {} : { ca: authority };
  if (protocol === 'ws:' || protocol === 'wss:') {
    const socket = new WebSocket(url, 'mqtt', { ...trusted, perMessageDeflate: false });
    await once(socket, 'open');
    return createWebSocketStream(socket);
  }
  const port = Number(url.port);
  // An address is no name to ask for (RFC 6066, 3).
  const named = isIP(host) === 0 ? { servername: host } : {};
  const socket: Socket = protocol === 'mqtts:' ? connectTls({ host, port, ...named, ...trusted }) : connectTcp({ host, port });
  socket.setNoDelay(true);
  await once(socket, protocol === 'mqtts:' ? 'secureConnect' : 'connect');
  return socket;
}
