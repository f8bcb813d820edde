import mqtt from 'mqtt';
import type { Transport } from '../core/ports/transport.ts';
import { createTransport } from '../mqtt/index.ts';

/** MQTT over WebSocket. @param fleetUrl where this browser reaches the fleet */
export function createMqttTransport(fleetUrl: string): Transport {
  return createTransport({
    brokersOf: ({ brokers }) => webSocketBrokers(fleetUrl, brokers),
    // The library's other timers are a worker made from text, which the page's content policy forbids; this is a worker already.
    start: (broker, options) => mqtt.connect(broker, { ...options, timerVariant: 'native' }),
  });
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
