import { StarlingError } from '@starling/shared';
import {
  type AttributeValue,
  floatsOf,
  type GraphView,
  intOf,
  makeNode,
  makeTensor,
  type NodeProto,
  shapeOf,
  type TensorProto,
} from '../onnx/index.ts';
import { type Parameters, roundHalfEven } from './integers.ts';

const WEIGHT_MAXIMUM = 127;
/**
 * `vpmaddubsw`, which multiplies u8 by s8 where there is no VNNI, adds two neighbouring products in 16 bits and saturates. onnxruntime's
 * advice is to halve all weights (`reduce_range`). What counts is the sum of two: 255 x 128 = 32,640 fits, and rounding adds 1 at most.
 */
const PAIR_MAXIMUM = 127;

/** Above it the sum of a bias and of products could leave 32 bits. */
const BIAS_MAXIMUM = 2 ** 30;
/** Scale of a channel of zeros whose bias is 0 as well. */
const SCALE_OF_NOTHING = 1e-4;

export interface QuantisedWeight {
  integers: Int8Array;
  scales: Float32Array;
  /** Sum of the weights of each channel, as they are after rounding. */
  sums: Float64Array;
}

/** Along which axis of its weight the outputs of a product lie; undefined if all of it has one scale. */
export function outputAxis(node: NodeProto, shape: readonly number[]): number | undefined {
  switch (node.opType) {
    case 'Conv':
      return 0;
    case 'ConvTranspose':
      return intOf(node, 'group', 1) === 1 ? 1 : undefined;
    case 'Gemm':
      return intOf(node, 'transB', 0) === 1 ? 0 : 1;
    default:
      return shape.length === 2 ? 1 : undefined;
  }
}

/**
 * One symmetric scale per output channel (Nagel et al. 2021, section 2.4.2).
 * @param leastScales of each channel; 0 where nothing is asked for
 */
export function quantiseWeight(
  values: Float32Array,
  shape: readonly number[],
  axis: number | undefined,
  leastScales: readonly number[],
): QuantisedWeight {
  const channels = axis === undefined ? 1 : (shape[axis] ?? 1);
  const inner = axis === undefined ? values.length : shape.slice(axis + 1).reduce((product, side) => product * side, 1);
  const channelOf = (index: number): number => Math.floor(index / inner) % channels;
  const scales = new Float32Array(channels);
  for (let index = 0; index < values.length; index += 1) {
    const magnitude = Math.abs(values[index] as number) / WEIGHT_MAXIMUM;
    if (magnitude > (scales[channelOf(index)] as number)) scales[channelOf(index)] = magnitude;
  }
  for (let channel = 0; channel < channels; channel += 1) {
    const scale = Math.max(scales[channel] as number, leastScales[channel] ?? 0);
    scales[channel] = scale === 0 ? SCALE_OF_NOTHING : scale;
  }
  const integers = new Int8Array(values.length);
  const sums = new Float64Array(channels);
  for (let index = 0; index < values.length; index += 1) {
    const channel = channelOf(index);
    const scale = scales[channel] as number;
    const integer = Math.min(WEIGHT_MAXIMUM, Math.max(-WEIGHT_MAXIMUM, roundHalfEven((values[index] as number) / scale)));
    integers[index] = integer;
    sums[channel] = (sums[channel] as number) + integer * scale;
  }
  return { integers, scales, sums };
}

/**
 * The least scale of each output channel with which no two products of neighbours leave 16 bits. Neighbours are those of both layouts that
 * kernels use: channel by channel, and pixel by pixel.
 */
function pairScales(values: Float32Array, shape: readonly number[], axis: number | undefined, node: NodeProto): number[] | undefined {
  // Kernels of depthwise convolutions widen each number before they multiply.
  if (node.opType === 'Conv' && shape[1] === 1) return undefined;
  if (axis === undefined) return [pairScaleOf(values, (index) => index, values.length)];
  const channels = shape[axis] ?? 1;
  const row = values.length / channels;
  const start = axis === 0 ? (channel: number) => channel * row : (channel: number) => channel;
  const step = axis === 0 ? 1 : channels;
  const pixels = axis === 0 ? shape.slice(2).reduce((product, side) => product * side, 1) : 1;
  const inputs = row / pixels;
  return Array.from({ length: channels }, (_, channel) => {
    const inOrder = pairScaleOf(values, (index) => start(channel) + index * step, row);
    if (pixels === 1) return inOrder;
    const byPixel = (index: number): number => start(channel) + (index % inputs) * pixels + Math.floor(index / inputs);
    return Math.max(inOrder, pairScaleOf(values, byPixel, row));
  });
}

function pairScaleOf(values: Float32Array, placeOf: (index: number) => number, length: number): number {
  let largest = 0;
  for (let index = 0; index + 1 < length; index += 2) {
    const [first, second] = [values[placeOf(index)] as number, values[placeOf(index + 1)] as number];
    // Of one sign they add up; of two they do not.
    const sum = first * second > 0 ? Math.abs(first + second) : 0;
    if (sum > largest) largest = sum;
  }
  return largest / PAIR_MAXIMUM;
}

/** @throws StarlingError `weights-not-finite` */
export function finiteFloatsOf(tensor: TensorProto, node: NodeProto): Float32Array {
  const values = floatsOf(tensor);
  if (values.every(Number.isFinite)) return values;
  throw new StarlingError(
    'weights-not-finite',
    `the weight "${tensor.name ?? ''}" of "${node.name ?? node.opType}" holds NaN or infinity`,
    {
      field: `model.graph.initializer.${tensor.name ?? ''}`,
      hint: 'the training diverged or the file is damaged: export the model from a good checkpoint',
    },
  );
}

export interface ProductInput {
  parameters: Parameters;
  /** Mean of each channel, to correct biases with. */
  means: Float64Array | undefined;
}

interface Stored {
  name: string;
  weight: QuantisedWeight;
}

/** Quantises weights and biases of products; weights that several products share are stored once where their scales agree. */
export function createWeightStore(
  view: GraphView,
  pairsIn16Bits: boolean,
  integerBias: boolean,
): (node: NodeProto, input: ProductInput) => void {
  const stored = new Map<string, Stored>();
  return (node, { parameters, means }) => {
    const source = node.input[1] ?? '';
    const tensor = view.constantOf(source);
    if (tensor === undefined) return;
    const values = finiteFloatsOf(tensor, node);
    const shape = shapeOf(tensor);
    const axis = outputAxis(node, shape);
    const bias = biasOf(view, node);
    const channels = axis === undefined ? 1 : (shape[axis] ?? 1);
    const needs = leastScalesOf(bias, channels, integerBias ? parameters.scale : undefined);
    const key = `${source}|${axis}`;
    let entry = stored.get(key);
    if (entry === undefined || needs.some((scale, channel) => scale > (entry?.weight.scales[channel] ?? 0))) {
      const pairs = pairsIn16Bits ? pairScales(values, shape, axis, node) : undefined;
      const weight = quantiseWeight(
        values,
        shape,
        axis,
        needs.map((scale, channel) => Math.max(scale, pairs?.[channel] ?? 0)),
      );
      entry = { name: addDequantised(view, source, shape, weight, axis), weight };
      stored.set(key, entry);
    }
    view.setInput(node, 1, entry.name);
    if (node.opType === 'MatMul') return;
    const errors = means === undefined ? undefined : meanErrors(values, shape, axis, entry.weight, means);
    replaceBias(view, node, { bias, errors, weight: entry.weight, parameters, channels, integerBias });
  };
}

function biasOf(view: GraphView, node: NodeProto): Float32Array | undefined {
  const name = node.input[2] ?? '';
  const tensor = name === '' || node.opType === 'MatMul' ? undefined : view.constantOf(name);
  return tensor === undefined ? undefined : finiteFloatsOf(tensor, node);
}

interface BiasChange {
  bias: Float32Array | undefined;
  errors: Float64Array | undefined;
  weight: QuantisedWeight;
  parameters: Parameters;
  channels: number;
  integerBias: boolean;
}

function replaceBias(view: GraphView, node: NodeProto, { bias, errors, weight, parameters, channels, integerBias }: BiasChange): void {
  const isAsked = errors !== undefined || (integerBias && (bias !== undefined || parameters.residual !== 0));
  if (!isAsked) return;
  const shift = Float32Array.from({ length: channels }, (_, channel) => (bias?.[channel] ?? 0) - (errors?.[channel] ?? 0));
  const name = bias === undefined ? `${node.input[1] ?? ''}_bias` : (node.input[2] ?? '');
  const value = integerBias
    ? addBias(view, name, shift, weight, parameters)
    : view.addConstant(makeTensor(name, 'float', [channels], shift));
  while (node.input.length < 2) node.input.push('');
  view.setInput(node, 2, value);
}

/** Scales with which the bias of each channel stays far from the ends of 32 bits. */
function leastScalesOf(bias: Float32Array | undefined, channels: number, inputScale: number | undefined): number[] {
  const magnitude = (channel: number): number => Math.abs(bias?.[channel] ?? 0);
  return Array.from({ length: channels }, (_, channel) =>
    inputScale === undefined ? 0 : magnitude(channel) / (inputScale * BIAS_MAXIMUM),
  );
}

/**
 * What rounding the weights adds to each output on average, (W' - W) E[x], to be taken off its bias (Nagel et al. 2021,
 * arXiv:2106.08295, section 4.2). At the borders of a picture, where padding takes the place of x, it is a little too much.
 */
function meanErrors(
  values: Float32Array,
  shape: readonly number[],
  axis: number | undefined,
  { integers, scales }: QuantisedWeight,
  means: Float64Array,
): Float64Array | undefined {
  if (axis === undefined || axis > 1) return undefined;
  const channels = shape[axis] ?? 1;
  const errors = new Float64Array(channels);
  const pixels = shape.slice(2).reduce((product, side) => product * side, 1);
  const [, columns = 1] = shape;
  const rows = shape[0] ?? 1;
  // A grouped convolution reads its inputs group by group; a depthwise one has as many groups as outputs.
  const groups = axis === 0 ? means.length / columns : 1;
  if (axis === 0 ? !Number.isInteger(groups) || rows % groups !== 0 : means.length !== rows) return undefined;
  for (let index = 0; index < values.length; index += 1) {
    const [row, column] = [Math.floor(index / (columns * pixels)), Math.floor(index / pixels) % columns];
    const output = axis === 0 ? row : column;
    const input = axis === 0 ? Math.floor((row * groups) / rows) * columns + column : row;
    const error = (integers[index] as number) * (scales[output] as number) - (values[index] as number);
    errors[output] = (errors[output] as number) + error * (means[input] as number);
  }
  return errors;
}

function addDequantised(
  view: GraphView,
  source: string,
  shape: readonly number[],
  { integers, scales }: QuantisedWeight,
  axis: number | undefined,
): string {
  const output = view.freshName(`${source}_dq`);
  const dims = axis === undefined ? [] : [scales.length];
  const inputs = [
    view.addConstant(makeTensor(`${source}_q`, 'int8', shape, integers)),
    view.addConstant(makeTensor(`${source}_scale`, 'float', dims, scales)),
  ];
  const attributes: Record<string, AttributeValue> = axis === undefined ? {} : { axis: { int: axis } };
  view.add(makeNode('DequantizeLinear', inputs, [output], { name: output, attributes }));
  return output;
}

/** The bias in the scale of the sums that it is added to, with what the input's residual adds to each sum. */
function addBias(view: GraphView, name: string, bias: Float32Array, { scales, sums }: QuantisedWeight, input: Parameters): string {
  const output = view.freshName(`${name}_dq`);
  const products = scales.map((scale) => scale * input.scale);
  const integers = Int32Array.from(bias, (value, channel) =>
    roundHalfEven((value + input.residual * (sums[channel] ?? 0)) / (products[channel] as number)),
  );
  const inputs = [
    view.addConstant(makeTensor(`${name}_q`, 'int32', [bias.length], integers)),
    view.addConstant(makeTensor(`${name}_scale`, 'float', [bias.length], products)),
  ];
  view.add(makeNode('DequantizeLinear', inputs, [output], { name: output, attributes: { axis: { int: 0 } } }));
  return output;
}
