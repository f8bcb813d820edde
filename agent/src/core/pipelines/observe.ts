import type { ItemInput } from './item.ts';

/** The item that something was seen of. */
export interface ObservedItem extends Pick<ItemInput, 'stream' | 'timeMs' | 'traceId'> {
  sequence: number;
}

/**
 * Whoever watches a graph while it runs: taps, traces, replays. Called between two nodes, so it must be quick and must not throw; values
 * are those that travel on, not copies. Nothing is paid for while nobody watches.
 */
export interface GraphObserver {
  /** A port gave a value. */
  value?(reference: string, value: unknown, item: ObservedItem): void;
  /** A node ran. Times are those of the monotonic clock, in milliseconds. */
  node?(name: string, run: { startedMs: number; endedMs: number; queuedMs: number; error?: unknown }, item: ObservedItem): void;
  /** An item has come in, or has left. */
  item?(event: 'entered' | 'left', atMs: number, item: ObservedItem, error?: unknown): void;
}
