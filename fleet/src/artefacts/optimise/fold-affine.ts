import {
  floatOf,
  freshName,
  intOf,
  type NodeProto,
  type OnnxModel,
  setAttribute,
  setValues,
  shapeOf,
  type TensorProto,
} from '../onnx/index.ts';
import { type Affine, at, constantOperand, isPerChannel } from './per-channel.ts';
import { constantOf, isOperator, onlyReader, replaceNodes, type Scope, takenNames, visitScopes } from './scope.ts';
import { finiteFloats, floatTensor } from './tensors.ts';

/** A convolution or matrix product with constant weights that nothing else reads. */
interface Linear {
  node: NodeProto;
  weight: TensorProto;
  values: Float32Array;
  channels: number;
  /** Output channel of a weight by its place in the tensor. */
  channelOf: (index: number) => number;
  bias: Float32Array | undefined;
  /** Sides of the output. */
  rank: number;
}

export interface FoldedAffine {
  batchNormalisations: number;
  factorsAndSummands: number;
}

/**
 * Folds into the weights and bias of Conv, ConvTranspose and Gemm what follows them alone: BatchNormalization, and Mul, Div, Add and Sub
 * by a constant per channel. Weights that several nodes share stay as they are, and so does what follows them.
 */
export function foldAffine(model: OnnxModel): FoldedAffine {
  const folded = { batchNormalisations: 0, factorsAndSummands: 0 };
  const taken = takenNames(model);
  visitScopes(model, (scope) => {
    const gone = new Map<NodeProto, NodeProto[]>();
    for (const node of scope.graph.node) {
      if (!foldInto(scope, node, taken)) continue;
      gone.set(node, []);
      if (node.opType === 'BatchNormalization') folded.batchNormalisations += 1;
      else folded.factorsAndSummands += 1;
    }
    replaceNodes(scope.graph, gone);
  });
  return folded;
}

function foldInto(scope: Scope, node: NodeProto, taken: Set<string>): boolean {
  if (!isOperator(node, 'BatchNormalization', 'Mul', 'Div', 'Add', 'Sub')) return false;
  for (const input of node.opType === 'BatchNormalization' ? node.input.slice(0, 1) : node.input) {
    const producer = scope.producers.get(input);
    if (producer === undefined || onlyReader(scope, input) !== node) continue;
    const linear = linearOf(scope, producer);
    const affine = linear === undefined ? undefined : affineOf(scope, node, input, linear);
    if (linear === undefined || affine === undefined || !apply(scope, linear, affine, taken)) continue;
    const [output = ''] = node.output;
    producer.output[0] = output;
    scope.producers.set(output, producer);
    scope.producers.delete(input);
    return true;
  }
  return false;
}

/** Gives a weight other values, wherever it kept them. */
export function setFloats(weight: TensorProto, values: Float32Array): void {
  setValues(weight, 'float', shapeOf(weight), values);
}

function linearOf(scope: Scope, node: NodeProto): Linear | undefined {
  if (!isOperator(node, 'Conv', 'ConvTranspose', 'Gemm')) return undefined;
  const weight = scope.constants.get(node.input[1] ?? '');
  if (weight === undefined || onlyReader(scope, weight.name) !== node) return undefined;
  const values = finiteFloats(weight);
  if (values === undefined) return undefined;
  const place = channelsOf(node, shapeOf(weight));
  if (place === undefined) return undefined;
  const biasTensor = constantOf(scope, node.input[2]);
  const bias = finiteFloats(biasTensor);
  const biasName = node.input[2];
  if (biasName !== undefined && biasName !== '' && bias === undefined) return undefined;
  if (
    bias !== undefined &&
    biasTensor !== undefined &&
    !isPerChannel(shapeOf(biasTensor), node.opType === 'Gemm' ? 2 : 1, place.channels, node.opType === 'Gemm' ? 1 : 0)
  ) {
    return undefined;
  }
  return { node, weight, values, bias, ...place };
}

function channelsOf(node: NodeProto, shape: readonly number[]): Pick<Linear, 'channels' | 'channelOf' | 'rank'> | undefined {
  const inner = shape.slice(2).reduce((product, side) => product * side, 1);
  const [first = 0, second = 0] = shape;
  switch (node.opType) {
    case 'Conv':
      return { channels: first, channelOf: (index) => Math.floor(index / (second * inner)), rank: shape.length };
    case 'ConvTranspose': {
      // [inputs, outputs per group, ...]
      const groups = intOf(node, 'group', 1);
      const inputsPerGroup = first / groups;
      const channelOf = (index: number): number =>
        Math.floor(Math.floor(index / (second * inner)) / inputsPerGroup) * second + (Math.floor(index / inner) % second);
      return { channels: second * groups, channelOf, rank: shape.length };
    }
    case 'Gemm': {
      const transposed = intOf(node, 'transB', 0) === 1;
      return transposed
        ? { channels: first, channelOf: (index) => Math.floor(index / second), rank: 2 }
        : { channels: second, channelOf: (index) => index % second, rank: 2 };
    }
    default:
      return undefined;
  }
}

function affineOf(scope: Scope, node: NodeProto, input: string, linear: Linear): Affine | undefined {
  if (node.opType === 'BatchNormalization') return normalisationOf(scope, node, linear);
  return constantOperand(scope, node, input, linear.rank, linear.channels);
}

function normalisationOf(scope: Scope, node: NodeProto, { channels }: Linear): Affine | undefined {
  const [, ...parameters] = node.input;
  // With more outputs, or in training mode, it computes statistics.
  if (node.output.filter((name) => name !== '').length !== 1 || intOf(node, 'training_mode', 0) === 1) return undefined;
  const [factor, summand, mean, variance] = parameters.map((name) => finiteFloats(constantOf(scope, name)));
  if (factor === undefined || summand === undefined || mean === undefined || variance === undefined) return undefined;
  if ([factor, summand, mean, variance].some(({ length }) => length !== channels)) return undefined;
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const scale = Float64Array.from(factor, (value, channel) => value / Math.sqrt((variance[channel] ?? 0) + epsilon));
  const shift = Float64Array.from(summand, (value, channel) => value - (mean[channel] ?? 0) * (scale[channel] ?? 0));
  return { scale, shift };
}

function apply(
  scope: Scope,
  { node, weight, values, channels, channelOf, bias }: Linear,
  { scale, shift }: Affine,
  taken: Set<string>,
): boolean {
  const scaled = values.map((value, index) => value * at(scale, channelOf(index)));
  // alpha and beta are of Gemm alone; alpha goes on scaling the product.
  const beta = node.opType === 'Gemm' ? floatOf(node, 'beta', 1) : 1;
  const shifted = Float32Array.from(
    { length: channels },
    (_, channel) => (bias === undefined ? 0 : at(bias, channel)) * beta * at(scale, channel) + at(shift, channel),
  );
  if (![scaled, shifted].every((numbers) => numbers.every(Number.isFinite))) return false;
  setFloats(weight, scaled);
  if (bias === undefined && shifted.every((value) => value === 0)) return true;
  const name = freshName(taken, `${weight.name}_bias`);
  const tensor = floatTensor(name, shifted, [channels]);
  scope.graph.initializer.push(tensor);
  scope.constants.set(name, tensor);
  scope.readers.set(name, [node]);
  node.input = [node.input[0] ?? '', node.input[1] ?? '', name];
  if (beta !== 1) setAttribute(node, 'beta', { float: 1 });
  return true;
}
