import { messageOf, StarlingError } from '@starling/shared';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { Connection, Transport } from '../core/ports/transport.ts';

const CONNECT_TIMEOUT_MS = 15_000;
const KEEPALIVE_SECONDS = 20;
/** Bytes as the library's own types want them; any view is taken. */
type Payload = Parameters<MqttClient['publish']>[1];

/** MQTT 3.1.1 by mqtt.js over WebSocket. Reconnecting is left to the link. @param fleetUrl where this browser reaches the fleet */
export function createMqttTransport(fleetUrl: string): Transport {
  return {
    async connect(login, will, events) {
      const reasons: string[] = [];
      for (const broker of webSocketBrokers(fleetUrl, login.brokers)) {
        const options: IClientOptions = {
          clientId: login.username,
          username: login.username,
          password: login.password,
          protocolVersion: 4,
          clean: true,
          reconnectPeriod: 0,
          connectTimeout: CONNECT_TIMEOUT_MS,
          keepalive: KEEPALIVE_SECONDS,
          // Its other timers are a worker made from text, which the page's content policy forbids; this is a worker already.
          timerVariant: 'native',
          will: { topic: will.topic, payload: will.payload as Buffer, qos: 0, retain: false },
        };
        try {
          return connectionOver(await open(broker, options), events);
        } catch (error) {
          reasons.push(`${broker}: ${messageOf(error)}`);
        }
      }
      throw new StarlingError('broker-unreachable', reasons.join('; '), { retryable: true });
    },
  };
}

/**
 * Addresses of the broker that a browser can reach, best first: where the fleet answers, its broker does too, under a certificate that
 * this browser believes already.
 */
export function webSocketBrokers(fleetUrl: string, brokers: readonly string[]): string[] {
  const beside = new URL('/mqtt', fleetUrl);
  beside.protocol = beside.protocol === 'http:' ? 'ws:' : 'wss:';
  const isSecure = beside.protocol === 'wss:';
  const told = brokers.filter((broker) => broker.startsWith('wss:') || (!isSecure && broker.startsWith('ws:')));
  return [...new Set([beside.href, ...told])];
}

function open(broker: string, options: IClientOptions): Promise<MqttClient> {
  return new Promise((resolve, reject) => {
    const client = mqtt.connect(broker, options);
    const fail = (error: Error): void => {
      client.removeAllListeners();
      client.on('error', () => undefined);
      client.end(true);
      reject(error);
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

function connectionOver(client: MqttClient, events: Parameters<Transport['connect']>[2]): Connection {
  let reason = 'the connection was closed';
  client.on('error', (error) => {
    reason = error.message;
  });
  client.on('close', () => events.onClosed(reason));
  client.on('message', (topic, payload) => events.onMessage(topic, payload));
  return {
    async publish(topic, payload, qos) {
      await client.publishAsync(topic, payload as Payload, { qos });
    },
    async subscribe(filters) {
      const granted = await client.subscribeAsync([...filters], { qos: 1 });
      // MQTT 3.1.1, 3.9.3: 0x80 is a refusal.
      const refused = granted.find(({ qos }) => (qos as number) === 128);
      if (refused !== undefined) throw new StarlingError('subscription-refused', `the broker refuses ${refused.topic}`);
    },
    async close() {
      client.removeAllListeners('close');
      await client.endAsync(true);
    },
  };
}
