import { floatsOf, type GraphView, intOf, makeTensor, type NodeProto, type OnnxModel, shapeOf, viewGraph } from '../onnx/index.ts';
import { isOperator, onlyUse } from './rewrites/operators.ts';

/** Pairs share layers, so that one changes what its neighbours had settled; after as many rounds little changes. */
const ROUNDS = 20;
/** A factor as far from 1 as this is worth another round. */
const TOLERANCE = 1e-3;

interface Layer {
  node: NodeProto;
  weight: Float32Array;
  shape: number[];
  bias: Float32Array | undefined;
  depthwise: boolean;
}

/**
 * Cross-layer equalisation (Nagel et al. 2021, arXiv:2106.08295, section 4.1; Nagel et al. 2019, arXiv:1906.04721, equations 8 to 11):
 * where only a ReLU or nothing stands between two convolutions, f(s x) = s f(x), so that a channel can be divided by s in the first and
 * multiplied by s in the second. With s = sqrt(r1 r2) / r2, r the largest weight of that channel on either side, both ranges become
 * sqrt(r1 r2), and channels that shared one scale with much larger ones get integers of their own.
 *
 * Changes the model in place, before calibration. @returns pairs that were equalised
 */
export function equaliseLayers(model: OnnxModel): number {
  const view = viewGraph(model);
  const layers = new Map<NodeProto, Layer>();
  for (const node of view.nodes()) {
    const layer = layerOf(view, node);
    if (layer !== undefined) layers.set(node, layer);
  }
  const pairs = [...layers.values()].flatMap((first) => {
    const second = layers.get(nextOf(view, first.node) ?? first.node);
    return second === undefined || second === first ? [] : [{ first, second }];
  });
  for (let round = 0; round < ROUNDS; round += 1) {
    const changes = pairs.map(({ first, second }) => equalisePair(first, second));
    if (changes.every((change) => change < TOLERANCE)) break;
  }
  for (const layer of new Set(pairs.flatMap(({ first, second }) => [first, second]))) store(view, layer);
  view.commit();
  return pairs.length;
}

function layerOf(view: GraphView, node: NodeProto): Layer | undefined {
  if (!isOperator(node, 'Conv')) return undefined;
  const tensor = view.constantOf(node.input[1] ?? '');
  const biasName = node.input[2] ?? '';
  const biasTensor = biasName === '' ? undefined : view.constantOf(biasName);
  if (tensor === undefined || (biasName !== '' && biasTensor === undefined)) return undefined;
  const shape = shapeOf(tensor);
  const group = intOf(node, 'group', 1);
  const depthwise = group > 1 && group === shape[0] && shape[1] === 1;
  if (group !== 1 && !depthwise) return undefined;
  const bias = biasTensor === undefined ? undefined : floatsOf(biasTensor);
  return { node, weight: floatsOf(tensor), shape, bias, depthwise };
}

/** The layer that alone reads a layer's result, directly or through an activation that scales with it. */
function nextOf(view: GraphView, node: NodeProto): NodeProto | undefined {
  const next = onlyUse(view, node.output[0] ?? '');
  if (next === undefined || next.index !== 0) return undefined;
  if (!isOperator(next.node, 'Relu', 'LeakyRelu')) return next.node;
  const behind = onlyUse(view, next.node.output[0] ?? '');
  return behind?.index === 0 ? behind.node : undefined;
}

/** @returns the largest change of a channel, as a logarithm */
function equalisePair(first: Layer, second: Layer): number {
  const channels = first.shape[0] ?? 0;
  let change = 0;
  for (let channel = 0; channel < channels; channel += 1) {
    const before = largest(first, channel, 'output');
    const after = largest(second, channel, 'input');
    // A channel of zeros on either side has nothing to give or to gain.
    if (before === 0 || after === 0) continue;
    const factor = Math.sqrt(before * after) / after;
    if (!Number.isFinite(factor) || factor === 0) continue;
    scale(first, channel, 'output', 1 / factor);
    if (first.bias !== undefined) first.bias[channel] = (first.bias[channel] ?? 0) / factor;
    scale(second, channel, 'input', factor);
    change = Math.max(change, Math.abs(Math.log(factor)));
  }
  return change;
}

/** Places of the weights that make an output channel, or that read an input channel. */
function* placesOf({ weight, shape, depthwise }: Layer, channel: number, side: 'input' | 'output'): Generator<number> {
  const row = weight.length / (shape[0] ?? 1);
  if (side === 'output' || depthwise) {
    for (let index = channel * row; index < (channel + 1) * row; index += 1) yield index;
    return;
  }
  const pixels = row / (shape[1] ?? 1);
  for (let start = channel * pixels; start < weight.length; start += row) {
    for (let index = start; index < start + pixels; index += 1) yield index;
  }
}

function largest(layer: Layer, channel: number, side: 'input' | 'output'): number {
  let maximum = 0;
  for (const place of placesOf(layer, channel, side)) maximum = Math.max(maximum, Math.abs(layer.weight[place] as number));
  return maximum;
}

function scale(layer: Layer, channel: number, side: 'input' | 'output', factor: number): void {
  for (const place of placesOf(layer, channel, side)) layer.weight[place] = (layer.weight[place] as number) * factor;
}

/** Other nodes may share the old constants: they keep them. */
function store(view: GraphView, { node, weight, shape, bias }: Layer): void {
  const replace = (index: number, dims: number[], values: Float32Array): void => {
    const old = node.input[index] ?? '';
    view.setInput(node, index, view.addConstant(makeTensor(`${old}_equalised`, 'float', dims, values)));
    if (view.usesOf(old).length === 0 && !view.isOutput(old)) view.removeConstant(old);
  };
  replace(1, shape, weight);
  if (bias !== undefined) replace(2, [bias.length], bias);
}
