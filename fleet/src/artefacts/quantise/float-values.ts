import {
  attributeOf,
  isStandard,
  type NodeProto,
  type OnnxModel,
  sortNodes,
  subgraphsOf,
  tensorDataType,
  toNumber,
} from '../onnx/index.ts';

/** Operators whose results are no floats, whatever goes in. */
const NOT_FLOAT: ReadonlySet<string> = new Set([
  ...['Shape', 'Size', 'ArgMax', 'ArgMin', 'NonZero', 'NonMaxSuppression', 'IsNaN', 'IsInf', 'Equal', 'Greater', 'GreaterOrEqual', 'Less'],
  ...['LessOrEqual', 'And', 'Or', 'Not', 'Xor', 'BitShift', 'Multinomial', 'ConvInteger', 'MatMulInteger', 'StringNormalizer', 'Tokenizer'],
]);
/** Operators that make floats although their first input is none, or that have no input. */
const FLOAT: ReadonlySet<string> = new Set([
  ...['RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike', 'DequantizeLinear', 'Scaler', 'Normalizer'],
  ...['HannWindow', 'HammingWindow', 'BlackmanWindow', 'MelWeightMatrix'],
]);
/** Operator -> the input that has the type of the first result, where it is not the first. */
const TYPE_INPUT: Readonly<Record<string, number>> = { Where: 1, OneHot: 2, CastLike: 1 };
/** Operator -> results from this one on are indices or masks. */
const INDICES_FROM: Readonly<Record<string, number>> = { TopK: 1, MaxPool: 1, Unique: 1, Dropout: 1 };

/** Names of the values of the outermost graph that are float32 tensors: by what is declared, else by what operators do with types. */
export function floatValues({ graph }: OnnxModel): Set<string> {
  const floats = new Set<string>();
  const declared = new Map<string, number>();
  for (const { name, type } of [...graph.input, ...graph.output, ...(graph.valueInfo ?? [])]) {
    const elemType = type?.tensorType?.elemType;
    if (elemType !== undefined && elemType !== 0) declared.set(name, elemType);
  }
  for (const tensor of graph.initializer) declared.set(tensor.name ?? '', tensor.dataType);
  for (const { values } of graph.sparseInitializer ?? []) declared.set(values?.name ?? '', values?.dataType ?? 0);
  for (const [name, elemType] of declared) if (elemType === tensorDataType.float) floats.add(name);
  for (const node of sortNodes(graph.node)) {
    for (const [index, name] of node.output.entries()) {
      if (name !== '' && !declared.has(name) && isFloat(node, index, floats)) floats.add(name);
    }
  }
  return floats;
}

function isFloat(node: NodeProto, index: number, floats: ReadonlySet<string>): boolean {
  const { opType } = node;
  if (subgraphsOf(node).length > 0) return subgraphResultIsFloat(node, index);
  if (!isStandard(node)) return floats.has(node.input[0] ?? '');
  if (opType === 'Cast') return toNumber(attributeOf(node, 'to')?.i ?? 0) === tensorDataType.float;
  if (opType === 'Constant') return constantIsFloat(node);
  if (opType === 'ConstantOfShape') return (attributeOf(node, 'value')?.t?.dataType ?? tensorDataType.float) === tensorDataType.float;
  if (opType === 'EyeLike') return toNumber(attributeOf(node, 'dtype')?.i ?? 1) === tensorDataType.float;
  if (NOT_FLOAT.has(opType)) return false;
  if (FLOAT.has(opType)) return true;
  if (index >= (INDICES_FROM[opType] ?? Number.POSITIVE_INFINITY)) return false;
  return floats.has(node.input[TYPE_INPUT[opType] ?? 0] ?? '');
}

function constantIsFloat(node: NodeProto): boolean {
  const tensor = attributeOf(node, 'value')?.t;
  if (tensor !== undefined && tensor !== null) return tensor.dataType === tensorDataType.float;
  const sparse = attributeOf(node, 'sparse_value')?.sparseTensor;
  if (sparse !== undefined && sparse !== null) return sparse.values?.dataType === tensorDataType.float;
  return attributeOf(node, 'value_float') !== undefined || attributeOf(node, 'value_floats') !== undefined;
}

/** The body of a Loop says first whether it goes on, which is no result of the node. */
function subgraphResultIsFloat(node: NodeProto, index: number): boolean {
  const [body] = subgraphsOf(node);
  const output = body?.output[node.opType === 'Loop' ? index + 1 : index];
  return output?.type?.tensorType?.elemType === tensorDataType.float;
}
