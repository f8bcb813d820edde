import { type DeviceLogin, messageOf, StarlingError } from '@starling/shared';
import type { IClientOptions, MqttClient } from 'mqtt';
import type { Connection, Transport } from '../core/ports/transport.ts';

export interface TransportParts {
  /** Addresses to try, best first. */
  brokersOf(login: DeviceLogin): readonly string[];
  /** A client that begins to connect. */
  start(broker: string, options: IClientOptions): MqttClient | Promise<MqttClient>;
}

const CONNECT_TIMEOUT_MS = 15_000;
const KEEPALIVE_SECONDS = 20;
/** Bytes as the library's own types want them; any view is taken. */
type Payload = NonNullable<IClientOptions['will']>['payload'];

/** MQTT 3.1.1 by mqtt.js. Reconnecting is left to the link. */
export function createTransport({ brokersOf, start }: TransportParts): Transport {
  return {
    async connect(login, will, events) {
      const reasons: string[] = [];
      for (const broker of brokersOf(login)) {
        const options: IClientOptions = {
          clientId: login.username,
          username: login.username,
          password: login.password,
          protocolVersion: 4,
          clean: true,
          reconnectPeriod: 0,
          connectTimeout: CONNECT_TIMEOUT_MS,
          keepalive: KEEPALIVE_SECONDS,
          will: { topic: will.topic, payload: will.payload as Payload, qos: 0, retain: false },
        };
        try {
          return connectionOver(await connected(await start(broker, options)), events);
        } catch (error) {
          reasons.push(`${broker}: ${messageOf(error)}`);
        }
      }
      throw new StarlingError('broker-unreachable', reasons.join('; '), { retryable: true });
    },
  };
}

function connected(client: MqttClient): Promise<MqttClient> {
  return new Promise((resolve, reject) => {
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
      await client.publishAsync(topic, payload as Payload as Parameters<MqttClient['publish']>[1], { qos });
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
