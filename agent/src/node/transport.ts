import { messageOf, StarlingError } from '@starling/shared';
import { connect, type IClientOptions, MqttClient } from 'mqtt';
import type { Connection, Transport } from '../core/ports/transport.ts';
import { type Authority, connectPinned } from './pinned-tls.ts';

const CONNECT_TIMEOUT_MS = 15_000;
const KEEPALIVE_SECONDS = 20;

/** MQTT 3.1.1 by mqtt.js, over TLS, WebSocket or, on loopback, plain TCP. Reconnecting is left to the link. */
export function createMqttTransport({ authority }: { authority: Authority | undefined }): Transport {
  return {
    async connect(login, will, events) {
      const reasons: string[] = [];
      for (const broker of login.brokers) {
        const options: IClientOptions = {
          clientId: login.username,
          username: login.username,
          password: login.password,
          protocolVersion: 4,
          clean: true,
          reconnectPeriod: 0,
          connectTimeout: CONNECT_TIMEOUT_MS,
          keepalive: KEEPALIVE_SECONDS,
          will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 0, retain: false },
          ...(authority === undefined ? {} : { ca: authority.certificate }),
        };
        try {
          const client = await open(broker, options, authority);
          return connectionOver(client, events);
        } catch (error) {
          reasons.push(`${broker}: ${messageOf(error)}`);
        }
      }
      throw new StarlingError('broker-unreachable', reasons.join('; '), { retryable: true });
    },
  };
}

async function open(broker: string, options: IClientOptions, authority: Authority | undefined): Promise<MqttClient> {
  const { protocol, hostname, port } = new URL(broker);
  // The library's own check knows the clock of this machine only. Over WebSocket there is no other.
  const checked = authority !== undefined && protocol === 'mqtts:';
  const socket = checked ? await connectPinned(hostname.replace(/^\[|\]$/g, ''), Number(port || 8883), authority) : undefined;
  return new Promise((resolve, reject) => {
    const client = socket === undefined ? connect(broker, options) : new MqttClient(() => socket, options);
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
      await client.publishAsync(topic, Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength), { qos });
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
