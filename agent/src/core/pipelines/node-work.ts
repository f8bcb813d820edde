import { type ModelNode, StarlingError } from '@starling/shared';
import type { Engine, Tensor } from '../ports/engine.ts';
import type { LoadedModel } from '../sessions/index.ts';
import type { Observable } from './observe.ts';
import type { OperatorItem } from './operators/index.ts';

/** Values on the ports of a node, by port name. */
export type Values = Readonly<Record<string, unknown>>;

/** Runs one node on one set of inputs, or on the items of its lists. An output that is missing stays away for this item. */
export interface NodeWork {
  run(inputs: Values, item: OperatorItem): Values | Promise<Values>;
  /** The items of an `each` node together: in batches, with bounded concurrency. Order is kept. */
  runEach(items: readonly Values[], item: OperatorItem): Promise<Values[]>;
  /** Names of the outputs, needed when a list is empty and no run could tell. */
  outputNames: readonly string[];
  /** The graph that it runs as a whole, of a pipeline as a node. */
  inside?: Observable;
}

/** What an operator node runs with its parameters already bound. */
export interface BoundOperator {
  outputNames: readonly string[];
  /** It keeps something from item to item, so those of a list come one after the other. */
  isStateful: boolean;
  stateScope?: 'stream' | 'node';
  /** Inputs that need no value. */
  optional: readonly string[];
  run(inputs: Values, item: OperatorItem): Values | Promise<Values>;
}

/** Items of an `each` node that an operator works on at once: enough to keep the codec's threads busy, bounded for memory. */
const OPERATOR_CONCURRENCY = 4;

export function operatorWork(operator: BoundOperator): NodeWork {
  return {
    outputNames: operator.outputNames,
    run: (inputs, item) => operator.run(inputs, item),
    async runEach(items, item) {
      const results: Values[] = new Array(items.length);
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < items.length) {
          const index = next;
          next += 1;
          item.signal.throwIfAborted();
          results[index] = await operator.run(items[index] as Values, item);
        }
      };
      const workers = operator.isStateful ? 1 : Math.min(OPERATOR_CONCURRENCY, items.length);
      await Promise.all(Array.from({ length: workers }, worker));
      return results;
    },
  };
}

/** A model as a node: single runs, and batches of items whose tensors have one shape. */
export function modelWork(model: LoadedModel, node: ModelNode, engine: Engine): NodeWork {
  const emit = (outputs: Values): Values => emitted(outputs, node);
  return {
    outputNames: model.session.outputNames,
    run: async (inputs) => emit(await model.session.run(asTensors(inputs))),
    async runEach(items, { signal }) {
      const results: Values[] = new Array(items.length);
      for (const batch of groupByShape(items, node.batchMaximum)) {
        signal.throwIfAborted();
        const outputs = await runBatch(
          batch.map((index) => items[index] as Record<string, unknown>),
          model,
          engine,
        );
        batch.forEach((index, position) => {
          results[index] = emit(outputs[position] as Values);
        });
      }
      return results;
    },
  };
}

/** What a model gave, as it goes on: without what is empty and means nothing, and never with numbers that are none. */
function emitted(outputs: Values, { finite, emptyIsAbsent }: ModelNode): Values {
  if (finite) for (const [name, tensor] of Object.entries(outputs)) requireFinite(name, tensor as Tensor);
  if (!emptyIsAbsent) return outputs;
  return Object.fromEntries(Object.entries(outputs).filter(([, tensor]) => (tensor as Tensor).data.length > 0));
}

function requireFinite(name: string, { data, elementType }: Tensor): void {
  if (!(data instanceof Float32Array) || elementType !== 'float32') return;
  // A sum of differences is zero, or no number at all as soon as one of them is none: one pass without a branch.
  let odd = 0;
  for (let index = 0; index < data.length; index += 1) odd += (data[index] as number) - (data[index] as number);
  if (odd === 0) return;
  const at = data.findIndex((value) => !Number.isFinite(value));
  throw new StarlingError('not-finite', `output "${name}" holds ${String(data[at])} at place ${at}`, {
    hint: 'look at what goes in; "finite: false" on the node lets such values pass',
  });
}

/** Indices of items whose inputs have equal shapes, in groups of at most `maximum`; each item is in exactly one group. */
export function groupByShape(items: readonly Values[], maximum: number): number[][] {
  const groups: number[][] = [];
  const open = new Map<string, number[]>();
  items.forEach((item, index) => {
    const key = JSON.stringify(Object.entries(asTensors(item)).map(([name, tensor]) => [name, tensor.shape, tensor.elementType]));
    let group = open.get(key);
    if (group === undefined || group.length >= maximum) {
      group = [];
      groups.push(group);
      open.set(key, group);
    }
    group.push(index);
  });
  return groups;
}

async function runBatch(items: readonly Values[], model: LoadedModel, engine: Engine): Promise<Record<string, unknown>[]> {
  if (items.length === 1) return [await model.session.run(asTensors(items[0] ?? {}))];
  const tensors = items.map(asTensors);
  const inputs = Object.fromEntries(
    Object.keys(tensors[0] ?? {}).map((name) => [
      name,
      stack(
        tensors.map((each) => each[name] as Tensor),
        engine,
      ),
    ]),
  );
  const outputs = await model.session.run(inputs);
  return items.map((_, index) =>
    Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, sliceBatch(tensor, index, items.length)])),
  );
}

/** Joins tensors [1, ...] along the first axis into [n, ...]. */
function stack(tensors: readonly Tensor[], engine: Engine): Tensor {
  const first = tensors[0] as Tensor;
  const length = first.data.length;
  const data = engine.allocateFloat32(length * tensors.length);
  for (const [index, tensor] of tensors.entries()) {
    if (!(tensor.data instanceof Float32Array) || tensor.shape[0] !== 1) {
      throw new StarlingError('cannot-batch', 'only float32 tensors with a first dimension of 1 can share a run', {
        hint: 'set batchMaximum to 1',
      });
    }
    data.set(tensor.data, index * length);
  }
  return { elementType: first.elementType, shape: [tensors.length, ...first.shape.slice(1)], data };
}

/** The part of one item, without a copy. */
function sliceBatch(tensor: Tensor, index: number, count: number): Tensor {
  if (tensor.shape[0] !== count) {
    throw new StarlingError('cannot-batch', `the model gave ${String(tensor.shape[0])} rows for ${count} items`, {
      hint: 'set batchMaximum to 1',
    });
  }
  const length = tensor.data.length / count;
  return { ...tensor, shape: [1, ...tensor.shape.slice(1)], data: tensor.data.subarray(index * length, (index + 1) * length) };
}

function asTensors(inputs: Values): Record<string, Tensor> {
  for (const [name, value] of Object.entries(inputs)) {
    if (typeof value !== 'object' || value === null || !('shape' in value)) {
      throw new StarlingError('not-a-tensor', `input "${name}" is no tensor`, { field: name });
    }
  }
  return inputs as Record<string, Tensor>;
}
