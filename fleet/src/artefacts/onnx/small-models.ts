/** Nodes, constants and ports -> a model, and what ONNX Runtime makes of it: for tests. */

import { goldenInput } from '@starling/shared';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { DataTypeName } from './element-types.ts';
import { type GraphProto, type NodeProto, type SparseTensorProto, type TensorProto, tensorDataType, type ValueInfoProto } from './proto.ts';
import { type OnnxModel, readModel } from './read.ts';
import { writeModel } from './write.ts';

export interface GraphParts {
  nodes: readonly NodeProto[];
  constants?: readonly TensorProto[];
  sparse?: readonly SparseTensorProto[];
  inputs?: readonly ValueInfoProto[];
  outputs: readonly ValueInfoProto[];
}

export function port(name: string, shape: readonly (number | string)[], type: DataTypeName = 'float'): ValueInfoProto {
  const dim = shape.map((side) => (typeof side === 'number' ? { dimValue: side } : { dimParam: side }));
  return { name, type: { tensorType: { elemType: tensorDataType[type], shape: { dim } } } };
}

export function graphOf({ nodes, constants = [], sparse = [], inputs = [], outputs }: GraphParts): GraphProto {
  return {
    name: 'graph',
    node: [...nodes],
    initializer: [...constants],
    sparseInitializer: [...sparse],
    input: [...inputs],
    output: [...outputs],
  };
}

export function modelOf(parts: GraphParts, { opset = 17, irVersion = 8, domains = {} as Record<string, number> } = {}): OnnxModel {
  const opsetImport = [{ domain: '', version: opset }, ...Object.entries(domains).map(([domain, version]) => ({ domain, version }))];
  return { irVersion, producerName: 'starling', opsetImport, graph: graphOf(parts) };
}

/** The same model as it is after a way through a file. */
export function reread(model: OnnxModel): OnnxModel {
  return readModel(writeModel(model));
}

export type Outputs = Map<string, { dims: readonly number[]; data: unknown }>;

/** Runs a model, its bytes or its file on seeded inputs; shapes are given where the model leaves sides free. */
export async function runModel(
  model: OnnxModel | Uint8Array | string,
  shapes: Readonly<Record<string, readonly number[]>>,
  feeds: Readonly<Record<string, Tensor>> = {},
): Promise<Outputs> {
  const source = typeof model === 'string' || model instanceof Uint8Array ? model : writeModel(model);
  const options = { executionProviders: ['cpu'], logSeverityLevel: 4, intraOpNumThreads: 1 } as const;
  const session =
    typeof source === 'string' ? await InferenceSession.create(source, options) : await InferenceSession.create(source, options);
  try {
    const seeded = Object.entries(shapes).map(([name, shape], index): [string, Tensor] => {
      const length = shape.reduce((product, side) => product * side, 1);
      return [name, new Tensor('float32', goldenInput(7 + index, length), shape)];
    });
    const results = await session.run({ ...Object.fromEntries(seeded), ...feeds });
    return new Map(Object.entries(results).map(([name, { dims, data }]) => [name, { dims, data }]));
  } finally {
    await session.release();
  }
}

/** Largest difference of the first outputs of two runs, as a share of the largest magnitude of the first. */
export function relativeDifference(expected: Outputs, actual: Outputs): number {
  const [name = ''] = expected.keys();
  const data = expected.get(name)?.data as Float32Array;
  const others = actual.get(name)?.data as Float32Array;
  let difference = 0;
  let magnitude = 0;
  for (const [index, value] of data.entries()) {
    difference = Math.max(difference, Math.abs(value - (others[index] ?? Number.POSITIVE_INFINITY)));
    magnitude = Math.max(magnitude, Math.abs(value));
  }
  return difference / magnitude;
}
