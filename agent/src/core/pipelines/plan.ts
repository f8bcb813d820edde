import {
  INPUT_NODE,
  type JoinMode,
  OUTPUT_NODE,
  type PipelineGraph,
  type PipelineNode,
  parsePortReference,
  type QueuePolicy,
  StarlingError,
} from '@starling/shared';
import type { NodeWork } from './node-work.ts';

/** The operator whose output is the value of the item before: the one place where a cycle is closed. */
const DELAY = 'flow.delay';

/** A port that gives values: of a node, of the pipeline's inputs, or of a source. Its index is the place of its value in an item. */
export interface Slot {
  reference: string;
  /** Wires that carry it on. */
  wires: number[];
}

/** One edge, or one trigger: from a slot to a node. */
export interface Wire {
  slot: number;
  /** -1: to an output of the pipeline. */
  node: number;
  from: string;
  to: string;
  queue: { length: number; policy: QueuePolicy } | undefined;
  /** Other wires end at the same input: the first value counts. */
  isJoined: boolean;
}

export interface PlannedInput {
  port: string;
  /** More than one where branches join. */
  wires: number[];
  isOptional: boolean;
}

/** Which items a node may keep something of: of one stream, or of all. */
export type StateScope = 'stream' | 'node';

export interface PlannedNode {
  index: number;
  name: string;
  work: NodeWork;
  each: boolean;
  /** Ports that need no value. */
  optional: readonly string[];
  join: JoinMode;
  joinWindowMs: number | undefined;
  inputs: PlannedInput[];
  triggers: number[];
  triggersAny: boolean;
  /** Port -> slot. */
  outputs: { port: string; slot: number }[];
  /** The port `error`, where an edge starts; -1 where none does. */
  errorSlot: number;
  skipsOnError: boolean;
  timeoutMs: number | undefined;
  retry: { attempts: number; delayMs: number } | undefined;
  /** Items at once; no limit but that of the pipeline if undefined. */
  concurrency: number | undefined;
  /** Takes the items in the order in which they came in. */
  isOrdered: boolean;
  state: StateScope | undefined;
  /** It stands for nodes that another machine runs: so many items may be there at once. */
  window: ItemWindow | undefined;
  /** Of a delay: the node that keeps the value (on its reader), or the one that gives it (on its writer). */
  delay: { role: 'read' | 'write'; partner: number } | undefined;
}

/** A checked pipeline as the engine runs it: numbers in place of names. */
export interface GraphPlan {
  nodes: readonly PlannedNode[];
  slots: readonly Slot[];
  wires: readonly Wire[];
  slotOf: ReadonlyMap<string, number>;
  /** Pipeline output -> wires that may give it, in the order of the document. */
  outputs: ReadonlyMap<string, readonly number[]>;
  /** Slots that an item may bring along. */
  roots: readonly number[];
}

/** How many items may be on their way to another machine and back; that machine says so, and may change its mind. */
export interface ItemWindow {
  readonly size: number;
  /** @param listener called when more may go than before */
  onWider(listener: () => void): void;
}

/** What a node is bound to: its work, and what its operator or model says about it. */
export interface BoundNode {
  work: NodeWork;
  optional?: readonly string[];
  state?: StateScope | undefined;
  /** Of a source: the ports that it gives. It has no work. */
  sourcePorts?: readonly string[];
  /** It stands for nodes that run elsewhere: its outputs are their ports, by their whole names. */
  window?: ItemWindow;
}

/**
 * Turns a checked pipeline, flattened, into a plan.
 * @throws StarlingError `invalid-pipeline` if nodes wait for each other or a reference leads nowhere; types were checked when the
 * release was made
 */
export function planGraph(
  graph: Pick<PipelineGraph, 'inputs' | 'outputs' | 'nodes' | 'edges'>,
  bind: (name: string, node: PipelineNode) => BoundNode,
): GraphPlan {
  const plan = new PlanBuilder();
  for (const port of Object.keys(graph.inputs)) plan.addRoot(`${INPUT_NODE}.${port}`);
  for (const [name, node] of Object.entries(graph.nodes)) plan.addNode(name, node, bind(name, node));
  for (const edge of graph.edges) plan.addEdge(edge);
  for (const [name, node] of Object.entries(graph.nodes)) plan.addTriggers(name, node);
  for (const port of Object.keys(graph.outputs)) if (!plan.outputs.has(port)) plan.outputs.set(port, []);
  const built = { ...plan };
  requireAcyclic(built);
  return built;
}

class PlanBuilder {
  readonly nodes: PlannedNode[] = [];
  readonly slots: Slot[] = [];
  readonly wires: Wire[] = [];
  readonly slotOf = new Map<string, number>();
  readonly outputs = new Map<string, number[]>();
  readonly roots: number[] = [];
  readonly #takers = new Map<string, PlannedNode>();

  addRoot(reference: string): void {
    this.roots.push(this.#addSlot(reference));
  }

  addNode(name: string, node: PipelineNode, bound: BoundNode): void {
    if ('source' in node) {
      for (const port of bound.sourcePorts ?? []) this.addRoot(`${name}.${port}`);
      return;
    }
    if ('op' in node && node.op === DELAY) this.#addDelay(name, node, bound);
    else this.#takers.set(name, this.#push(name, node, bound, bound.work.outputNames));
  }

  /** A delay is two nodes: one that gives what was kept, before anything is waited for, and one that keeps. */
  #addDelay(name: string, node: PipelineNode, bound: BoundNode): void {
    const reader = this.#push(name, node, bound, bound.work.outputNames);
    const writer = this.#push(`${name} (keeps)`, node, bound, []);
    reader.delay = { role: 'read', partner: writer.index };
    writer.delay = { role: 'write', partner: reader.index };
    for (const half of [reader, writer]) Object.assign(half, { state: undefined, isOrdered: false, join: 'inner' });
    this.#takers.set(name, writer);
  }

  #push(name: string, node: PipelineNode, bound: BoundNode, outputNames: readonly string[]): PlannedNode {
    const work = 'sink' in node || 'source' in node ? undefined : node;
    const planned: PlannedNode = {
      index: this.nodes.length,
      ...{ name, work: bound.work, inputs: [], triggers: [], errorSlot: -1, delay: undefined, optional: bound.optional ?? [] },
      each: work?.each ?? false,
      join: 'join' in node ? node.join : 'inner',
      joinWindowMs: 'join' in node ? node.joinWindowMs : undefined,
      triggersAny: 'join' in node && node.triggersJoin === 'any',
      outputs: outputNames.map((port) => ({ port, slot: this.#addSlot(bound.window === undefined ? `${name}.${port}` : port) })),
      skipsOnError: work?.onError === 'skip' || 'sink' in node,
      timeoutMs: work?.timeoutMs,
      retry: work?.retry,
      concurrency: work?.concurrency,
      isOrdered: work?.concurrency !== undefined,
      state: bound.state,
      window: bound.window,
    };
    this.nodes.push(planned);
    return planned;
  }

  #addSlot(reference: string): number {
    const known = this.slotOf.get(reference);
    if (known !== undefined) return known;
    this.slotOf.set(reference, this.slots.length);
    return this.slots.push({ reference, wires: [] }) - 1;
  }

  addEdge({ from, to, queue }: { from: string; to: string; queue?: Wire['queue'] }): void {
    const target = parsePortReference(to);
    if (target.node === OUTPUT_NODE) {
      const wire = this.#addWire(from, -1, to, undefined);
      this.outputs.set(target.port, [...(this.outputs.get(target.port) ?? []), wire]);
      return;
    }
    const node = this.#taker(target.node, to);
    const wire = this.#addWire(from, node.index, to, queue);
    if (queue !== undefined) node.isOrdered = true;
    const input = node.inputs.find(({ port }) => port === target.port);
    if (input === undefined) node.inputs.push({ port: target.port, wires: [wire], isOptional: node.optional.includes(target.port) });
    else {
      input.wires.push(wire);
      for (const joined of input.wires) (this.wires[joined] as Wire).isJoined = true;
    }
  }

  addTriggers(name: string, node: PipelineNode): void {
    if (!('triggers' in node)) return;
    const taker = this.#taker(name, name);
    for (const from of node.triggers ?? []) taker.triggers.push(this.#addWire(from, taker.index, `${name} (trigger)`, undefined));
  }

  #addWire(from: string, node: number, to: string, queue: Wire['queue']): number {
    const slot = this.slotOf.get(from) ?? this.#errorSlot(from);
    const wire = this.wires.push({ slot, node, from, to, queue, isJoined: false }) - 1;
    (this.slots[slot] as Slot).wires.push(wire);
    return wire;
  }

  /** A node has a port `error` as soon as somebody listens to it. */
  #errorSlot(from: string): number {
    const { node, port } = parsePortReference(from);
    const planned = this.nodes.find(({ name }) => name === node);
    if (planned === undefined) throw dangling(from);
    if (port !== 'error') throw unknownOutput(planned, port);
    planned.errorSlot = this.#addSlot(from);
    planned.skipsOnError = true;
    return planned.errorSlot;
  }

  #taker(node: string, reference: string): PlannedNode {
    const taker = this.#takers.get(node);
    if (taker === undefined) throw dangling(reference);
    return taker;
  }
}

function dangling(reference: string): StarlingError {
  return new StarlingError('invalid-pipeline', `nothing in the graph is called ${reference}`, { field: 'edges' });
}

/** What a model gives is known once its file is read. */
function unknownOutput({ name, outputs }: PlannedNode, port: string): StarlingError {
  const given = [...outputs.map((output) => output.port), 'error'].join(', ');
  return new StarlingError('invalid-pipeline', `"${name}" has no output "${port}"`, { field: 'edges', hint: `outputs: ${given}` });
}

/** Kahn's algorithm: whatever is left waits for itself. */
function requireAcyclic({ nodes, slots, wires }: Pick<GraphPlan, 'nodes' | 'slots' | 'wires'>): void {
  const waiting = nodes.map(({ inputs, triggers }) => inputs.flatMap((input) => input.wires).length + triggers.length);
  const produced = new Set(nodes.flatMap(({ outputs, errorSlot }) => [...outputs.map(({ slot }) => slot), errorSlot]));
  for (const wire of wires) if (wire.node >= 0 && !produced.has(wire.slot)) waiting[wire.node] = (waiting[wire.node] ?? 0) - 1;
  const open = nodes.filter(({ index }) => waiting[index] === 0);
  let placed = 0;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    placed += 1;
    const given = node.errorSlot < 0 ? node.outputs.map(({ slot }) => slot) : [...node.outputs.map(({ slot }) => slot), node.errorSlot];
    for (const wire of given.flatMap((slot) => slots[slot]?.wires ?? [])) {
      const target = wires[wire]?.node ?? -1;
      if (target < 0) continue;
      waiting[target] = (waiting[target] ?? 0) - 1;
      if (waiting[target] === 0) open.push(nodes[target] as PlannedNode);
    }
  }
  if (placed === nodes.length) return;
  const names = nodes.filter(({ index }) => (waiting[index] ?? 0) > 0).map(({ name }) => name);
  throw new StarlingError('invalid-pipeline', `nodes wait for each other: ${names.join(', ')}`, { field: 'edges' });
}
