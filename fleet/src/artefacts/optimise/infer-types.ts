import {
  dataBytes,
  type GraphProto,
  intOf,
  intsOf,
  isStandard,
  type NodeProto,
  type OnnxModel,
  shapeOf,
  type TensorProto,
  tensorDataType,
} from '../onnx/index.ts';
import { loadByOnnxRuntime } from './load-by-onnxruntime.ts';
import type { ValueType } from './upgrade/context.ts';

/** Names of ONNX Runtime's element types -> TensorProto.DataType. */
const elementTypes: Readonly<Record<string, number>> = {
  float32: tensorDataType.float,
  uint8: 2,
  int8: tensorDataType.int8,
  int32: tensorDataType.int32,
  int64: tensorDataType.int64,
  bool: 9,
  float16: tensorDataType.float16,
  float64: tensorDataType.double,
};

/** Operators whose result has as many axes as their first input. */
const KEEPS_RANK = new Set(
  'Cast Clip Concat Dropout Elu Erf Exp HardSigmoid Identity LeakyRelu Log LogSoftmax Neg PRelu Relu Sigmoid Slice Softmax Sqrt Tanh'.split(
    ' ',
  ),
);
/** Operators whose result has as many axes as the input that has most. */
const TAKES_LARGEST_RANK = new Set('Add Div MatMul Max Min Mul Pow Sub Where'.split(' '));

/**
 * Element types, and shapes as far as they follow from the inputs, of the values of a model's main graph, by name. ONNX Runtime infers
 * them when it loads the model with every value as an output; nothing is run.
 * @throws StarlingError `invalid-model` if ONNX Runtime refuses it
 */
export async function inferTypes(model: OnnxModel): Promise<Map<string, ValueType>> {
  const { graph } = model;
  const types = new Map<string, ValueType>();
  for (const tensor of graph.initializer) {
    if (tensor.name !== undefined) types.set(tensor.name, { elementType: tensor.dataType, shape: shapeOf(tensor) });
  }
  for (const { name, type, isTensor, shape } of await metadataOf(model)) {
    if (!isTensor) continue;
    // A scalar and a value of unknown rank look alike.
    const known = shape.length === 0 ? undefined : shape.map((side) => (typeof side === 'number' && side > 0 ? side : undefined));
    types.set(name, { elementType: elementTypes[type] ?? 0, shape: known });
  }
  completeRanks(graph, types);
  return types;
}

type Metadata = { name: string; isTensor: boolean; type: string; shape: readonly (number | string)[] };

async function metadataOf(model: OnnxModel): Promise<Metadata[]> {
  const { graph } = model;
  const listed = new Set(graph.output.map((output) => output.name));
  const between = graph.node.flatMap((node) => node.output).filter((name) => name !== '' && !listed.has(name));
  const { initializer, input } = withoutWeights(graph);
  const watched = { ...model, graph: { ...graph, initializer, input, output: [...graph.output, ...between.map((name) => ({ name }))] } };
  const session = await loadByOnnxRuntime(watched, { graphOptimizationLevel: 'disabled' });
  const metadata = [...session.inputMetadata, ...session.outputMetadata].map((each) => ({
    name: each.name,
    isTensor: each.isTensor,
    type: each.isTensor ? each.type : '',
    shape: each.isTensor ? each.shape : [],
  }));
  await session.release();
  return metadata;
}

/** No shape is computed from a tensor of that size. */
const WEIGHT_BYTES_MINIMUM = 64 * 1024;

/** Weights as inputs of their type and shape: their values decide no type, and all of them may be more than one file can hold. */
function withoutWeights({ initializer, input }: GraphProto): Pick<GraphProto, 'initializer' | 'input'> {
  const named = new Set(input.map(({ name }) => name));
  const isWeight = (tensor: TensorProto): boolean => dataBytes(tensor) >= WEIGHT_BYTES_MINIMUM;
  const weights = initializer.filter((tensor) => isWeight(tensor) && !named.has(tensor.name ?? ''));
  return {
    initializer: initializer.filter((tensor) => !isWeight(tensor)),
    input: [...input, ...weights.map(portOf)],
  };
}

function portOf(tensor: TensorProto): GraphProto['input'][number] {
  const dim = shapeOf(tensor).map((side) => ({ dimValue: side }));
  return { name: tensor.name ?? '', type: { tensorType: { elemType: tensor.dataType, shape: { dim } } } };
}

/** ONNX Runtime gives up where sides are computed from a shape; how many there are is often known even so, and enough for Softmax. */
function completeRanks(graph: GraphProto, types: Map<string, ValueType>): void {
  for (const node of graph.node) {
    const [output = ''] = node.output;
    if (!isStandard(node) || types.get(output)?.shape !== undefined) continue;
    const rank = rankOf(node, types);
    if (rank === undefined) continue;
    const elementType = types.get(output)?.elementType ?? types.get(node.input[0] ?? '')?.elementType ?? 0;
    types.set(output, { elementType, shape: new Array<undefined>(rank).fill(undefined) });
  }
}

function rankOf(node: NodeProto, types: ReadonlyMap<string, ValueType>): number | undefined {
  const shapes = node.input.map((name) => types.get(name)?.shape);
  const ranks = shapes.map((shape) => shape?.length);
  const [first] = ranks;
  if (node.opType === 'Transpose') return intsOf(node, 'perm')?.length ?? first;
  if (node.opType === 'Reshape') return shapes[1]?.[0];
  const axes = intsOf(node, 'axes')?.length;
  if (node.opType === 'Squeeze' && first !== undefined && axes !== undefined) return first - axes;
  if (node.opType === 'Unsqueeze' && first !== undefined && axes !== undefined) return first + axes;
  if (KEEPS_RANK.has(node.opType)) return first;
  if (node.opType.startsWith('Reduce') && intOf(node, 'keepdims', 1) === 1) return first;
  if (!TAKES_LARGEST_RANK.has(node.opType) || ranks.includes(undefined)) return undefined;
  return Math.max(...ranks.map((rank) => rank ?? 0));
}
