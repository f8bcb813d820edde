import { floatsOf, type GraphView, makeNode, makeTensor, type NodeProto, textOf } from '../onnx/index.ts';

/** Copies of a whole row cost as much as the rows: beyond this factor Resize itself is as good. */
const FACTOR_MAXIMUM = 8;

/**
 * Int8 kernels of convolutions want the channels last, and ONNX Runtime moves Resize there with them, where it has no fast way: 18 ms
 * against 0.6 for twice the sides of 96 channels. Repeating numbers by Concat is fast there. The transpositions around it meet those
 * that ONNX Runtime puts around convolutions, and both go.
 *
 * x[n, h, w, c] beside itself along c is [n, h, 2 w, c]; that beside itself along w, row by row, is [n, 2 h, 2 w, c].
 */
export function upsampleIntegers(view: GraphView, node: NodeProto): void {
  const factor = factorOf(view, node);
  if (factor === undefined) return;
  const [input = ''] = node.input;
  const [output = ''] = node.output;
  const name = (part: string): string => view.freshName(`${output}_${part}`);
  const [last, wide, wider, high, higher, shape, sides] = ['last', 'wide', 'wider', 'high', 'higher', 'shape', 'sides'].map(
    name,
  ) as string[] as [...[string, string, string, string, string, string, string]];
  const integers = (values: number[]): string => view.addConstant(makeTensor('sides', 'int64', [values.length], values));
  const copies = <Value>(value: Value): Value[] => Array.from({ length: factor }, () => value);
  const channels = name('channels');
  view.remove(node);
  view.add(
    makeNode('Transpose', [input], [last], { name: last, attributes: { perm: { ints: [0, 2, 3, 1] } } }),
    makeNode('Shape', [last], [shape], { name: shape }),
    makeNode('Mul', [shape, integers([1, factor, factor, 1])], [sides], { name: sides }),
    makeNode('Mul', [shape, integers([1, 1, factor, 1])], [channels], { name: channels }),
    makeNode('Concat', copies(last), [wide], { name: wide, attributes: { axis: { int: 3 } } }),
    makeNode('Reshape', [wide, channels], [wider], { name: wider }),
    makeNode('Concat', copies(wider), [high], { name: high, attributes: { axis: { int: 2 } } }),
    makeNode('Reshape', [high, sides], [higher], { name: higher }),
    makeNode('Transpose', [higher], [output], { name: node.name ?? output, attributes: { perm: { ints: [0, 3, 1, 2] } } }),
  );
}

/** The whole factor by which a node repeats both sides of a picture; undefined for what it does otherwise. */
function factorOf(view: GraphView, node: NodeProto): number | undefined {
  if (node.opType !== 'Resize' || textOf(node, 'mode', 'nearest') !== 'nearest') return undefined;
  const scales = view.constantOf(node.input[2] ?? '');
  const values = scales === undefined ? [] : [...floatsOf(scales)];
  const [batch, channels, factor = 0, width] = values;
  if (values.length !== 4 || batch !== 1 || channels !== 1 || factor !== width) return undefined;
  // With a whole factor every other way to count from 0 repeats each number just as often.
  const isPlain =
    textOf(node, 'coordinate_transformation_mode', 'half_pixel') === 'asymmetric' && textOf(node, 'nearest_mode', '') === 'floor';
  return isPlain && Number.isInteger(factor) && factor > 1 && factor <= FACTOR_MAXIMUM ? factor : undefined;
}
