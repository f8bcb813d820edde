import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { deviceIdSchema, messageOf, PACKET_BYTES_MAXIMUM, StarlingError, type Topics } from '@starling/shared';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import { createWebSocketStream, type WebSocket } from 'ws';
import type { Log } from '../ports.ts';
import type { Broker } from './broker.ts';
import { createHold } from './hold.ts';
import { createOperatorClients, type OperatorClients } from './operator-clients.ts';
import { createRateLimit, PUBLISH_RATE, STREAM_RATE } from './rate-limit.ts';

export interface BrokerPorts {
  topics: Topics;
  log: Log;
  checkPassword(device: string, password: string): Promise<boolean>;
  /** The same of the account of a person's own tools. */
  checkOperator(account: string, password: string): Promise<boolean>;
  /** @param sender a device, or an account of an operator on topics of operators */
  onMessage(sender: string, topic: string, payload: Uint8Array): void;
  onConnected(device: string): void;
  /** @param inOrder the page that it ran in was closed, or the agent ended: nothing broke */
  onDisconnected(device: string, inOrder: boolean): void;
}

/** The broker inside the fleet: devices connect to it, so it knows them by their sockets. */
export interface EmbeddedBroker extends Broker {
  listenTcp(port: number, host: string): Promise<number>;
  listenTls(port: number, host: string, tls: { key: string; cert: string }): Promise<number>;
  /** Takes over a WebSocket of the HTTP server. @param address of the peer, as its TCP connection says */
  accept(socket: WebSocket, address: string): void;
  /** Sends to the one client, never through the emitter, where a stalled one would hold up others. @returns false if it is not connected */
  send: Broker['send'];
  isConnected(device: string): boolean;
  /** The same for the tools of an operator, of whom those get it who have subscribed to it. */
  operators: Pick<OperatorClients, 'send' | 'disconnect' | 'connected'>;
}

/** What may be open at once; a test has smaller ones. */
export interface ConnectionLimits {
  /** Connections of all kinds, those that have not logged in yet included. */
  connections: number;
  /** Connections of one address that have not logged in yet. Ten thousand devices behind one address come in one after the other. */
  strangersPerAddress: number;
  /** Wrong passwords that one address may send at once; one more comes each second. */
  refusalsPerAddress: number;
}

const defaultLimits: ConnectionLimits = { connections: 20_000, strangersPerAddress: 500, refusalsPerAddress: 60 };
/** A client that takes no byte for this long is cut. */
const DRAIN_TIMEOUT_MS = 10_000;
/** RFC 6455, 7.4.1: done, going away as a page does that is closed, and closed without a reason. A broken connection has 1006. */
const orderlyCloseCodes: ReadonlySet<number> = new Set([1000, 1001, 1005]);
/** MQTT fixed header, topic and packet id around a payload. */
const PACKET_OVERHEAD_BYTES = 1024;

export async function createBroker(ports: BrokerPorts, limits: ConnectionLimits = defaultLimits): Promise<EmbeddedBroker> {
  const { topics, log } = ports;
  const clients = new Map<string, Client>();
  const servers: Server[] = [];
  const sockets = new Set<Duplex>();
  const limit = createRateLimit(PUBLISH_RATE);
  const streamLimit = createRateLimit(STREAM_RATE);
  const refusals = createRateLimit({ perSecond: 1, burst: limits.refusalsPerAddress });
  const strangers = new Map<Duplex, string>();
  const closedInOrder = new WeakSet<Duplex>();
  const hold = createHold();

  const aedes = await Aedes.createBroker({
    concurrency: 100,
    queueLimit: 200,
    heartbeatInterval: 30_000,
    connectTimeout: 15_000,
    drainTimeout: DRAIN_TIMEOUT_MS,
    preConnect: (client, packet, done) => {
      // Sessions hold no state: the database does. A persistent one would only hide lost messages.
      if (packet.clean !== true) {
        // A client that is only left without an answer would wait for one.
        client.conn.destroy();
        return done(null, false);
      }
      client.conn.on('error', () => undefined);
      done(null, true);
    },
    authenticate: (client, username, password, done) => {
      const address = strangers.get(client.conn) ?? '';
      // Attack: guess passwords, or keep the database busy with wrong ones. Whoever is over the limit is not even looked at.
      if (!refusals.has(address)) return done(refusal(), false);
      const refuse = (): void => {
        refusals.take(address);
        done(refusal(), false);
      };
      if (username === undefined || password === undefined) return refuse();
      const isDevice = deviceIdSchema.safeParse(username).success;
      if (isDevice && client.id !== username) return refuse();
      const text = Buffer.from(password).toString('utf8');
      const admit = (): void => {
        if (!isDevice) operators.admit(client, username);
        done(null, true);
      };
      (isDevice ? ports.checkPassword(username, text) : ports.checkOperator(username, text)).then(
        (good) => (good ? admit() : refuse()),
        (error: unknown) => {
          log.warn({ error: messageOf(error) }, 'a login could not be checked');
          done(refusal(), false);
        },
      );
    },
    authorizePublish: (client, packet, done) => {
      const account = operators.accountOf(client);
      const device = account ?? client?.id ?? '';
      if (!(account === undefined ? topics.devicePublishes(device, packet.topic) : topics.operatorPublishes(account, packet.topic)))
        return done(new StarlingError('not-allowed', `${device} may not publish on ${packet.topic}`));
      if (packet.payload.length > PACKET_BYTES_MAXIMUM - PACKET_OVERHEAD_BYTES)
        return done(new StarlingError('too-large', 'the packet is too large'));
      // Whether it may send to that very device, the relay asks.
      const name = topics.parse(packet.topic)?.name;
      if (!(name === 'stream' ? streamLimit : limit).take(device))
        return done(new StarlingError('too-many', `${device} publishes too fast`));
      packet.retain = false;
      // Its PUBACK is written next.
      if (name === 'telemetry' && client !== null) hold.until(client.conn);
      done(null);
    },
    authorizeSubscribe: (client, subscription, done) => {
      const account = operators.accountOf(client);
      const may =
        account === undefined
          ? topics.deviceSubscribes(client.id, subscription.topic)
          : topics.operatorSubscribes(account, subscription.topic);
      done(null, may ? subscription : null);
    },
    // What devices publish goes to the handlers, never to other devices. Packets of the fleet pass here too; they name no client.
    authorizeForward: (_client, packet) => ('clientId' in packet ? null : packet),
  });

  const operators = createOperatorClients(aedes, topics);
  aedes.on('clientReady', (client) => {
    strangers.delete(client.conn);
    if (operators.accountOf(client) !== undefined) return;
    clients.set(client.id, client);
    ports.onConnected(client.id);
  });
  aedes.on('clientDisconnect', (client) => {
    operators.left(client);
    if (clients.get(client.id) !== client) return;
    clients.delete(client.id);
    limit.forget(client.id);
    streamLimit.forget(client.id);
    ports.onDisconnected(client.id, closedInOrder.has(client.conn));
  });
  aedes.on('clientError', (client, error) => log.debug({ device: client.id, error: error.message }, 'a connection failed'));
  aedes.on('connectionError', (_client, error) => log.debug({ error: error.message }, 'a connection was refused'));
  aedes.on('publish', (packet, client) => {
    if (client === null || packet.topic.startsWith('$SYS')) return;
    ports.onMessage(operators.accountOf(client) ?? client.id, packet.topic, packet.payload as Buffer);
  });
  const accept = (stream: Duplex, address: string): void => {
    // Attack: open connections and say nothing. They end by themselves, but until then they are counted.
    const ofAddress = [...strangers.values()].filter((each) => each === address).length;
    if (sockets.size >= limits.connections || ofAddress >= limits.strangersPerAddress) return void stream.destroy();
    sockets.add(stream);
    strangers.set(stream, address);
    stream.once('close', () => {
      sockets.delete(stream);
      strangers.delete(stream);
    });
    guardPackets(stream);
    aedes.handle(stream as Socket);
  };
  const acceptSocket = (socket: Socket): void => accept(socket, socket.remoteAddress ?? '');
  const listen = (server: Server, port: number, host: string, field: string): Promise<number> => {
    servers.push(server);
    return listenOn(server, port, host, field);
  };
  return {
    listenTcp: (port, host) => listen(createTcpServer({ noDelay: true }, acceptSocket), port, host, 'mqttPort'),
    listenTls: (port, host, tls) =>
      listen(createTlsServer({ ...tls, noDelay: true, minVersion: 'TLSv1.2' }, acceptSocket), port, host, 'mqttsPort'),
    accept(socket, address) {
      // Heard before the stream ends, which is when the device counts as gone.
      socket.once('close', (code) => {
        if (orderlyCloseCodes.has(code)) closedInOrder.add(stream);
      });
      const stream = createWebSocketStream(socket);
      accept(stream, address);
    },
    send(device, topic, payload, qos) {
      const client = clients.get(device);
      if (client === undefined) return Promise.resolve(false);
      const packet = {
        cmd: 'publish' as const,
        topic,
        payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
        qos,
        retain: false,
        dup: false,
      };
      return new Promise((resolve) => {
        client.publish(packet, (error) => {
          hold.end(client.conn);
          resolve(error === undefined || error === null);
        });
        // Such a one is through only when the device has answered it.
        if (qos > 0) hold.end(client.conn);
      });
    },
    operators,
    isConnected: (device) => clients.has(device),
    async disconnect(device) {
      const client = clients.get(device);
      client?.conn.destroy();
      client?.close();
    },
    async close() {
      hold.close();
      for (const stream of sockets) stream.destroy();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    },
  };
}

/** MQTT 3.1.1 return code 5: not authorised. */
function refusal(): AuthenticateError {
  return Object.assign(new StarlingError('login-refused', 'not authorised'), { returnCode: 5 }) as unknown as AuthenticateError;
}

/**
 * Ends a connection that announces a packet over the limit. The parser would gather its bytes in memory before anybody could look at
 * them, so the length in the fixed header is read here first (MQTT 3.1.1, section 2.2.3).
 */
function guardPackets(stream: Duplex): void {
  let skip = 0;
  let header: number[] = [];
  const inspect = (piece: Buffer): void => {
    for (let at = 0; at < piece.length; ) {
      if (skip > 0) {
        const step = Math.min(skip, piece.length - at);
        skip -= step;
        at += step;
        continue;
      }
      header.push(piece[at] as number);
      at += 1;
      const last = header.at(-1) as number;
      if (header.length < 2 || (header.length < 5 && last >= 0x80)) continue;
      const length = header.slice(1).reduce((sum, byte, index) => sum + (byte & 0x7f) * 128 ** index, 0);
      header = [];
      if (length > PACKET_BYTES_MAXIMUM) {
        stream.destroy();
        return;
      }
      skip = length;
    }
  };
  const push = stream.push.bind(stream);
  stream.push = (piece: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (piece !== null) inspect(piece);
    return push(piece, encoding);
  };
}

/** @throws StarlingError `port-taken` */
export function listenOn(server: Server, port: number, host: string, field: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE' || cause.code === 'EACCES';
      const hint = `stop what uses it, or set another ${field} (0 takes a free one)`;
      reject(
        new StarlingError(taken ? 'port-taken' : 'listen-failed', `port ${port} on ${host} cannot be used: ${cause.message}`, {
          field,
          hint,
          cause,
        }),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
