import { floatsOf, type GraphView, intOf, intsOf, makeTensor, type NodeProto, setAttribute, shapeOf, textOf } from '../../onnx/index.ts';
import { isOperator, onlyUse } from './operators.ts';

/** Operators that treat each number alone, so that it does not matter where it lies. */
const pointwise = ['Relu', 'Clip', 'HardSigmoid', 'Sigmoid', 'LeakyRelu', 'Tanh', 'Elu', 'Softplus', 'Exp', 'Neg', 'Abs'];
/** A convolution that moves before DepthToSpace is computed with as many zeros as pixels in a block: worth it where it has few outputs. */
const OUTPUTS_MAXIMUM = 4;

/**
 * Moves DepthToSpace behind activations and convolutions of 1 x 1: what comes before it works on channels, which kernels do in long rows,
 * and what is left to rearrange has the few channels of the end. Two of them in a row become one.
 * @returns moves
 */
export function sinkDepthToSpace(view: GraphView): number {
  let moves = 0;
  for (const node of view.nodes()) {
    if (!isOperator(node, 'DepthToSpace') || textOf(node, 'mode', 'DCR') !== 'DCR') continue;
    while (sinkOnce(view, node)) moves += 1;
  }
  return moves;
}

function sinkOnce(view: GraphView, node: NodeProto): boolean {
  const [output = ''] = node.output;
  const next = onlyUse(view, output);
  // Already taken out with the one before it.
  if (view.producerOf(output) !== node || next === undefined || next.index !== 0) return false;
  const side = intOf(node, 'blocksize', 1);
  if (isOperator(next.node, 'Conv')) {
    if (!spreadConvolution(view, next.node, side)) return false;
  } else if (isOperator(next.node, 'DepthToSpace')) return mergeBlocks(view, node, next.node);
  else if (!isOperator(next.node, ...pointwise)) return false;
  exchange(view, node, next.node);
  return true;
}

/** first, second -> second, first */
function exchange(view: GraphView, first: NodeProto, second: NodeProto): void {
  const [input = ''] = first.input;
  const [output = ''] = second.output;
  const between = view.freshName(`${output}_deep`);
  view.remove(first, second);
  second.input[0] = input;
  second.output = [between];
  first.input = [between];
  first.output = [output];
  view.add(second, first);
}

/** Repeats a convolution of 1 x 1 for each pixel of a block, on the channels of that pixel. */
function spreadConvolution(view: GraphView, node: NodeProto, side: number): boolean {
  const weight = view.constantOf(node.input[1] ?? '');
  const biasName = node.input[2] ?? '';
  const bias = view.constantOf(biasName);
  if (weight === undefined || (biasName !== '' && bias === undefined)) return false;
  const [outputs = 0, inputs = 0, ...kernel] = shapeOf(weight);
  const isPoint = kernel.length === 2 && kernel.every((length) => length === 1) && intOf(node, 'group', 1) === 1;
  const isPlain =
    ![...(intsOf(node, 'pads') ?? [])].some((pad) => pad !== 0) && !(intsOf(node, 'strides') ?? []).some((step) => step !== 1);
  if (!isPoint || !isPlain || outputs === 0) return false;
  if (outputs > OUTPUTS_MAXIMUM) return false;
  const pixels = side * side;
  const values = floatsOf(weight);
  const spread = new Float32Array(pixels * outputs * pixels * inputs);
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    for (let index = 0; index < values.length; index += 1) {
      const [output, input] = [Math.floor(index / inputs), index % inputs];
      spread[(pixel * outputs + output) * pixels * inputs + pixel * inputs + input] = values[index] as number;
    }
  }
  view.setInput(node, 1, view.addConstant(makeTensor(`${weight.name}_spread`, 'float', [pixels * outputs, pixels * inputs, 1, 1], spread)));
  if (bias !== undefined) {
    const shift = floatsOf(bias);
    const repeated = Float32Array.from({ length: pixels * outputs }, (_, index) => shift[index % outputs] as number);
    view.setInput(node, 2, view.addConstant(makeTensor(`${bias.name}_spread`, 'float', [pixels * outputs], repeated)));
  }
  return true;
}

/**
 * Channels of both are (row, column, channel), so those of the two in a row are (row, column, inner row, inner column, channel): the
 * convolution before them gets its outputs in the order of one block of all rows and columns.
 */
function mergeBlocks(view: GraphView, first: NodeProto, second: NodeProto): boolean {
  const [input = ''] = first.input;
  const convolution = view.producerOf(input);
  const weight = view.constantOf(convolution?.input[1] ?? '');
  const biasName = convolution?.input[2] ?? '';
  const bias = view.constantOf(biasName);
  if (!isOperator(convolution, 'Conv') || weight === undefined || onlyUse(view, input)?.node !== first) return false;
  if (textOf(second, 'mode', 'DCR') !== 'DCR' || intOf(convolution, 'group', 1) !== 1 || (biasName !== '' && bias === undefined))
    return false;
  const [outer, inner] = [intOf(first, 'blocksize', 1), intOf(second, 'blocksize', 1)];
  const shape = shapeOf(weight);
  const order = orderOf(outer, inner, (shape[0] ?? 0) / (outer * inner) ** 2);
  const reorder = (values: Float32Array): Float32Array => {
    const row = values.length / order.length;
    const sorted = new Float32Array(values.length);
    for (const [to, from] of order.entries()) sorted.set(values.subarray(from * row, (from + 1) * row), to * row);
    return sorted;
  };
  view.setInput(convolution, 1, view.addConstant(makeTensor(`${weight.name}_sorted`, 'float', shape, reorder(floatsOf(weight)))));
  if (bias !== undefined) {
    view.setInput(convolution, 2, view.addConstant(makeTensor(`${bias.name}_sorted`, 'float', [order.length], reorder(floatsOf(bias)))));
  }
  const [output = ''] = second.output;
  view.remove(first, second);
  setAttribute(first, 'blocksize', { int: outer * inner });
  first.output = [output];
  view.add(first);
  return true;
}

/** Place in a block of outer x inner -> place in blocks of inner in blocks of outer. */
function orderOf(outer: number, inner: number, channels: number): number[] {
  const side = outer * inner;
  return Array.from({ length: side * side * channels }, (_, index) => {
    const channel = index % channels;
    const [row, column] = [Math.floor(index / channels / side), Math.floor(index / channels) % side];
    const block = Math.floor(row / inner) * outer + Math.floor(column / inner);
    const pixel = (row % inner) * inner + (column % inner);
    return (block * inner * inner + pixel) * channels + channel;
  });
}
