import type { DeviceLogin } from '@starling/shared';

export interface TransportEvents {
  onMessage(topic: string, payload: Uint8Array): void;
  onClosed(reason: string): void;
}

/** One connection to a broker. */
export interface Connection {
  publish(topic: string, payload: Uint8Array, qos: 0 | 1): Promise<void>;
  subscribe(filters: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** MQTT as the agent needs it; reconnecting is the link's matter. */
export interface Transport {
  /**
   * Tries the brokers of a login in order.
   * @param will last will: topic and payload that the broker sends for a device that vanishes
   */
  connect(login: DeviceLogin, will: { topic: string; payload: Uint8Array }, events: TransportEvents): Promise<Connection>;
}
