import { StarlingError, type TensorElementType, type TensorPort } from '@starling/shared';
import type { Tensor, TensorData } from '../ports/engine.ts';
import type { NodeWork, Values } from './node-work.ts';
import type { OperatorItem } from './operators/index.ts';

/** Input -> what it gets at the next run. */
type Kept = Record<string, Tensor>;

/**
 * A recurrent model as a node: what it gives at one item of a stream goes in again at the next, zeros at the first. A list is gone
 * through in its order, one run after the other; a run that fails leaves everything as it was.
 * @param state as the node says: input -> output whose value it gets at the next run
 * @param declared the inputs of the model; free dimensions of those that are kept begin with a length of 1
 * @throws StarlingError `unknown-port` where the model has no such input; `unsupported-state` where its elements have no zero
 */
export function withModelState(work: NodeWork, state: Readonly<Record<string, string>>, declared: readonly TensorPort[]): NodeWork {
  const ports = Object.keys(state).map((input) => portOf(input, declared));
  const first = (): Kept => Object.fromEntries(ports.map((port) => [port.name, zerosOf(port)]));
  // Made once, so that a mistake is told when the release is loaded.
  first();
  const run = async (inputs: Values, item: OperatorItem): Promise<Values> => {
    const kept = item.state(first);
    // What an edge gives comes first: a pipeline may set a model back.
    const outputs = await work.run({ ...kept, ...inputs }, item);
    Object.assign(kept, Object.fromEntries(ports.map((port) => [port.name, keptFrom(outputs, state[port.name] as string, port)])));
    return outputs;
  };
  return {
    outputNames: work.outputNames,
    run,
    async runEach(items, item) {
      const results: Values[] = [];
      for (const inputs of items) {
        item.signal.throwIfAborted();
        results.push(await run(inputs, item));
      }
      return results;
    },
  };
}

function portOf(input: string, declared: readonly TensorPort[]): TensorPort {
  const port = declared.find(({ name }) => name === input);
  if (port !== undefined) return port;
  throw new StarlingError('unknown-port', `the model has no input "${input}" to keep`, {
    field: `state.${input}`,
    hint: `inputs: ${declared.map(({ name }) => name).join(', ')}`,
  });
}

function keptFrom(outputs: Values, output: string, { name, elementType, shape }: TensorPort): Tensor {
  const tensor = outputs[output] as Tensor | undefined;
  if (tensor === undefined) {
    throw new StarlingError('unknown-port', `the model gave no output "${output}" for its input "${name}"`, {
      field: `state.${name}`,
      hint: `outputs: ${Object.keys(outputs).join(', ')}`,
    });
  }
  const fits =
    tensor.elementType === elementType &&
    tensor.shape.length === shape.length &&
    shape.every((length, axis) => typeof length === 'string' || length === tensor.shape[axis]);
  if (fits) return tensor;
  throw new StarlingError(
    'state-mismatch',
    `"${output}" is ${tensor.elementType} [${tensor.shape}], and "${name}" takes ${elementType} [${shape}]`,
    { field: `state.${name}` },
  );
}

/** Elements of half precision travel as their bits. */
const arrays: Record<TensorElementType, (new (length: number) => TensorData) | undefined> = {
  ...{ float32: Float32Array, float16: Uint16Array, float64: Float64Array },
  ...{ int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array },
  ...{ int64: BigInt64Array, uint64: BigUint64Array, bool: Uint8Array, string: undefined },
};

function zerosOf({ name, elementType, shape }: TensorPort): Tensor {
  const lengths = shape.map((length) => (typeof length === 'string' ? 1 : length));
  const Elements = arrays[elementType];
  if (Elements === undefined) {
    throw new StarlingError('unsupported-state', `"${name}" holds ${elementType}, which has no zero`, { field: `state.${name}` });
  }
  return { elementType, shape: lengths, data: new Elements(lengths.reduce((product, length) => product * length, 1)) };
}
