import { freshName, intOf, intsOf, type NodeProto, type OnnxModel, shapeOf, type TensorProto, textOf } from '../onnx/index.ts';
import { setFloats } from './fold-affine.ts';
import { type Affine, at, constantOperand } from './per-channel.ts';
import { constantOf, isOperator, onlyReader, replaceNodes, type Scope, takenNames, visitScopes } from './scope.ts';
import { finiteFloats, floatTensor } from './tensors.ts';

/** Beyond this a summand that moves in front of its factor would cost digits. */
const SUMMAND_MAXIMUM = 1000;

/** A convolution with weights of its own, seen from its input. */
interface Reader {
  node: NodeProto;
  weight: TensorProto;
  values: Float32Array;
  /** Input channels. */
  channels: number;
  channelOf: (index: number) => number;
  rank: number;
}

/**
 * Folds factors and summands by a constant per channel into the convolutions that read them: a factor into the weights, where zeros of the
 * padding stay zeros; a summand into the bias, where there is no padding. A factor with a summand behind it changes places with it first:
 * w h + b = w (h + b / w). Exporters leave such pairs behind activations that have a learnt scale.
 * @returns how many nodes went
 */
export function foldForward(model: OnnxModel): number {
  let folded = 0;
  const taken = takenNames(model);
  visitScopes(model, (scope) => {
    const gone = new Map<NodeProto, NodeProto[]>();
    for (const node of scope.graph.node) {
      if (isOperator(node, 'Mul', 'Div', 'Add', 'Sub') && foldNode(scope, node, taken)) gone.set(node, []);
    }
    replaceNodes(scope.graph, gone);
    folded += gone.size;
  });
  return folded;
}

function foldNode(scope: Scope, node: NodeProto, taken: Set<string>): boolean {
  const [output = ''] = node.output;
  const input = node.input.find((name) => constantOf(scope, name) === undefined);
  if (input === undefined || scope.outputs.has(output)) return false;
  const direct = readersOf(scope, output);
  if (direct !== undefined) return foldInto(scope, node, input, direct, taken);
  const sum = onlyReader(scope, output);
  if (!isOperator(sum, 'Add', 'Sub') || scope.outputs.has(sum.output[0] ?? '')) return false;
  const readers = readersOf(scope, sum.output[0] ?? '');
  return readers !== undefined && foldAcross(scope, node, input, sum, readers, taken);
}

function foldInto(scope: Scope, node: NodeProto, input: string, readers: readonly Reader[], taken: Set<string>): boolean {
  const affine = commonOperand(scope, node, input, readers);
  if (affine === undefined) return false;
  const shifts = affine.shift.some((value) => value !== 0);
  if (shifts && !readers.every((reader) => isUnpadded(reader.node) && canShift(scope, reader.node))) return false;
  if (!canScale(readers, affine)) return false;
  for (const reader of readers) {
    if (shifts) shiftBias(scope, reader, affine.shift, taken);
    scaleWeight(reader, affine.scale);
    redirect(scope, reader.node, node.output[0] ?? '', input);
  }
  return true;
}

/** For the pair of factor and summand: the summand, divided by the factor, takes the place of both. */
function foldAcross(scope: Scope, node: NodeProto, input: string, sum: NodeProto, readers: readonly Reader[], taken: Set<string>): boolean {
  const [output = ''] = node.output;
  const factor = commonOperand(scope, node, input, readers);
  const summand = commonOperand(scope, sum, output, readers);
  const [reader] = readers;
  if (factor === undefined || summand === undefined || reader === undefined) return false;
  if (factor.shift.some((value) => value !== 0) || summand.scale.some((value) => value !== 1)) return false;
  const length = Math.max(factor.scale.length, summand.shift.length);
  const moved = Float32Array.from({ length }, (_, channel) => at(summand.shift, channel) / at(factor.scale, channel));
  if (!moved.every((value) => Math.abs(value) <= SUMMAND_MAXIMUM) || !canScale(readers, factor)) return false;
  for (const each of readers) scaleWeight(each, factor.scale);
  const name = freshName(taken, `${sum.output[0]}_summand`);
  const tensor = floatTensor(name, moved, length === 1 ? [] : [length, ...new Array<number>(reader.rank - 2).fill(1)]);
  scope.graph.initializer.push(tensor);
  scope.constants.set(name, tensor);
  scope.readers.set(name, [sum]);
  sum.opType = 'Add';
  sum.input = [output, name];
  redirect(scope, sum, output, input);
  return true;
}

/** What the node does to its input, if it is the same for every reader. */
function commonOperand(scope: Scope, node: NodeProto, input: string, readers: readonly Reader[]): Affine | undefined {
  const [first, ...others] = readers;
  if (first === undefined || others.some(({ rank, channels }) => rank !== first.rank || channels !== first.channels)) return undefined;
  return constantOperand(scope, node, input, first.rank, first.channels);
}

/** The convolutions that read a value as their input; undefined if something else reads it too. */
function readersOf(scope: Scope, name: string): Reader[] | undefined {
  const nodes = scope.readers.get(name) ?? [];
  const readers = nodes.map((node) => readerOf(scope, node, name));
  return readers.length > 0 && readers.every((reader) => reader !== undefined) ? readers : undefined;
}

function readerOf(scope: Scope, node: NodeProto, name: string): Reader | undefined {
  if (!isOperator(node, 'Conv') || node.input[0] !== name || node.input.indexOf(name, 1) > 0) return undefined;
  const weight = scope.constants.get(node.input[1] ?? '');
  if (weight === undefined || onlyReader(scope, weight.name) !== node) return undefined;
  const values = finiteFloats(weight);
  if (values === undefined) return undefined;
  const shape = shapeOf(weight);
  const [outputs = 0, inputsPerGroup = 0] = shape;
  const groups = intOf(node, 'group', 1);
  const inner = shape.slice(2).reduce((product, side) => product * side, 1);
  const channelOf = (index: number): number => {
    const group = Math.floor(Math.floor(index / (inputsPerGroup * inner)) / (outputs / groups));
    return group * inputsPerGroup + (Math.floor(index / inner) % inputsPerGroup);
  };
  return { node, weight, values, channels: inputsPerGroup * groups, channelOf, rank: shape.length };
}

function isUnpadded(node: NodeProto): boolean {
  const automatic = textOf(node, 'auto_pad', 'NOTSET');
  if (automatic === 'VALID') return true;
  return automatic === 'NOTSET' && (intsOf(node, 'pads') ?? []).every((side) => side === 0);
}

function canShift(scope: Scope, node: NodeProto): boolean {
  const [, , bias] = node.input;
  return bias === undefined || bias === '' || finiteFloats(constantOf(scope, bias)) !== undefined;
}

function canScale(readers: readonly Reader[], { scale }: Affine): boolean {
  return readers.every(({ values, channelOf }) =>
    values.every((value, index) => Number.isFinite(Math.fround(value * at(scale, channelOf(index))))),
  );
}

function scaleWeight({ weight, values, channelOf }: Reader, scale: Float64Array): void {
  setFloats(
    weight,
    values.map((value, index) => value * at(scale, channelOf(index))),
  );
}

/** Adds what a convolution without padding makes of a constant input. */
function shiftBias(scope: Scope, { node, weight, values, channelOf }: Reader, shift: Float64Array, taken: Set<string>): void {
  const [outputs = 0] = shapeOf(weight);
  const perOutput = values.length / outputs;
  const sums = new Float64Array(outputs);
  for (const [index, value] of values.entries()) {
    const output = Math.floor(index / perOutput);
    sums[output] = (sums[output] ?? 0) + value * at(shift, channelOf(index));
  }
  const bias = finiteFloats(constantOf(scope, node.input[2]));
  const name = freshName(taken, `${weight.name}_bias`);
  const tensor = floatTensor(
    name,
    Float32Array.from(sums, (sum, output) => sum + (bias?.[output] ?? 0)),
    [outputs],
  );
  scope.graph.initializer.push(tensor);
  scope.constants.set(name, tensor);
  scope.readers.set(name, [node]);
  node.input = [node.input[0] ?? '', node.input[1] ?? '', name];
}

function redirect(scope: Scope, reader: NodeProto, from: string, to: string): void {
  reader.input = reader.input.map((name) => (name === from ? to : name));
  scope.readers.set(
    from,
    (scope.readers.get(from) ?? []).filter((node) => node !== reader),
  );
  // The folded node itself reads `to` no more.
  scope.readers.set(to, [...(scope.readers.get(to) ?? []).filter((node) => node.output[0] !== from), reader]);
}
