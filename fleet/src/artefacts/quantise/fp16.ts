import { type BuildRecipe, StarlingError } from '@starling/shared';
import type { ChangeReport } from '../contracts.ts';
import {
  attributeOf,
  bytesOf,
  computedPayload,
  describeNode,
  FLOAT16_MAXIMUM,
  floatsOf,
  type GraphView,
  isStandard,
  makeNode,
  type NodeProto,
  numberToFloat16,
  type OnnxModel,
  quantisationOf,
  setAttribute,
  setPayload,
  shapeOf,
  sizeOf,
  subgraphsOf,
  type TensorProto,
  tensorDataType,
  viewGraph,
} from '../onnx/index.ts';
import { floatValues } from './float-values.ts';

/**
 * Operators that stay in fp32: those without float16 in ONNX, and those that lose what they are for. The list is the default of
 * `convert_float_to_float16` in onnxconverter-common 1.16 and onnxruntime, and operators that make floats of nothing.
 */
const KEPT_OPERATORS: ReadonlySet<string> = new Set([
  ...['ArrayFeatureExtractor', 'Binarizer', 'CastMap', 'CategoryMapper', 'DictVectorizer', 'FeatureVectorizer', 'Imputer', 'LabelEncoder'],
  ...['LinearClassifier', 'LinearRegressor', 'Normalizer', 'OneHotEncoder', 'RandomUniformLike', 'SVMClassifier', 'SVMRegressor', 'Scaler'],
  ...['TreeEnsembleClassifier', 'TreeEnsembleRegressor', 'ZipMap', 'NonMaxSuppression', 'TopK', 'RoiAlign', 'Resize', 'Range', 'CumSum'],
  ...['Min', 'Max', 'Upsample', 'RandomNormal', 'RandomNormalLike', 'RandomUniform', 'Multinomial', 'EyeLike', 'Bernoulli', 'HannWindow'],
  ...['HammingWindow', 'BlackmanWindow', 'MelWeightMatrix', 'DFT', 'STFT', 'DynamicQuantizeLinear', 'CastLike', 'ConstantOfShape'],
  ...['SequenceConstruct', 'SequenceEmpty', 'SequenceInsert', 'SequenceErase', 'SequenceAt', 'SequenceMap', 'SplitToSequence'],
  ...['ConcatFromSequence', 'Optional', 'OptionalGetElement', 'OptionalHasElement'],
]);

/** The smallest float16 above 0: what is smaller would become 0, and divide by it. */
const SMALLEST = 2 ** -24;

/**
 * Converts what a model computes to float16. Its inputs and outputs stay float32, and so do some operators, unknown ones and those with
 * subgraphs; Casts stand between. A node with weights beyond float16 stays in float32: clamping, as other converters do, makes another
 * function of a batch normalisation. Weights too small for it become its smallest number instead of 0. The report says which. Changes the model in place; the float16 values are computed when they are written.
 * @throws StarlingError `already-quantised`
 */
export function convertToFloat16(model: OnnxModel, keepInFloat: readonly string[] = []): ChangeReport {
  const { quantised, operators } = quantisationOf(model);
  if (quantised) {
    throw new StarlingError('already-quantised', `the model is quantised already: it uses ${operators.join(', ')}`, {
      field: 'model',
      hint: 'push the model as it was before it was quantised',
    });
  }
  const view = viewGraph(model);
  const floats = floatValues(model);
  const kept = new Set(keepInFloat);
  const overflowing: string[] = [];
  const converted = view.nodes().filter((node) => {
    if (!isConverted(node, kept)) return false;
    const constant = node.input.find((value) => floats.has(value) && overflows(view.constantOf(value)));
    if (constant !== undefined) overflowing.push(`"${describeNode(node)}" stays in float32: "${constant}" holds values beyond float16`);
    return constant === undefined;
  });
  const conversion = createConversion(view, floats, new Set(converted));
  conversion.notes.push(...overflowing);
  for (const node of converted) conversion.convert(node);
  conversion.castBack();
  view.commit();
  const changed = conversion.changedValues();
  model.graph.valueInfo = (model.graph.valueInfo ?? []).filter(({ name }) => !changed.has(name));
  const left = view.nodes().filter((node) => subgraphsOf(node).length > 0);
  if (left.length > 0) conversion.notes.push(`${left.length} nodes with subgraphs stay in float32, with all that is in them`);
  return { quantisedTensors: conversion.tensors(), layers: [], notes: conversion.notes };
}

/** The recipe `fp16`. */
export function applyFloat16(model: OnnxModel, recipe: BuildRecipe): ChangeReport {
  return convertToFloat16(model, recipe.keepInFloat);
}

function isConverted(node: NodeProto, kept: ReadonlySet<string>): boolean {
  if (!isStandard(node) || KEPT_OPERATORS.has(node.opType) || subgraphsOf(node).length > 0 || node.opType === 'Constant') return false;
  return node.name === undefined || !kept.has(node.name);
}

function overflows(constant: TensorProto | undefined): boolean {
  return constant !== undefined && floatsOf(constant).some((value) => Math.abs(value) > FLOAT16_MAXIMUM && Number.isFinite(value));
}

function createConversion(view: GraphView, floats: ReadonlySet<string>, converted: ReadonlySet<NodeProto>) {
  const notes: string[] = [];
  /** Float32 value -> its float16 counterpart, made when it is first needed. */
  const halves = new Map<string, string>();
  const changed = new Set<string>();
  let tensors = 0;

  const halfOf = (value: string): string => {
    const known = halves.get(value);
    if (known !== undefined) return known;
    const constant = view.constantOf(value);
    const half = constant === undefined ? castNode(value, 'float16') : halfConstant(constant, value);
    halves.set(value, half);
    return half;
  };
  const castNode = (value: string, type: 'float' | 'float16', name = view.freshName(`${value}_${type}`)): string => {
    view.add(makeNode('Cast', [value], [name], { name: `${name}_cast`, attributes: { to: { int: tensorDataType[type] } } }));
    return name;
  };
  const halfConstant = (constant: TensorProto, value: string): string => {
    tensors += 1;
    noteRange(constant, value, notes);
    return view.addConstant(halfTensor(constant, `${value}_float16`));
  };
  return {
    notes,
    tensors: () => tensors,
    changedValues: () => changed,
    convert(node: NodeProto): void {
      if (node.opType === 'Cast' && (attributeOf(node, 'to')?.i ?? 0).toString() === String(tensorDataType.float)) {
        setAttribute(node, 'to', { int: tensorDataType.float16 });
      } else {
        for (const [index, value] of node.input.entries()) {
          const producer = view.producerOf(value);
          const isHalf = producer !== undefined && converted.has(producer);
          if (!floats.has(value) || isHalf) continue;
          view.setInput(node, index, halfOf(value));
        }
      }
      for (const value of node.output) if (floats.has(value)) changed.add(value);
    },
    /** Gives float32 again to the nodes that stay in it, and to the outputs of the graph. */
    castBack(): void {
      for (const value of changed) {
        const isOutput = view.isOutput(value);
        const others = view.usesOf(value).filter(({ node }) => !converted.has(node));
        if (others.length === 0 && !isOutput) continue;
        if (!isOutput) {
          const again = castNode(value, 'float');
          view.replaceUses(value, again, ({ node }) => !converted.has(node) && node.output[0] !== again);
          continue;
        }
        // The output keeps its name, so it is the float16 value that gets another.
        const producer = view.producerOf(value) as NodeProto;
        const half = view.freshName(`${value}_float16`);
        view.remove(producer);
        producer.output = producer.output.map((name) => (name === value ? half : name));
        view.add(producer);
        view.replaceUses(value, half, ({ node }) => converted.has(node));
        castNode(half, 'float', value);
      }
      dropUnused(view, halves.keys());
    },
  };
}

function dropUnused(view: GraphView, values: Iterable<string>): void {
  for (const value of values) {
    if (view.constantOf(value) !== undefined && view.usesOf(value).length === 0 && !view.isOutput(value)) view.removeConstant(value);
  }
}

function halfTensor(tensor: TensorProto, name: string): TensorProto {
  const half: TensorProto = { name, dims: [], dataType: tensorDataType.float16 };
  setPayload(
    half,
    'float16',
    shapeOf(tensor),
    computedPayload(sizeOf(tensor) * 2, () => halvesOf(floatsOf(tensor))),
  );
  return half;
}

function halvesOf(values: Float32Array): Uint8Array {
  const halves = new Uint16Array(values.length);
  for (let index = 0; index < values.length; index += 1) halves[index] = numberToFloat16(clamp(values[index] as number));
  return bytesOf(halves);
}

function clamp(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const magnitude = Math.max(SMALLEST, Math.abs(value));
  return value < 0 ? -magnitude : magnitude;
}

function noteRange(tensor: TensorProto, name: string, notes: string[]): void {
  let small = 0;
  let infinite = 0;
  let notNumbers = 0;
  for (const value of floatsOf(tensor)) {
    const magnitude = Math.abs(value);
    if (Number.isNaN(value)) notNumbers += 1;
    else if (magnitude === Number.POSITIVE_INFINITY) infinite += 1;
    else if (magnitude !== 0 && magnitude < SMALLEST) small += 1;
  }
  if (notNumbers > 0) notes.push(`"${name}" holds NaN, ${notNumbers} times`);
  if (infinite > 0) notes.push(`"${name}" holds infinity, ${infinite} times, as the source does`);
  if (small > 0) notes.push(`${small} values of "${name}" are too small for float16 and became ${SMALLEST.toExponential(2)}`);
}
