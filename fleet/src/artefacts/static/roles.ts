import {
  floatsOf,
  type GraphView,
  intOf,
  isStandard,
  type NodeProto,
  shapeOf,
  type TensorProto,
  tensorDataType,
  textOf,
} from '../onnx/index.ts';
import type { TargetRules } from './targets.ts';

/**
 * What an operator is to quantisation.
 * - `product`: multiplies with weights, or two values with each other; what all this is for
 * - `elementwise`: has an int8 form with scales of its own for each input and for the output
 * - `ramp`: HardSigmoid, which on integers is a Clip whose result is read with other parameters
 * - `affine`: times a number plus a number, which changes the parameters alone
 * - `clip`: Relu and Clip
 * - `movement`: only moves numbers, so that input and output share their parameters
 */
export type Role = 'product' | 'elementwise' | 'ramp' | 'affine' | 'clip' | 'movement';

const roles: Readonly<Record<string, Role>> = {
  ...{ Conv: 'product', ConvTranspose: 'product', Gemm: 'product', MatMul: 'product' },
  ...{ Add: 'elementwise', Mul: 'elementwise', Sigmoid: 'elementwise', LeakyRelu: 'elementwise' },
  ...{ AveragePool: 'elementwise', GlobalAveragePool: 'elementwise' },
  ...{ HardSigmoid: 'ramp', Relu: 'clip', Clip: 'clip' },
  ...{ MaxPool: 'movement', Resize: 'movement', Reshape: 'movement', Transpose: 'movement', Slice: 'movement', Split: 'movement' },
  ...{ Squeeze: 'movement', Unsqueeze: 'movement', Flatten: 'movement', Identity: 'movement', DepthToSpace: 'movement' },
  ...{ SpaceToDepth: 'movement', Expand: 'movement', Tile: 'movement', Gather: 'movement', Concat: 'movement', Pad: 'movement' },
};

/** y = factor x + summand */
export interface Affine {
  value: string;
  factor: number;
  summand: number;
}

export function roleOf(view: GraphView, node: NodeProto, rules: TargetRules): Role | undefined {
  if (!isStandard(node) || !Object.hasOwn(roles, node.opType)) return undefined;
  const role = roles[node.opType];
  if (role === 'product') return isQuantisableProduct(view, node, rules) ? role : undefined;
  if (role === 'movement') return movesIntegers(view, node) ? role : undefined;
  switch (node.opType) {
    case 'Add':
    case 'Mul':
      if (node.input.every((name) => view.constantOf(name) !== undefined)) return undefined;
      return affineOf(view, node) === undefined ? role : 'affine';
    case 'Clip':
      return boundsOf(view, node) === undefined ? undefined : role;
    default:
      return role;
  }
}

function isQuantisableProduct(view: GraphView, node: NodeProto, { reach }: TargetRules): boolean {
  switch (node.opType) {
    case 'Conv':
      return isFloatConstant(view, node.input[1] ?? '') && isBiasConstant(view, node);
    case 'ConvTranspose':
      // There is no int8 kernel of it on CPUs.
      return reach === 'inputs' && isFloatConstant(view, node.input[1] ?? '') && isBiasConstant(view, node);
    case 'MatMul':
      return view.constantOf(node.input[0] ?? '') === undefined;
    default:
      return isPlainGemm(view, node);
  }
}

/** Whether an operator does the same to integers as to the numbers that they stand for. */
function movesIntegers(view: GraphView, node: NodeProto): boolean {
  if (node.opType !== 'Concat' && view.constantOf(node.input[0] ?? '') !== undefined) return false;
  switch (node.opType) {
    case 'Resize':
      return textOf(node, 'mode', 'nearest') === 'nearest';
    case 'Pad':
      return textOf(node, 'mode', 'constant') !== 'constant' || isZero(view, node.input[2]);
    case 'MaxPool':
      return node.output.length === 1;
    default:
      return true;
  }
}

/** Inputs that are activations: neither constants nor shapes, axes and the like. */
export function activationsOf(view: GraphView, node: NodeProto): string[] {
  const isMany = ['Concat', 'Add', 'Mul', 'MatMul'].includes(node.opType);
  return (isMany ? node.input : node.input.slice(0, 1)).filter((name) => name !== '' && view.constantOf(name) === undefined);
}

export function affineOf(view: GraphView, node: NodeProto): Affine | undefined {
  if (node.opType !== 'Mul' && node.opType !== 'Add') return undefined;
  for (const [index, name] of node.input.entries()) {
    const number = scalarOf(view, name);
    const value = node.input[1 - index] ?? '';
    if (number === undefined || view.constantOf(value) !== undefined) continue;
    return node.opType === 'Mul' ? { value, factor: number, summand: 0 } : { value, factor: 1, summand: number };
  }
  return undefined;
}

/** Where Relu or Clip cut off; undefined if that is only known when it runs. */
export function boundsOf(view: GraphView, node: NodeProto): { low: number; high: number } | undefined {
  if (node.opType === 'Relu') return { low: 0, high: Number.POSITIVE_INFINITY };
  const [, lowName = '', highName = ''] = node.input;
  const low = lowName === '' ? Number.NEGATIVE_INFINITY : scalarOf(view, lowName);
  const high = highName === '' ? Number.POSITIVE_INFINITY : scalarOf(view, highName);
  return low === undefined || high === undefined || low > 0 || high < 0 ? undefined : { low, high };
}

function scalarOf(view: GraphView, name: string): number | undefined {
  const tensor = name === '' ? undefined : view.constantOf(name);
  // More axes could give the other operand more axes.
  if (tensor === undefined || tensor.dataType !== tensorDataType.float || shapeOf(tensor).length > 1) return undefined;
  const values = floatsOf(tensor);
  return values.length === 1 ? values[0] : undefined;
}

function isFloatConstant(view: GraphView, name: string): boolean {
  return isFloat(view.constantOf(name));
}

function isFloat(tensor: TensorProto | undefined): boolean {
  return tensor?.dataType === tensorDataType.float;
}

function isBiasConstant(view: GraphView, node: NodeProto): boolean {
  const name = node.input[2] ?? '';
  return name === '' || isFloatConstant(view, name);
}

function isPlainGemm(view: GraphView, node: NodeProto): boolean {
  const scales = ['alpha', 'beta'].map((name) => node.attribute.find((attribute) => attribute.name === name)?.f ?? 1);
  if (scales.some((scale) => scale !== 1) || intOf(node, 'transA', 0) !== 0 || !isBiasConstant(view, node)) return false;
  const bias = view.constantOf(node.input[2] ?? '');
  return isFloatConstant(view, node.input[1] ?? '') && (bias === undefined || shapeOf(bias).length === 1);
}

function isZero(view: GraphView, name: string | undefined): boolean {
  if (name === undefined || name === '') return true;
  return scalarOf(view, name) === 0;
}
