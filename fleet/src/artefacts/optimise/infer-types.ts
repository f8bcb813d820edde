import { type GraphProto, type TensorProto, toNumber, type ValueInfoProto } from '../onnx/proto.ts';
import type { OnnxModel } from '../onnx/read.ts';
import { rewriteByOnnxRuntime } from './onnxruntime-rewrite.ts';
import { subgraphsOf } from './scope.ts';
import { shapeOf } from './tensors.ts';
import type { ValueType } from './upgrade/context.ts';

/**
 * Element types, and shapes as far as they follow from the inputs, of all values of a model, by name; ONNX Runtime infers them.
 * A name that subgraphs use for different things is left out.
 */
export async function inferTypes(model: OnnxModel): Promise<Map<string, ValueType>> {
  const types = new Map<string, ValueType>();
  const ambiguous = new Set<string>();
  const add = (name: string | undefined, type: ValueType | undefined): void => {
    if (name === undefined || type === undefined || ambiguous.has(name)) return;
    const known = types.get(name);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(type)) {
      types.delete(name);
      ambiguous.add(name);
    } else types.set(name, type);
  };
  const walk = (graph: GraphProto): void => {
    for (const value of [...graph.input, ...graph.output, ...(graph.valueInfo ?? [])]) add(value.name, typeOfValue(value));
    for (const tensor of graph.initializer) add(tensor.name, typeOfTensor(tensor));
    for (const node of graph.node) for (const subgraph of subgraphsOf(node)) walk(subgraph);
  };
  walk((await rewriteByOnnxRuntime(model, 'disabled')).graph);
  return types;
}

function typeOfValue({ type }: ValueInfoProto): ValueType | undefined {
  const { tensorType } = type ?? {};
  if (tensorType === undefined || tensorType === null) return undefined;
  const { elemType = 0, shape } = tensorType;
  return {
    elementType: elemType,
    shape: shape?.dim.map((dimension) => {
      const length = Object.hasOwn(dimension, 'dimValue') && dimension.dimValue !== undefined ? toNumber(dimension.dimValue) : 0;
      return length > 0 ? length : undefined;
    }),
  };
}

function typeOfTensor(tensor: TensorProto): ValueType {
  return { elementType: tensor.dataType, shape: shapeOf(tensor) };
}
