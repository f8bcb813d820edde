import { type ModelNode, StarlingError } from '@starling/shared';
import type { Engine, Tensor } from '../ports/engine.ts';
import type { LoadedModel } from '../sessions/index.ts';
import type { OperatorItem } from './operators/index.ts';
import type { NodeWork } from './run.ts';

/** What an operator node runs with its parameters already bound. */
export interface BoundOperator {
  outputNames: readonly string[];
  run(inputs: Readonly<Record<string, unknown>>, item: OperatorItem): Record<string, unknown> | Promise<Record<string, unknown>>;
}

/** Items of an `each` node that an operator works on at once: enough to keep the codec's threads busy, bounded for memory. */
const OPERATOR_CONCURRENCY = 4;

export function operatorWork(operator: BoundOperator): NodeWork {
  return {
    outputNames: operator.outputNames,
    run: async (inputs, item) => operator.run(inputs, item),
    async runEach(items, item) {
      const results: Record<string, unknown>[] = new Array(items.length);
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < items.length) {
          const index = next;
          next += 1;
          item.signal.throwIfAborted();
          results[index] = await operator.run(items[index] as Record<string, unknown>, item);
        }
      };
      await Promise.all(Array.from({ length: Math.min(OPERATOR_CONCURRENCY, items.length) }, worker));
      return results;
    },
  };
}

/** A model as a node: single runs, and batches of items whose tensors have one shape. */
export function modelWork(model: LoadedModel, node: ModelNode, engine: Engine): NodeWork {
  const run = async (inputs: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> => model.session.run(asTensors(inputs));
  return {
    outputNames: model.session.outputNames,
    run,
    async runEach(items, { signal }) {
      const results: Record<string, unknown>[] = new Array(items.length);
      for (const batch of groupByShape(items, node.batchMaximum)) {
        signal.throwIfAborted();
        const outputs = await runBatch(
          batch.map((index) => items[index] as Record<string, unknown>),
          model,
          engine,
        );
        batch.forEach((index, position) => {
          results[index] = outputs[position] as Record<string, unknown>;
        });
      }
      return results;
    },
  };
}

/** Indices of items whose inputs have equal shapes, in groups of at most `maximum`; each item is in exactly one group. */
export function groupByShape(items: readonly Readonly<Record<string, unknown>>[], maximum: number): number[][] {
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

async function runBatch(
  items: readonly Readonly<Record<string, unknown>>[],
  model: LoadedModel,
  engine: Engine,
): Promise<Record<string, unknown>[]> {
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

function asTensors(inputs: Readonly<Record<string, unknown>>): Record<string, Tensor> {
  for (const [name, value] of Object.entries(inputs)) {
    if (typeof value !== 'object' || value === null || !('shape' in value)) {
      throw new StarlingError('not-a-tensor', `input "${name}" is no tensor`, { field: name });
    }
  }
  return inputs as Record<string, Tensor>;
}
