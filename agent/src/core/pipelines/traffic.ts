import { type Arrival, createEdgeQueue, type EdgeQueue } from './edge-queue.ts';
import type { Counters } from './figures.ts';
import type { GraphFigures } from './graph-figures.ts';
import { ABSENT, DELIVERING, type Item, PRESENT, QUEUED, WAITING } from './item.ts';
import type { GraphPlan, PlannedNode } from './plan.ts';

/** What follows from values that move. */
export interface TrafficHost {
  /** A node that waited for its turn lost what it was to run on. */
  skip(item: Item, node: number): void;
  /** All that a node gave has been let in where it goes. */
  delivered(item: Item, node: number): void;
  /** What came in with the item and was held back has been let in. */
  letIn(item: Item): void;
  /** Nodes were touched. */
  pump(item: Item): void;
  seen(item: Item, reference: string, value: unknown): void;
}

/** Moves values from the ports that give them along the wires, through the queues of bounded edges. */
export class Traffic {
  readonly #plan: GraphPlan;
  readonly #counters: Counters;
  readonly #host: TrafficHost;
  readonly #queues: (EdgeQueue | undefined)[];
  /** Of each queue, what was counted already. */
  readonly #dropped: Float64Array;

  constructor(plan: GraphPlan, counters: Counters, host: TrafficHost) {
    this.#plan = plan;
    this.#counters = counters;
    this.#host = host;
    this.#queues = plan.wires.map(({ queue }) => (queue === undefined ? undefined : createEdgeQueue(queue)));
    this.#dropped = new Float64Array(plan.wires.length);
  }

  takeFigures(counters: Counters): GraphFigures {
    this.#queues.forEach((queue, wire) => {
      if (queue === undefined) return;
      const slot = this.#plan.wires[wire]?.slot ?? 0;
      counters.dropped[slot] = (counters.dropped[slot] ?? 0) + queue.dropped - (this.#dropped[wire] ?? 0);
      this.#dropped[wire] = queue.dropped;
    });
    const waitingAt = (wire: number): number => this.#queues[wire]?.waiting ?? 0;
    return counters.take(this.#plan, (slot) => (this.#plan.slots[slot]?.wires ?? []).reduce((sum, wire) => sum + waitingAt(wire), 0));
  }

  /** A port has given its value, or is known to give none. */
  settle(item: Item, slot: number, state: number, value: unknown, producer: number, nowMs: number): void {
    item.slots[slot] = state;
    item.values[slot] = value;
    const { items, absent, totalAgeMs } = this.#counters;
    if (state === PRESENT) {
      items[slot] = (items[slot] as number) + 1;
      totalAgeMs[slot] = (totalAgeMs[slot] as number) + nowMs - item.startedMs;
      this.#host.seen(item, (this.#plan.slots[slot] as { reference: string }).reference, value);
    } else absent[slot] = (absent[slot] as number) + 1;
    for (const wire of this.#plan.slots[slot]?.wires ?? []) {
      const queue = state === PRESENT ? this.#queues[wire] : undefined;
      if (queue === undefined) this.#arrive(item, wire, state);
      else this.#queueUp(item, wire, queue, producer);
    }
  }

  #arrive(item: Item, wire: number, state: number): void {
    item.wires[wire] = state;
    const { node, slot, to, isJoined } = this.#plan.wires[wire] as GraphPlan['wires'][number];
    if (isJoined && state === PRESENT) {
      item.joined ??= [];
      item.joined.push(wire);
    }
    if (node >= 0) {
      if (item.nodes[node] === WAITING) item.touched.push(node);
    } else if (state === PRESENT) {
      const name = to.slice(to.indexOf('.') + 1);
      // Where branches join at an output, the first one counts.
      if (!Object.hasOwn(item.outputs, name)) item.outputs[name] = item.values[slot];
    }
  }

  #queueUp(item: Item, wire: number, queue: EdgeQueue, producer: number): void {
    const { node } = this.#plan.wires[wire] as { node: number };
    if (item.nodes[node] !== WAITING) {
      this.#arrive(item, wire, PRESENT);
      return;
    }
    let isHeldBack = false;
    const arrival: Arrival = {
      ...{ order: item.ticket, producer },
      accept: () => {
        this.#arrive(item, wire, PRESENT);
        if (!isHeldBack) return;
        this.#letGo(item, producer);
        this.#host.pump(item);
      },
      refuse: () => {
        item.arrivals?.delete(wire);
        this.#arrive(item, wire, ABSENT);
      },
      drop: () => {
        item.arrivals?.delete(wire);
        item.wires[wire] = ABSENT;
        if (item.nodes[node] === QUEUED) this.#host.skip(item, node);
        else item.touched.push(node);
        this.#host.pump(item);
      },
    };
    item.arrivals ??= new Map();
    item.arrivals.set(wire, arrival);
    if (queue.arrive(arrival)) return;
    isHeldBack = true;
    item.heldBack ??= new Map();
    item.heldBack.set(producer, (item.heldBack.get(producer) ?? 0) + 1);
    if (producer < 0) item.open += 1;
  }

  /** One output that was held back has been let in. */
  #letGo(item: Item, producer: number): void {
    const left = (item.heldBack?.get(producer) ?? 0) - 1;
    if (left > 0) {
      item.heldBack?.set(producer, left);
      if (producer >= 0) return;
    } else item.heldBack?.delete(producer);
    if (producer < 0) this.#host.letIn(item);
    else if (item.nodes[producer] === DELIVERING) this.#host.delivered(item, producer);
  }

  /** The node takes up what waits for it, or never will. */
  takeUp(item: Item, node: PlannedNode): void {
    for (const wire of node.inputs.flatMap(({ wires }) => wires)) {
      const arrival = item.arrivals?.get(wire);
      if (arrival === undefined) continue;
      item.arrivals?.delete(wire);
      // Nobody is going to take it up any more, so whoever gave it need not hold it.
      if (this.#queues[wire]?.leave(arrival) === true) this.#letGo(item, arrival.producer);
    }
  }
}
