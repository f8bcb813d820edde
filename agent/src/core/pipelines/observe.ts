import type { GraphFigures } from './graph-figures.ts';
import type { ItemInput } from './item-input.ts';

/** The item that something was seen of. */
export interface ObservedItem extends Pick<ItemInput, 'stream' | 'timeMs' | 'traceId'> {
  sequence: number;
}

/** A graph whose values can be seen and counted. */
export interface Observable {
  /** All ports (`node.port`) that give values; those inside a pipeline that runs as a whole are `node/inner.port`. */
  readonly ports: readonly string[];
  /** @returns a function that ends the watching */
  observe(observer: GraphObserver): () => void;
  /** What its nodes and ports did since the last time. */
  takeFigures(): GraphFigures;
}

/**
 * Whoever watches a graph while it runs: taps, traces, replays. Called between two nodes, so it must be quick and must not throw; values
 * are those that travel on, not copies. Nothing is paid for while nobody watches.
 */
export interface GraphObserver {
  /** A port gave a value. One inside an `each` gives one for each item of the list; all of them belong to the item with the list. */
  value?(reference: string, value: unknown, item: ObservedItem): void;
  /** A node ran. Times are those of the monotonic clock, in milliseconds. */
  node?(name: string, run: { startedMs: number; endedMs: number; queuedMs: number; error?: unknown }, item: ObservedItem): void;
  /** An item has come in, or has left. */
  item?(event: 'entered' | 'left', atMs: number, item: ObservedItem, error?: unknown): void;
}
