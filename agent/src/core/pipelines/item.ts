import type { Arrival } from './edge-queue.ts';
import type { ItemInput } from './item-input.ts';
import type { OperatorItem } from './operators/index.ts';
import type { GraphPlan } from './plan.ts';

/** What is known of a port or wire for one item. */
export const PENDING = 0;
export const PRESENT = 1;
export const ABSENT = 2;

/** Where a node stands with one item. */
export const WAITING = 0;
export const QUEUED = 1;
export const RUNNING = 2;
export const DELIVERING = 3;
export const DONE = 4;

/** What came of an item. */
export interface ItemResult {
  outputs: Record<string, unknown>;
  /** Time in each node that ran, in milliseconds. */
  nodesMs: Record<string, number>;
  /** What a port (`node.port`) gave; undefined if it gave nothing. */
  value(reference: string): unknown;
  /** All that ports gave, with what gave it. */
  entries(): Iterable<[reference: string, value: unknown]>;
}

/** One item on its way. Everything about it lies in arrays by the indices of the plan. */
export class Item {
  readonly input: ItemInput;
  /** Place among all items of the graph, and among those of its stream. */
  readonly ticket: number;
  /** Among the items of its stream, from 0 without gaps. */
  readonly turn: number;
  /** As scripts and operators see it: its turn, or what it had when it ran first. */
  readonly sequence: number;
  readonly startedMs: number;
  readonly values: unknown[];
  readonly slots: Uint8Array;
  readonly wires: Uint8Array;
  readonly nodes: Uint8Array;
  readonly nodesMs: Record<string, number> = {};
  readonly outputs: Record<string, unknown> = {};
  /** Nodes that are to be looked at. */
  readonly touched: number[] = [];
  isPumping = false;
  /** Nodes that are not done, and inputs that were not let in. */
  open: number;
  failure: unknown;
  hasFailed = false;
  /** Values of this item that wait on bounded edges, by wire. */
  arrivals: Map<number, Arrival> | undefined;
  /** Where several wires end at one input: those that brought something, in order. */
  joined: number[] | undefined;
  /** Outputs of a node that are held back, by node; -1 for what came in. */
  heldBack: Map<number, number> | undefined;
  /** Timers of `outer` joins that wait, by node. */
  timers: Map<number, () => void> | undefined;
  /** `outer` joins that do not wait any longer. */
  endedWindows: Set<number> | undefined;
  settle: { resolve(result: ItemResult): void; reject(error: unknown): void } | undefined;
  /** What is to be undone when the item has left. */
  cleanUp: (() => void)[] | undefined;
  #abort: AbortController | undefined;
  #shared: OperatorItem | undefined;

  constructor(plan: GraphPlan, input: ItemInput, place: { ticket: number; turn: number; startedMs: number }) {
    this.input = input;
    this.ticket = place.ticket;
    this.turn = place.turn;
    this.sequence = input.sequence ?? place.turn;
    this.startedMs = place.startedMs;
    this.values = new Array(plan.slots.length);
    this.slots = new Uint8Array(plan.slots.length);
    this.wires = new Uint8Array(plan.wires.length);
    this.nodes = new Uint8Array(plan.nodes.length);
    this.open = plan.nodes.length;
  }

  /** Made when somebody asks: most operators never do. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.hasFailed) this.#abort.abort(this.failure);
    }
    return this.#abort.signal;
  }

  cancelWork(): void {
    this.#abort?.abort(this.failure);
  }

  /** The item as nodes see it. @param state gives what the node keeps; a node that keeps nothing has no business to ask */
  view(state?: OperatorItem['state']): OperatorItem {
    if (state !== undefined) return new ItemView(this, state);
    this.#shared ??= new ItemView(this, keepsNothing);
    return this.#shared;
  }
}

class ItemView implements OperatorItem {
  readonly stream: string;
  readonly sequence: number;
  readonly seenAs: number;
  readonly timeMs: number;
  readonly resultId: string | undefined;
  readonly traceparent: string | undefined;
  readonly state: OperatorItem['state'];
  readonly #item: Item;

  constructor(item: Item, state: OperatorItem['state']) {
    this.stream = item.input.stream;
    this.sequence = item.sequence;
    this.seenAs = item.input.seenAs ?? item.sequence;
    this.timeMs = item.input.timeMs;
    this.resultId = item.input.resultId;
    this.traceparent = item.input.traceparent;
    this.state = state;
    this.#item = item;
  }

  get signal(): AbortSignal {
    return this.#item.signal;
  }
}

/** For nodes that are not declared to keep anything: what they make is gone after the run. */
function keepsNothing<State extends object>(create: () => State): State {
  return create();
}
