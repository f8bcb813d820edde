import { STREAM_RELAY_BYTES_MAXIMUM } from '@starling/shared';

export interface RelayPorts {
  /** Has the fleet made one of these devices work for the other? */
  mayStream(from: string, to: string): Promise<boolean>;
  send(to: string, topic: string, payload: Uint8Array): Promise<boolean>;
}

export type Relay = (from: string, to: string, topic: string, payload: Uint8Array) => void;

/**
 * Takes what one device sends to another straight to that one, in order. What it may not send, and what a slow one does not take, is let
 * go. Nobody is cut off for it: a worker whose home was given to another cannot know before it hears it.
 */
export function createRelay({ mayStream, send }: RelayPorts): Relay {
  const underWayBytes = new Map<string, number>();
  const tails = new Map<string, Promise<void>>();

  const take = async (from: string, to: string, topic: string, payload: Uint8Array): Promise<void> => {
    // Attack: send values to a device that nobody joined with this one.
    if (!(await mayStream(from, to).catch(() => false))) return;
    void send(to, topic, payload)
      .catch(() => false)
      .then(() => {
        const left = (underWayBytes.get(to) ?? 0) - payload.length;
        if (left > 0) underWayBytes.set(to, left);
        else underWayBytes.delete(to);
      });
    underWayBytes.set(to, (underWayBytes.get(to) ?? 0) + payload.length);
  };
  return (from, to, topic, payload) => {
    // One slow device must not take the memory of all.
    if ((underWayBytes.get(to) ?? 0) + payload.length > STREAM_RELAY_BYTES_MAXIMUM) return;
    const key = `${from} ${to}`;
    const tail = (tails.get(key) ?? Promise.resolve())
      .then(() => take(from, to, topic, payload))
      .finally(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
    tails.set(key, tail);
  };
}
