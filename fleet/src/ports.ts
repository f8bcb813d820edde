import type { FleetEvent } from '@starling/shared';

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
}

export interface Ids {
  /** A random identifier of 128 bits, 26 characters. */
  next(): string;
  /** Random bytes for secrets. */
  bytes(count: number): Uint8Array;
}

export interface Log {
  debug(detail: object, message: string): void;
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}

/** Tells whoever watches (server-sent events, waiting callers) that something changed. Nothing depends on an event arriving. */
export interface EventBus {
  publish(event: FleetEvent): void;
  /**
   * @param listener told as well whether it happened in another process of this fleet
   * @returns a function that ends the subscription
   */
  subscribe(listener: (event: FleetEvent, isElsewhere: boolean) => void): () => void;
}
