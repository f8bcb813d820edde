/** Nodes and weights -> a model to try a pass on, and what ONNX Runtime makes of it. For tests. */

import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  type AttributeProto,
  attributeType,
  type GraphProto,
  makeAttribute,
  type NodeProto,
  type OnnxModel,
  readModel,
  type TensorProto,
  tensorDataType,
  writeModel,
} from '../onnx/index.ts';
import { floatTensor, integerTensor } from './tensors.ts';

type Attribute = number | string | readonly number[] | { float: number } | { floats: readonly number[] } | { graph: GraphProto };

export interface SmallGraph {
  /** Name -> sides, of float32 if not said otherwise; a text is a free side. */
  inputs: Record<string, readonly (number | string)[]>;
  outputs: readonly string[];
  nodes: readonly NodeProto[];
  weights?: readonly TensorProto[];
  /** Of the outputs, where it is not float32. */
  outputTypes?: Record<string, number>;
}

export function smallGraph({ inputs, outputs, nodes, weights = [], outputTypes = {} }: SmallGraph): GraphProto {
  return {
    name: 'graph',
    node: [...nodes],
    initializer: [...weights],
    input: Object.entries(inputs).map(([name, shape]) => ({
      name,
      type: {
        tensorType: {
          elemType: tensorDataType.float,
          shape: { dim: shape.map((side) => (typeof side === 'number' ? { dimValue: side } : { dimParam: side })) },
        },
      },
    })),
    output: outputs.map((name) => ({ name, type: { tensorType: { elemType: outputTypes[name] ?? tensorDataType.float } } })),
  };
}

/** Written and read again, as a pass would get it. */
export function smallModel(opset: number, graph: SmallGraph, irVersion = 4): OnnxModel {
  return readModel(writeModel({ irVersion, opsetImport: [{ domain: '', version: opset }], graph: smallGraph(graph) }));
}

export function copyOf(model: OnnxModel): OnnxModel {
  return readModel(writeModel(model));
}

export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Record<string, Attribute> = {},
): NodeProto {
  const attribute = Object.entries(attributes).map(([name, value]) => attributeFrom(name, value));
  return { name: `${output[0]}_node`, opType, input: [...input], output: [...output], attribute };
}

function attributeFrom(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number') return makeAttribute(name, { int: value });
  if (typeof value === 'string') return makeAttribute(name, { string: value });
  if ('float' in value) return makeAttribute(name, { float: value.float });
  if ('floats' in value) return { name, type: attributeType.floats, floats: [...value.floats] };
  if ('graph' in value) return { name, type: attributeType.graph, g: value.graph };
  return { name, type: attributeType.ints, ints: [...value] };
}

export function weight(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return floatTensor(name, Float32Array.from(values), dims);
}

export function integers(name: string, values: readonly number[]): TensorProto {
  return integerTensor(name, values);
}

export interface Value {
  dims: readonly number[];
  data: number[];
}

/** Runs a model without any optimisation. */
export async function runModel(
  model: OnnxModel,
  feeds: Record<string, { dims: readonly number[]; data: readonly number[] }>,
): Promise<Record<string, Value>> {
  const session = await InferenceSession.create(writeModel(model), {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  try {
    const tensors = Object.entries(feeds).map(([name, { dims, data }]) => [name, new Tensor('float32', Float32Array.from(data), dims)]);
    const results = await session.run(Object.fromEntries(tensors));
    return Object.fromEntries(
      Object.entries(results).map(([name, { dims, data }]) => [
        name,
        { dims, data: Array.from(data as ArrayLike<number | bigint>, Number) },
      ]),
    );
  } finally {
    await session.release();
  }
}

/** Seeded numbers between -range and range, for inputs and weights. */
export function numbers(length: number, seed: number, range = 2): number[] {
  let state = seed + 1;
  return Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state / 2_147_483_647 - 0.5) * 2 * range;
  });
}

/** The largest difference of two runs, as a share of the largest magnitude beyond 1; infinite if shapes or names differ. */
export function differenceOf(expected: Record<string, Value>, actual: Record<string, Value>): number {
  let worst = Object.keys(expected).length === Object.keys(actual).length ? 0 : Number.POSITIVE_INFINITY;
  for (const [name, { dims, data }] of Object.entries(expected)) {
    const other = actual[name];
    if (other === undefined || other.dims.join() !== dims.join()) return Number.POSITIVE_INFINITY;
    const magnitude = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
    for (const [index, value] of data.entries())
      worst = Math.max(worst, Math.abs(value - (other.data[index] ?? Number.POSITIVE_INFINITY)) / magnitude);
  }
  return worst;
}

/** Numbers for the input `x`. */
export function feed(...dims: number[]): { x: { dims: number[]; data: number[] } } {
  const length = dims.reduce((product, side) => product * side, 1);
  return { x: { dims, data: numbers(length, 17, 4) } };
}

export function operators(model: OnnxModel): string[] {
  return model.graph.node.map(({ opType }) => opType);
}

/** Runs a model, changes a copy, and runs that, as it is written and read again. */
export async function changeAndCompare(
  model: OnnxModel,
  feeds: Parameters<typeof runModel>[1],
  change: (model: OnnxModel) => unknown,
): Promise<{ difference: number; changed: OnnxModel }> {
  const before = await runModel(model, feeds);
  const copy = copyOf(model);
  await change(copy);
  const changed = copyOf(copy);
  return { difference: differenceOf(before, await runModel(changed, feeds)), changed };
}
