import { messageOf, StarlingError } from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import { type CompiledNode, type CompiledPipeline, inputReference } from './compile.ts';
import type { OperatorItem } from './operators/index.ts';

/** Runs one node on one set of inputs, or on the items of its lists at once. */
export interface NodeWork {
  run(inputs: Readonly<Record<string, unknown>>, item: OperatorItem): Promise<Record<string, unknown>>;
  /** Present where a node can do several items of an `each` together (batches, bounded concurrency). Order is kept. */
  runEach(items: readonly Readonly<Record<string, unknown>>[], item: OperatorItem): Promise<Record<string, unknown>[]>;
  /** Names of the outputs, needed when a list is empty and no run could tell. */
  outputNames: readonly string[];
}

export interface ItemRun {
  outputs: Record<string, unknown>;
  /** Every value that an edge carried, by `node.port`; for monitors and taps. */
  values: ReadonlyMap<string, unknown>;
  nodesMs: Record<string, number>;
}

/**
 * Runs one item through the graph. A node starts as soon as its inputs are there; the first failure cancels the rest of this item
 * and touches no other.
 * @throws StarlingError with the code of the node's failure and the field `nodes.<name>`
 */
export async function runItem(
  pipeline: CompiledPipeline<NodeWork>,
  inputs: Readonly<Record<string, unknown>>,
  context: { clock: Clock; signal?: AbortSignal | undefined },
): Promise<ItemRun> {
  const abort = new AbortController();
  const signal = context.signal === undefined ? abort.signal : AbortSignal.any([abort.signal, context.signal]);
  const values = new Map<string, unknown>(Object.entries(inputs).map(([name, value]) => [inputReference(name), value]));
  const item: OperatorItem = { signal, stream: '', sequence: 0, timeMs: context.clock.wallMs(), state: (create) => create() };
  const nodesMs: Record<string, number> = {};
  const done = new Map<string, Promise<void>>();

  const start = async (node: CompiledNode<NodeWork>): Promise<void> => {
    await Promise.all(node.inputs.map((wire) => done.get(wire.from.slice(0, wire.from.indexOf('.')))));
    signal.throwIfAborted();
    const startedMs = context.clock.monotonicMs();
    const outputs = await runNode(node, values, item, context.clock);
    nodesMs[node.name] = context.clock.monotonicMs() - startedMs;
    for (const [port, value] of Object.entries(outputs)) values.set(`${node.name}.${port}`, value);
  };
  for (const node of pipeline.nodes) {
    const running = start(node);
    // The failure is reported once, by Promise.all below; without this, nodes behind it would be unhandled rejections.
    running.catch(() => undefined);
    done.set(node.name, running);
  }
  try {
    await Promise.all(done.values());
  } catch (error) {
    abort.abort(error);
    throw context.signal?.aborted === true ? new StarlingError('cancelled', 'the item was cancelled', { cause: error }) : error;
  }
  const outputs = Object.fromEntries(Object.entries(pipeline.outputs).map(([name, from]) => [name, values.get(from)]));
  return { outputs, values, nodesMs };
}

async function runNode(
  node: CompiledNode<NodeWork>,
  values: ReadonlyMap<string, unknown>,
  item: OperatorItem,
  clock: Clock,
): Promise<Record<string, unknown>> {
  const inputs = Object.fromEntries(node.inputs.map((wire) => [wire.port, values.get(wire.from)]));
  const work = node.each ? runOnEach(node, inputs, item) : node.work.run(inputs, item);
  try {
    return await withTimeout(work, node.timeoutMs, clock);
  } catch (error) {
    if (error instanceof StarlingError && error.field !== undefined) throw error;
    const code = error instanceof StarlingError ? error.code : 'node-failed';
    throw new StarlingError(code, `${node.name}: ${messageOf(error)}`, { field: `nodes.${node.name}`, cause: error });
  }
}

/** Spreads lists over runs and gathers the outputs into lists; inputs that are no lists go to every run. */
async function runOnEach(
  node: CompiledNode<NodeWork>,
  inputs: Readonly<Record<string, unknown>>,
  item: OperatorItem,
): Promise<Record<string, unknown>> {
  const lists = Object.entries(inputs).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  const lengths = new Set(lists.map(([, list]) => list.length));
  if (lengths.size !== 1) {
    throw new StarlingError('list-mismatch', `${node.name} got lists of ${[...lengths].join(' and ') || 'no'} items`, {
      field: `nodes.${node.name}`,
    });
  }
  const count = lists[0]?.[1].length ?? 0;
  const items = Array.from({ length: count }, (_, index) => ({
    ...inputs,
    ...Object.fromEntries(lists.map(([port, list]) => [port, list[index]])),
  }));
  const results = count === 0 ? [] : await node.work.runEach(items, item);
  return Object.fromEntries(node.work.outputNames.map((port) => [port, results.map((result) => result[port])]));
}

function withTimeout<Value>(work: Promise<Value>, timeoutMs: number | undefined, clock: Clock): Promise<Value> {
  if (timeoutMs === undefined) return work;
  return new Promise((resolve, reject) => {
    const cancel = clock.after(timeoutMs, () => reject(new StarlingError('timed-out', `took longer than ${timeoutMs} ms`)));
    work.then(resolve, reject).finally(cancel);
  });
}
