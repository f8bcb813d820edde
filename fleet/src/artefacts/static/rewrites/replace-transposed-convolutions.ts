import { floatsOf, type GraphView, intOf, intsOf, makeNode, makeTensor, type NodeProto, shapeOf, textOf } from '../../onnx/index.ts';
import { isOperator } from './operators.ts';

/**
 * A transposed convolution whose kernel is as large as its stride makes a block of output from each pixel alone. That is a convolution of
 * 1 x 1 to all pixels of the block, and DepthToSpace: for the former there are int8 kernels, for ConvTranspose there are none on CPUs.
 * @returns how many there were
 */
export function replaceTransposedConvolutions(view: GraphView): number {
  let replaced = 0;
  for (const node of view.nodes()) {
    const block = blockOf(view, node);
    if (block === undefined) continue;
    const [input = '', , bias] = node.input;
    const [output = ''] = node.output;
    const { weight, side, inputs, outputs } = block;
    const channels = side * side * outputs;
    const turned = new Float32Array(inputs * channels);
    for (let index = 0; index < weight.length; index += 1) {
      const pixel = index % (side * side);
      const channel = Math.floor(index / (side * side)) % outputs;
      const from = Math.floor(index / (side * side * outputs));
      turned[(pixel * outputs + channel) * inputs + from] = weight[index] as number;
    }
    const operands = [input, view.addConstant(makeTensor(`${output}_weight`, 'float', [channels, inputs, 1, 1], turned))];
    if (block.bias !== undefined) {
      const { bias: shift } = block;
      const repeated = Float32Array.from({ length: channels }, (_, index) => shift[index % outputs] as number);
      operands.push(view.addConstant(makeTensor(`${bias}_repeated`, 'float', [channels], repeated)));
    }
    const deep = view.freshName(`${output}_deep`);
    view.remove(node);
    view.add(
      makeNode('Conv', operands, [deep], { name: node.name ?? '', attributes: { kernel_shape: { ints: [1, 1] } } }),
      makeNode('DepthToSpace', [deep], [output], { name: `${output}_to_space`, attributes: { blocksize: { int: side } } }),
    );
    replaced += 1;
  }
  return replaced;
}

interface Block {
  weight: Float32Array;
  bias: Float32Array | undefined;
  side: number;
  inputs: number;
  outputs: number;
}

function blockOf(view: GraphView, node: NodeProto): Block | undefined {
  if (!isOperator(node, 'ConvTranspose') || intOf(node, 'group', 1) !== 1) return undefined;
  const weight = view.constantOf(node.input[1] ?? '');
  const [inputs = 0, outputs = 0, side = 0, width = 0, ...more] = weight === undefined ? [] : shapeOf(weight);
  const strides = intsOf(node, 'strides') ?? [1, 1];
  if (weight === undefined || more.length > 0 || side !== width || side < 2 || strides.some((stride) => stride !== side)) return undefined;
  // Without padding there is nothing for the ways of padding to differ in, but those that fix the size of the output.
  const isPadded = ['pads', 'output_padding', 'output_shape'].some((name) => (intsOf(node, name) ?? []).some((value) => value !== 0));
  const isDilated = (intsOf(node, 'dilations') ?? []).some((value) => value !== 1);
  if (isPadded || isDilated || !['NOTSET', 'VALID'].includes(textOf(node, 'auto_pad', 'NOTSET'))) return undefined;
  const biasName = node.input[2] ?? '';
  const bias = biasName === '' ? undefined : view.constantOf(biasName);
  if (biasName !== '' && bias === undefined) return undefined;
  return { weight: floatsOf(weight), bias: bias === undefined ? undefined : floatsOf(bias), side, inputs, outputs };
}
