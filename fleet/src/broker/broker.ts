import type { Topics } from '@starling/shared';

/** The way to devices, whatever carries it. */
export interface Broker {
  /** Sends to the one device. @returns false if it certainly did not go out */
  send(device: string, topic: string, payload: Uint8Array, qos: 0 | 1): Promise<boolean>;
  /** Undefined where the broker does not tell: then when it was last heard says it. */
  isConnected(device: string): boolean | undefined;
  /** Cuts a connection: done, or tried in vain, when it settles. Never rejects. */
  disconnect(device: string): Promise<void>;
  close(): Promise<void>;
}

/** Topics as devices have them: below one root for all, or each below a root of its own. */
export interface DeviceTopics extends Pick<Topics, 'root' | 'build' | 'parse'> {
  /** What a device is told at its login. */
  rootOf(device: string): string;
}
