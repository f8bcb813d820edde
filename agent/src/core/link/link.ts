import {
  type Acknowledgement,
  acknowledgementSchema,
  type Capabilities,
  type ChunkFrame,
  CONTROL_BYTES_MAXIMUM,
  createTopics,
  DEFAULT_TOPIC_ROOT,
  type DeviceLogin,
  decodeChunkFrame,
  greetSchema,
  type Hello,
  jsonDecode,
  jsonEncode,
  type MessageName,
  messageOf,
  PACKET_BYTES_MAXIMUM,
  PRESENCE_INTERVAL_MS,
  type TelemetryKind,
  type Topics,
  telemetryKindSchema,
  type Uploaded,
  uploadedSchema,
  wireTable,
} from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import type { FleetAccess } from '../ports/fleet-access.ts';
import type { DeviceKey } from '../ports/key-store.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { Connection, Transport } from '../ports/transport.ts';
import { createGreetings } from './greetings.ts';
import { logIn } from './login.ts';
import { backoffMs, type LinkEvent, type LinkState, nextState } from './session.ts';
import type { Trust } from './trust.ts';

/** Where parsed messages go. Signed documents are handed on as they came: whoever acts on them verifies them. */
export interface LinkHandlers {
  desired(signed: string): Promise<void> | void;
  command(signed: string): Promise<void> | void;
  chunk(frame: ChunkFrame): Promise<void> | void;
  uploaded(id: string, uploaded: Uploaded): void;
  acknowledged(kind: TelemetryKind, acknowledgement: Acknowledgement): Promise<void> | void;
  /** A piece of what another device sent; whoever takes it asks whether it may. */
  stream(params: Readonly<Record<string, string>>, payload: Uint8Array): Promise<void> | void;
  online(): void;
  offline(): void;
  refused(message: string, reason: string): void;
}

/** The only user of the transport. */
export interface Link {
  start(handlers: LinkHandlers): void;
  /** @returns false if there is no session: nothing is kept for later here */
  publish(name: MessageName, params: Record<string, string>, payload: Uint8Array): Promise<boolean>;
  readonly state: LinkState;
  /** Tries again at once: what kept the fleet out of reach is over, as far as this device can tell. */
  retryNow(): void;
  close(): Promise<void>;
}

export interface LinkPorts {
  transport: Transport;
  access: FleetAccess;
  key: DeviceKey;
  trust: Trust;
  clock: Clock;
  random: Random;
  log: Log;
  bootId: string;
  hello(): Hello;
  capabilities(): Promise<Capabilities>;
}

/** The password is renewed this long before it ends. */
const RENEW_BEFORE_MS = 5 * 60_000;

export function createLink(ports: LinkPorts): Link {
  const { clock, log, key } = ports;
  const { device } = key;
  let state: LinkState = 'idle';
  let connection: Connection | undefined;
  let topics: Topics = createTopics(DEFAULT_TOPIC_ROOT);
  let failures = 0;
  const cancelTimers: (() => void)[] = [];
  let handlers: LinkHandlers | undefined;

  const step = (event: LinkEvent): void => {
    state = nextState(state, event);
  };
  const stopTimers = (): void => {
    for (const cancel of cancelTimers.splice(0)) cancel();
  };
  const dropConnection = (): void => {
    stopTimers();
    greetings.forget();
    const old = connection;
    connection = undefined;
    if (old === undefined) return;
    handlers?.offline();
    old.close().catch(() => undefined);
  };
  const retryLater = (event: 'failed' | 'lost', reason: string): void => {
    if (state === 'closed' || state === 'waiting') return;
    dropConnection();
    step(event);
    failures += 1;
    const delayMs = backoffMs(failures, ports.random.number());
    log.info('no session with the fleet; trying again', { reason, delayMs: Math.round(delayMs) });
    cancelTimers.push(
      clock.after(delayMs, () => {
        step('retry');
        void attempt();
      }),
    );
  };
  const attempt = async (): Promise<void> => {
    if (state !== 'loggingIn') return;
    try {
      const login = await logIn(ports.access, key, ports.trust, await ports.capabilities());
      step('loggedIn');
      await connect(login);
    } catch (error) {
      retryLater('failed', messageOf(error));
    }
  };
  const connect = async (login: DeviceLogin): Promise<void> => {
    topics = createTopics(login.topicRoot);
    const presence = (online: boolean): Uint8Array =>
      jsonEncode({ state: online ? 'online' : 'offline', bootId: ports.bootId, uptimeMs: clock.monotonicMs() });
    let lost = false;
    const opened = await ports.transport.connect(
      login,
      { topic: topics.build('presence', { device }), payload: presence(false) },
      {
        onMessage: (topic, payload) => void receive(topic, payload),
        onClosed: (reason) => {
          lost = true;
          if (connection === opened) retryLater('lost', reason);
        },
      },
    );
    if (state !== 'connecting') return opened.close();
    await opened.subscribe(topics.deviceFilters(device));
    connection = opened;
    await opened.publish(topics.build('hello', { device }), jsonEncode(ports.hello()), 1);
    if (lost) return retryLater('lost', 'the connection ended while the session started');
    step('connected');
    failures = 0;
    log.info('online', { broker: login.brokers[0] ?? '' });
    handlers?.online();
    const beat = (): void => {
      cancelTimers.push(
        clock.after(PRESENCE_INTERVAL_MS, () => {
          connection?.publish(topics.build('presence', { device }), presence(true), 0).catch(() => undefined);
          beat();
        }),
      );
    };
    beat();
    const lifeMs = login.expiresAtMs - (ports.trust.nowMs() ?? login.expiresAtMs - RENEW_BEFORE_MS * 2);
    cancelTimers.push(clock.after(Math.max(60_000, lifeMs - RENEW_BEFORE_MS), () => retryLater('lost', 'the password ends soon')));
  };
  /** As if the connection had ended and begun again: what the fleet may not have heard is said once more. */
  const restart = async (reason: string): Promise<void> => {
    const over = connection;
    if (over === undefined || state !== 'online') return;
    log.info('the fleet asks for a new hello', { reason });
    handlers?.offline();
    await over.publish(topics.build('hello', { device }), jsonEncode(ports.hello()), 1);
    if (connection === over) handlers?.online();
  };
  const greetings = createGreetings(clock, (reason) => {
    restart(reason).catch((error: unknown) => log.info('a new hello was not sent', { reason: messageOf(error) }));
  });
  const receive = async (topic: string, payload: Uint8Array): Promise<void> => {
    const parsed = topics.parse(topic);
    // Attack: another device's topic. A broker that lets it through must not fool us.
    if (parsed === undefined || (parsed.params.device ?? parsed.params.to) !== device || handlers === undefined) return;
    const isLong = wireTable[parsed.name].encoding === 'frame' || parsed.name === 'stream';
    const maximum = isLong ? PACKET_BYTES_MAXIMUM : CONTROL_BYTES_MAXIMUM;
    if (payload.length > maximum) return handlers.refused(parsed.name, `${payload.length} bytes, at most ${maximum} are read`);
    try {
      if (parsed.name === 'greet') greetings.asked(jsonDecode(payload, greetSchema).reason);
      else await dispatch(parsed.name, parsed.params, payload, handlers);
    } catch (error) {
      handlers.refused(parsed.name, messageOf(error));
    }
  };
  return {
    start(given) {
      handlers = given;
      step('start');
      void attempt();
    },
    async publish(name, params, payload) {
      if (connection === undefined) return false;
      try {
        await connection.publish(topics.build(name, { ...params, device }), payload, wireTable[name].qos);
        return true;
      } catch (error) {
        log.debug('a message was not sent', { message: name, reason: messageOf(error) });
        return false;
      }
    },
    get state() {
      return state;
    },
    retryNow() {
      // A try that is under way and fails is not waited for as if it were one of many.
      failures = 0;
      if (state !== 'waiting') return;
      stopTimers();
      step('retry');
      void attempt();
    },
    async close() {
      const farewell = jsonEncode({ state: 'offline', bootId: ports.bootId });
      await connection?.publish(topics.build('presence', { device }), farewell, 0).catch(() => undefined);
      step('close');
      dropConnection();
    },
  };
}

async function dispatch(name: MessageName, params: Record<string, string>, payload: Uint8Array, handlers: LinkHandlers): Promise<void> {
  const text = (): string => new TextDecoder('utf-8', { fatal: true }).decode(payload);
  switch (name) {
    case 'desired':
      return handlers.desired(text());
    case 'command':
      return handlers.command(text());
    case 'blobChunk':
      return handlers.chunk(decodeChunkFrame(payload));
    case 'uploaded':
      return handlers.uploaded(params.id ?? '', jsonDecode(payload, uploadedSchema));
    case 'acknowledgement':
      return handlers.acknowledged(telemetryKindSchema.parse(params.kind), jsonDecode(payload, acknowledgementSchema));
    case 'stream':
      return handlers.stream(params, payload);
    default:
      return handlers.refused(name, 'devices send this message, they do not get it');
  }
}
