import { connect, MqttClient } from 'mqtt';
import type { Transport } from '../core/ports/transport.ts';
import { createTransport } from '../mqtt/index.ts';
import { type Authority, connectPinned } from './pinned-tls.ts';

/** MQTT over TLS, WebSocket or, on loopback, plain TCP. */
export function createMqttTransport({ authority }: { authority: Authority | undefined }): Transport {
  return createTransport({
    brokersOf: ({ brokers }) => brokers,
    async start(broker, options) {
      if (authority === undefined) return connect(broker, options);
      const { protocol, hostname, port } = new URL(broker);
      // The library's own check knows the clock of this machine only. Over WebSocket there is no other.
      if (protocol !== 'mqtts:') return connect(broker, { ...options, ca: [...authority.certificates()] });
      const socket = await connectPinned(hostname.replace(/^\[|\]$/g, ''), Number(port || 8883), authority);
      return new MqttClient(() => socket, { ...options, ca: [...authority.certificates()] });
    },
  });
}
