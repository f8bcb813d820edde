import { isStarlingError, messageOf, StarlingError } from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import { Counters } from './figures.ts';
import { createGate, type Gate } from './gate.ts';
import type { GraphFigures } from './graph-figures.ts';
import { type GraphsInside, graphsInside, observeInside, portsInside, withFiguresInside } from './inside.ts';
import { ABSENT, DELIVERING, DONE, Item, type ItemResult, PRESENT, QUEUED, RUNNING, WAITING } from './item.ts';
import type { ItemInput } from './item-input.ts';
import type { Values } from './node-work.ts';
import type { GraphObserver, Observable, ObservedItem } from './observe.ts';
import type { OperatorItem } from './operators/index.ts';
import type { GraphPlan, PlannedNode } from './plan.ts';
import { gather, hasSome, readinessOf } from './readiness.ts';
import { isPromise, runWork } from './run-work.ts';
import { createStreams, type Streams } from './streams.ts';
import { Traffic } from './traffic.ts';

export interface GraphOptions {
  clock: Clock;
  /** Age at which an item is given up. */
  deadlineMs?: number | undefined;
}

/** A graph that runs items, many at once; each port of each item is either given a value once, or stays away. */
export interface Graph extends Observable {
  /**
   * Runs one item. Its first failure ends it and touches no other.
   * @throws StarlingError with the code of the node's failure and the field `nodes.<name>`; `cancelled`, `deadline-passed`,
   * `unknown-input`
   */
  run(input: ItemInput): Promise<ItemResult>;
  /** Items that have come in and not left. */
  readonly underWay: number;
  /** Ports at which items come in. */
  readonly roots: readonly string[];
  /** Something in it is kept from item to item. */
  readonly keepsState: boolean;
}

/** The lane of items that are ordered among all, not within their stream. */
const ALL = '';

export function createGraph(plan: GraphPlan, options: GraphOptions): Graph {
  return new GraphEngine(plan, options);
}

class GraphEngine implements Graph {
  readonly #plan: GraphPlan;
  readonly #clock: Clock;
  readonly #deadlineMs: number | undefined;
  readonly #gates: (Gate | undefined)[];
  readonly #counters: Counters;
  readonly #streams: Streams;
  /** What nodes keep of all streams together. */
  readonly #kept = new Map<number, object>();
  readonly #sources: readonly number[];
  readonly #traffic: Traffic;
  readonly #inside: GraphsInside;
  #observers: readonly GraphObserver[] = [];
  #nextTicket = 0;
  underWay = 0;
  readonly ports: readonly string[];
  readonly roots: readonly string[];
  readonly keepsState: boolean;

  constructor(plan: GraphPlan, { clock, deadlineMs }: GraphOptions) {
    this.#plan = plan;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    const own = plan.slots.map(({ reference }) => reference);
    this.#inside = graphsInside(plan.nodes);
    this.ports = [...own, ...portsInside(this.#inside)];
    this.roots = plan.roots.map((slot) => own[slot] ?? '');
    this.keepsState = plan.nodes.some(({ state, delay }) => state !== undefined || delay !== undefined);
    this.#gates = plan.nodes.map(gateFor);
    for (const { index, delay } of plan.nodes) if (delay?.role === 'write') this.#gates[index] = this.#gates[delay.partner];
    this.#counters = new Counters(plan);
    this.#traffic = new Traffic(plan, this.#counters, {
      skip: (item, node) => {
        const skipped = plan.nodes[node] as PlannedNode;
        // What stands for many nodes runs on what is left: some of them may not have waited for it.
        if (skipped.window === undefined) this.#skip(item, skipped);
      },
      delivered: (item, node) => this.#finish(item, plan.nodes[node] as PlannedNode),
      letIn: (item) => this.#closeIfDone(item),
      pump: (item) => this.#pump(item),
      seen: (item, reference, value) => {
        if (this.#observers.length > 0) this.#tell((observer, about) => observer.value?.(reference, value, about), item);
      },
    });
    this.#streams = createStreams((stream) => {
      for (const gate of this.#gates) gate?.forget(stream);
    });
    this.#sources = plan.nodes.filter(({ inputs, triggers }) => inputs.length === 0 && triggers.length === 0).map(({ index }) => index);
  }

  run(input: ItemInput): Promise<ItemResult> {
    for (const reference of Object.keys(input.values)) {
      const slot = this.#plan.slotOf.get(reference);
      if (slot !== undefined && this.#plan.roots.includes(slot)) continue;
      const known = this.#plan.roots.map((root) => this.#plan.slots[root]?.reference).join(', ');
      return Promise.reject(
        new StarlingError('unknown-input', `nothing comes in at ${reference}`, { field: reference, hint: `inputs: ${known}` }),
      );
    }
    const startedMs = this.#clock.monotonicMs();
    const { turn, timeMs } = this.#streams.enter(input.stream, input.timeMs);
    const item = new Item(this.#plan, { ...input, timeMs }, { ticket: this.#nextTicket, turn, startedMs });
    this.#nextTicket += 1;
    this.underWay += 1;
    return new Promise<ItemResult>((resolve, reject) => {
      item.settle = { resolve, reject };
      this.#watchOver(item);
      if (!item.hasFailed) this.#enter(item);
    });
  }

  observe(observer: GraphObserver): () => void {
    this.#observers = [...this.#observers, observer];
    const detachInside = observeInside(this.#inside, observer);
    return () => {
      detachInside();
      this.#observers = this.#observers.filter((each) => each !== observer);
    };
  }

  takeFigures(): GraphFigures {
    return withFiguresInside(this.#traffic.takeFigures(this.#counters), this.#inside);
  }

  /** Ends the item when nobody waits for it any more, or it has grown too old. */
  #watchOver(item: Item): void {
    const { signal } = item.input;
    if (signal !== undefined) {
      const cancel = (): void => this.#fail(item, new StarlingError('cancelled', 'the item was cancelled', { cause: signal.reason }));
      if (signal.aborted) cancel();
      else signal.addEventListener('abort', cancel, { once: true });
      item.cleanUp = [() => signal.removeEventListener('abort', cancel)];
    }
    if (this.#deadlineMs === undefined) return;
    const deadlineMs = this.#deadlineMs;
    const stop = this.#clock.after(deadlineMs, () => {
      const late = this.#plan.nodes.filter(({ index }) => item.nodes[index] !== DONE).map(({ name }) => name);
      this.#fail(item, new StarlingError('deadline-passed', `older than ${deadlineMs} ms; not done: ${late.join(', ')}`));
    });
    item.cleanUp = [...(item.cleanUp ?? []), stop];
  }

  #enter(item: Item): void {
    if (this.#observers.length > 0) this.#tell((observer, seen) => observer.item?.('entered', item.startedMs, seen), item);
    const { values } = item.input;
    for (const slot of this.#plan.roots) {
      const { reference } = this.#plan.slots[slot] as { reference: string };
      const isThere = Object.hasOwn(values, reference) && values[reference] !== undefined;
      this.#traffic.settle(item, slot, isThere ? PRESENT : ABSENT, isThere ? values[reference] : undefined, -1, item.startedMs);
    }
    for (const node of this.#sources) item.touched.push(node);
    this.#pump(item);
    // In a graph without nodes nothing else lets it leave.
    if (item.open === 0) this.#close(item);
  }

  /** Looks at every node of which something new is known, until nothing is. */
  #pump(item: Item): void {
    if (item.isPumping) return;
    item.isPumping = true;
    for (let index = item.touched.pop(); index !== undefined; index = item.touched.pop()) {
      if (item.nodes[index] !== WAITING || item.hasFailed) continue;
      const node = this.#plan.nodes[index] as PlannedNode;
      // What a delay keeps is read before it is written.
      if (node.delay?.role === 'write' && item.nodes[node.delay.partner] !== DONE) continue;
      const readiness = readinessOf(node, item, item.endedWindows?.has(index) === true);
      if (readiness === 'run') this.#fire(item, node);
      else if (readiness === 'skip') this.#skip(item, node);
      else if (node.joinWindowMs !== undefined && node.join === 'outer') this.#openWindow(item, node, node.joinWindowMs);
    }
    item.isPumping = false;
  }

  #openWindow(item: Item, node: PlannedNode, windowMs: number): void {
    const { index } = node;
    item.timers ??= new Map();
    if (item.timers.has(index) || !hasSome(node, item)) return;
    const cancel = this.#clock.after(windowMs, () => {
      item.endedWindows ??= new Set();
      item.endedWindows.add(index);
      item.touched.push(index);
      this.#pump(item);
    });
    item.timers.set(index, cancel);
  }

  #fire(item: Item, node: PlannedNode): void {
    // What is there now is what it gets, even if it has to wait for its turn; what stands for many nodes may lose some of it meanwhile.
    const now = gather(node, item, (wire) => this.#plan.wires[wire]?.slot ?? -1);
    const gate = this.#gates[node.index];
    if (gate === undefined || node.delay?.role === 'write') {
      this.#begin(item, node, now, 0);
      return;
    }
    item.nodes[node.index] = QUEUED;
    const queuedAtMs = this.#clock.monotonicMs();
    gate.enter(laneOf(node, item), ticketOf(node, item), () => {
      const inputs = node.window === undefined ? now : gather(node, item, (wire) => this.#plan.wires[wire]?.slot ?? -1);
      this.#begin(item, node, inputs, this.#clock.monotonicMs() - queuedAtMs);
      this.#pump(item);
    });
  }

  #begin(item: Item, node: PlannedNode, inputs: Values, queuedMs: number): void {
    item.nodes[node.index] = RUNNING;
    if (item.arrivals !== undefined) this.#traffic.takeUp(item, node);
    const startedMs = this.#clock.monotonicMs();
    const run = { startedMs, queuedMs };
    let outputs: Values | Promise<Values>;
    try {
      outputs = node.delay === undefined ? runWork(node, inputs, this.#view(item, node), this.#clock) : this.#delay(item, node, inputs);
    } catch (error) {
      this.#failed(item, node, error, run);
      return;
    }
    if (!isPromise(outputs)) {
      this.#ran(item, node, outputs, run);
      return;
    }
    outputs.then(
      (values) => {
        this.#ran(item, node, values, run);
        this.#pump(item);
      },
      (error: unknown) => {
        this.#failed(item, node, error, run);
        this.#pump(item);
      },
    );
  }

  #view(item: Item, { index, state }: PlannedNode): OperatorItem {
    if (state === undefined) return item.view();
    if (state === 'stream') return item.view((create) => this.#streams.stateOf(item.input.stream, index, create));
    return item.view(<State extends object>(create: () => State): State => {
      const known = (this.#kept.get(index) as State | undefined) ?? create();
      this.#kept.set(index, known);
      return known;
    });
  }

  /** The reader gives what the item before has left, the writer leaves what this one brings. */
  #delay(item: Item, node: PlannedNode, inputs: Values): Values {
    const isReader = node.delay?.role === 'read';
    const keeper = isReader ? node.index : (node.delay?.partner ?? -1);
    const kept = this.#streams.stateOf(item.input.stream, keeper, () => ({ values: node.work.run({}, item.view()) as Values }));
    if (isReader) return kept.values;
    kept.values = inputs;
    return {};
  }

  #ran(item: Item, node: PlannedNode, outputs: Values, run: { startedMs: number; queuedMs: number }): void {
    const endedMs = this.#clock.monotonicMs();
    this.#count(item, node, endedMs - run.startedMs);
    if (this.#observers.length > 0) this.#tell((observer, seen) => observer.node?.(node.name, { ...run, endedMs }, seen), item);
    if (!item.hasFailed) this.#give(item, node, outputs, undefined, endedMs);
    this.#finish(item, node);
  }

  #count(item: Item, node: PlannedNode, spentMs: number): void {
    const { runs, totalMs } = this.#counters;
    runs[node.index] = (runs[node.index] as number) + 1;
    totalMs[node.index] = (totalMs[node.index] as number) + spentMs;
    if (node.delay?.role !== 'write') item.nodesMs[node.name] = spentMs;
  }

  #failed(item: Item, node: PlannedNode, error: unknown, run: { startedMs: number; queuedMs: number }): void {
    const endedMs = this.#clock.monotonicMs();
    this.#counters.failures[node.index] = (this.#counters.failures[node.index] as number) + 1;
    if (this.#observers.length > 0) this.#tell((observer, seen) => observer.node?.(node.name, { ...run, endedMs, error }, seen), item);
    // What overran its time may still be at work on what it keeps: the next item starts afresh.
    if (node.state === 'stream' && isStarlingError(error) && error.code === 'timed-out') {
      this.#streams.dropState(item.input.stream, node.index);
    }
    if (!node.skipsOnError) this.#fail(item, error);
    else if (!item.hasFailed) this.#give(item, node, {}, errorValue(node, error), endedMs);
    this.#finish(item, node);
  }

  #skip(item: Item, node: PlannedNode): void {
    this.#counters.skipped[node.index] = (this.#counters.skipped[node.index] as number) + 1;
    this.#give(item, node, {}, undefined, 0);
    this.#finish(item, node);
  }

  #give(item: Item, node: PlannedNode, outputs: Values, error: Values | undefined, nowMs: number): void {
    for (const { port, slot } of node.outputs) {
      const value = outputs[port];
      this.#traffic.settle(item, slot, value === undefined ? ABSENT : PRESENT, value, node.index, nowMs);
    }
    if (node.errorSlot >= 0) this.#traffic.settle(item, node.errorSlot, error === undefined ? ABSENT : PRESENT, error, node.index, nowMs);
  }

  #finish(item: Item, node: PlannedNode): void {
    if (item.nodes[node.index] === DONE) return;
    if (!item.hasFailed && (item.heldBack?.get(node.index) ?? 0) > 0) {
      item.nodes[node.index] = DELIVERING;
      return;
    }
    item.nodes[node.index] = DONE;
    item.timers?.get(node.index)?.();
    if (item.arrivals !== undefined) this.#traffic.takeUp(item, node);
    if (node.delay?.role === 'read') item.touched.push(node.delay.partner);
    else this.#gates[node.index]?.done(laneOf(node, item), ticketOf(node, item));
    this.#closeIfDone(item);
  }

  #fail(item: Item, error: unknown): void {
    if (item.hasFailed) return;
    item.hasFailed = true;
    item.failure = error;
    item.cancelWork();
    item.settle?.reject(error instanceof StarlingError ? error : new StarlingError('node-failed', messageOf(error), { cause: error }));
    for (const node of this.#plan.nodes) {
      if (item.nodes[node.index] !== RUNNING) this.#finish(item, node);
    }
    if (item.open === 0) this.#close(item);
  }

  #closeIfDone(item: Item): void {
    item.open -= 1;
    if (item.open === 0) this.#close(item);
  }

  #close(item: Item): void {
    const { settle } = item;
    if (settle === undefined) return;
    item.settle = undefined;
    for (const undo of item.cleanUp ?? []) undo();
    this.#streams.leave(item.input.stream);
    this.underWay -= 1;
    if (this.#observers.length > 0) {
      this.#tell((observer, seen) => observer.item?.('left', this.#clock.monotonicMs(), seen, item.failure), item);
    }
    if (!item.hasFailed) settle.resolve(resultOf(item, this.#plan));
  }

  #tell(say: (observer: GraphObserver, item: ObservedItem) => void, { input, sequence }: Item): void {
    const { stream, timeMs, traceId, seenAs = sequence } = input;
    const seen: ObservedItem = { stream, timeMs, sequence: seenAs, traceId };
    for (const observer of this.#observers) say(observer, seen);
  }
}

function gateFor({ isOrdered, state, concurrency, delay, window }: PlannedNode): Gate | undefined {
  if (window !== undefined) {
    const gate = createGate({
      lane: Number.POSITIVE_INFINITY,
      get all() {
        return window.size;
      },
    });
    window.onWider(() => gate.widened());
    return gate;
  }
  if (delay !== undefined || state === 'stream') return createGate({ lane: 1, all: concurrency ?? Number.POSITIVE_INFINITY });
  if (state === 'node') return createGate({ lane: 1, all: 1 });
  if (!isOrdered) return undefined;
  return createGate({ lane: Number.POSITIVE_INFINITY, all: concurrency ?? Number.POSITIVE_INFINITY });
}

function isByStream({ state, delay, window }: PlannedNode): boolean {
  return state === 'stream' || delay !== undefined || window !== undefined;
}

function laneOf(node: PlannedNode, item: Item): string {
  return isByStream(node) ? item.input.stream : ALL;
}

function ticketOf(node: PlannedNode, item: Item): number {
  return isByStream(node) ? item.turn : item.ticket;
}

/** What an edge from the port `error` carries. */
function errorValue({ name }: PlannedNode, error: unknown): Values {
  return { code: isStarlingError(error) ? error.code : 'node-failed', message: messageOf(error), node: name };
}

function resultOf({ outputs, nodesMs, values, slots }: Item, plan: GraphPlan): ItemResult {
  return {
    outputs,
    nodesMs,
    value(reference) {
      const slot = plan.slotOf.get(reference);
      return slot === undefined ? undefined : values[slot];
    },
    *entries() {
      for (const [slot, { reference }] of plan.slots.entries()) if (slots[slot] === PRESENT) yield [reference, values[slot]];
    },
  };
}
