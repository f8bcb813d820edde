import {
  attributeOf,
  floatOf,
  floatsOf,
  intOf,
  intsOf,
  makeAttribute,
  type NodeProto,
  removeAttribute,
  setAttribute,
  tensorDataType,
  textOf,
} from '../../onnx/index.ts';
import { floatTensor, integerTensor, scalarTensor } from '../tensors.ts';
import { cannotUpgrade, type Upgrade, type UpgradeContext } from './context.ts';

const EXPORT_AGAIN = 'export the model again with opset 13 or newer';
/** The defaults of Clip before opset 11, which mean no bound. */
const FLOAT_MAXIMUM = 3.4028234663852886e38;

/** Attribute -> input, as most changes of form are. */
function attributeToInput(attribute: string, position: number): Upgrade {
  return (node, context) => {
    // The bounds of Slice reach 2^63 - 1, which a number rounds up beyond the type; the largest exact number is as open an end.
    const values = intsOf(node, attribute)?.map((value) => Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, value)));
    removeAttribute(node, attribute);
    if (values === undefined || values.length === 0) return undefined;
    setInput(
      node,
      position,
      context.addConstant(`${nameOf(node)}_${attribute}`, (name) => integerTensor(name, values)),
    );
    return undefined;
  };
}

function nameOf(node: NodeProto): string {
  return node.output.find((name) => name !== '') ?? node.opType;
}

function setInput(node: NodeProto, position: number, name: string): void {
  while (node.input.length < position) node.input.push('');
  node.input[position] = name;
}

/** Puts a number in as a scalar of the type of the node's first input. */
function scalarInput(node: NodeProto, position: number, value: number, what: string, context: UpgradeContext): void {
  const dataType = context.typeOf(node.input[0])?.elementType ?? tensorDataType.float;
  if (scalarTensor('', value, dataType) === undefined) {
    throw cannotUpgrade(node, `its ${what} is of element type ${dataType}`, EXPORT_AGAIN);
  }
  const name = context.addConstant(
    `${nameOf(node)}_${what}`,
    (fresh) => scalarTensor(fresh, value, dataType) ?? floatTensor(fresh, Float32Array.of(value), []),
  );
  setInput(node, position, name);
}

const clip: Upgrade = (node, context) => {
  const [minimum, maximum] = [floatOf(node, 'min', -FLOAT_MAXIMUM), floatOf(node, 'max', FLOAT_MAXIMUM)];
  removeAttribute(node, 'min');
  removeAttribute(node, 'max');
  if (minimum > Math.fround(-FLOAT_MAXIMUM)) scalarInput(node, 1, minimum, 'min', context);
  if (maximum < Math.fround(FLOAT_MAXIMUM)) scalarInput(node, 2, maximum, 'max', context);
  return undefined;
};

const pad: Upgrade = (node, context) => {
  const value = floatOf(node, 'value', 0);
  attributeToInput('pads', 1)(node, context);
  removeAttribute(node, 'value');
  if (value !== 0) scalarInput(node, 2, value, 'value', context);
  return undefined;
};

const slice: Upgrade = (node, context) => {
  for (const [position, attribute] of ['starts', 'ends', 'axes'].entries()) attributeToInput(attribute, position + 1)(node, context);
  return undefined;
};

const topK: Upgrade = (node, context) => {
  const count = intOf(node, 'k', 0);
  removeAttribute(node, 'k');
  setInput(
    node,
    1,
    context.addConstant(`${nameOf(node)}_k`, (name) => integerTensor(name, [count])),
  );
  return undefined;
};

/** Statistics per activation were dropped in opset 9. */
const batchNormalization9: Upgrade = (node) => {
  if (intOf(node, 'spatial', 1) !== 1) throw cannotUpgrade(node, 'it has spatial = 0', EXPORT_AGAIN);
  removeAttribute(node, 'spatial');
  return undefined;
};

/** Five outputs meant training; in opset 14 that is an attribute, and inference has one output. */
const batchNormalization14: Upgrade = (node, context) => {
  if (node.output.slice(1).some((name) => context.isUsed(name)))
    throw cannotUpgrade(node, 'its outputs of training are used', 'export the model for inference');
  node.output = node.output.slice(0, 1);
  return undefined;
};

/** Before opset 12 Dropout does nothing at inference, as it does since without `training_mode`; its mask was float before opset 10. */
const dropout10: Upgrade = (node, context) => {
  if (context.isUsed(node.output[1])) throw cannotUpgrade(node, 'its mask is used', 'export the model for inference');
  node.output = node.output.slice(0, 1);
  return undefined;
};
const dropout12: Upgrade = (node) => {
  removeAttribute(node, 'ratio');
  return undefined;
};

const upsample9: Upgrade = (node, context) => {
  const scales = attributeOf(node, 'scales')?.floats ?? [];
  removeAttribute(node, 'scales');
  setInput(
    node,
    1,
    context.addConstant(`${nameOf(node)}_scales`, (name) => floatTensor(name, Float32Array.from(scales), [scales.length])),
  );
  return undefined;
};

const upsample10: Upgrade = (node) => {
  node.opType = 'Resize';
  return undefined;
};

/**
 * Before opset 11 pixels lie at their corners (`asymmetric`). ONNX Runtime takes the pixel below when it enlarges, and the one above when it
 * makes smaller ("simple" nearest mode, core/providers/cpu/tensor/upsamplebase.h).
 */
const resize11: Upgrade = (node, context) => {
  const [data = '', scalesName = ''] = node.input;
  const tensor = context.constantOf(scalesName);
  const scales = tensor?.dataType === tensorDataType.float ? [...floatsOf(tensor)] : [];
  const [smaller, larger] = [scales.some((scale) => scale < 1), scales.some((scale) => scale > 1)];
  const nearest = textOf(node, 'mode', 'nearest') === 'nearest';
  if (nearest && smaller && larger) throw cannotUpgrade(node, 'it enlarges one side and makes another smaller', EXPORT_AGAIN);
  const region = context.addConstant(`${nameOf(node)}_roi`, (name) => floatTensor(name, new Float32Array(0), [0]));
  node.input = [data, region, scalesName];
  setAttribute(node, 'coordinate_transformation_mode', { string: 'asymmetric' });
  if (nearest) setAttribute(node, 'nearest_mode', { string: smaller ? 'ceil' : 'floor' });
  return undefined;
};

const scatter11: Upgrade = (node) => {
  node.opType = 'ScatterElements';
  return undefined;
};

const split18: Upgrade = (node) => {
  if (node.input[1] === undefined || node.input[1] === '') setAttribute(node, 'num_outputs', { int: node.output.length });
  return undefined;
};

const gridSample20: Upgrade = (node) => {
  const names: Record<string, string> = { bilinear: 'linear', bicubic: 'cubic' };
  const mode = textOf(node, 'mode', 'bilinear');
  setAttribute(node, 'mode', { string: names[mode] ?? mode });
  return undefined;
};

const roiAlign16: Upgrade = (node) => {
  setAttribute(node, 'coordinate_transformation_mode', { string: 'output_half_pixel' });
  return undefined;
};

const dft20: Upgrade = (node, context) => {
  const axis = intOf(node, 'axis', 1);
  removeAttribute(node, 'axis');
  setInput(
    node,
    2,
    context.addConstant(`${nameOf(node)}_axis`, (name) => integerTensor(name, [axis], [])),
  );
  return undefined;
};

/**
 * Before opset 13 the input counts as a matrix: all axes from `axis` on share one sum. Where that is more than one axis, Flatten makes that
 * matrix and Reshape undoes it.
 */
const softmax13: Upgrade = (node, context) => {
  const axis = intOf(node, 'axis', 1);
  const shape = context.typeOf(node.input[0])?.shape;
  const position = axis < 0 ? (shape === undefined ? axis : axis + shape.length) : axis;
  const aloneInRow = axis === -1 || shape?.slice(position + 1).every((side) => side === 1) === true;
  if (aloneInRow) {
    setAttribute(node, 'axis', { int: axis === -1 || shape === undefined || position === shape.length - 1 ? -1 : position });
    return undefined;
  }
  const [data = ''] = node.input;
  const [result = ''] = node.output;
  const [matrix, product, sides] = ['matrix', 'rows', 'shape'].map((part) => context.freshName(`${result}_${part}`)) as [
    string,
    string,
    string,
  ];
  node.input = [matrix];
  node.output = [product];
  setAttribute(node, 'axis', { int: -1 });
  const make = (opType: string, input: string[], output: string, attribute = [] as NodeProto['attribute']): NodeProto => ({
    name: `${nameOf(node)}_${opType}`,
    opType,
    input,
    output: [output],
    attribute,
  });
  return [
    make('Flatten', [data], matrix, [makeAttribute('axis', { int: axis })]),
    node,
    make('Shape', [data], sides),
    make('Reshape', [product, sides], result),
  ];
};

const refuse =
  (why: string, hint = EXPORT_AGAIN): Upgrade =>
  (node): never => {
    throw cannotUpgrade(node, why, hint);
  };

const reductionAxes = attributeToInput('axes', 1);

/**
 * Operator -> opset -> what changed its form there, of opsets 8 to 21 (https://onnx.ai/onnx/operators/, "Differences with previous
 * version"). Versions that only allow more types, or add an attribute or input whose absence means what it was before, are not here.
 */
export const operatorUpgrades: Readonly<Record<string, Readonly<Record<number, Upgrade>>>> = {
  BatchNormalization: { 9: batchNormalization9, 14: batchNormalization14 },
  Clip: { 11: clip },
  DFT: { 20: dft20 },
  Dropout: { 10: dropout10, 12: dropout12 },
  GridSample: { 20: gridSample20 },
  GroupNormalization: { 21: refuse('its scale and bias became one per channel', 'choose an opset of at most 20') },
  Hardmax: { 13: softmax13 },
  LogSoftmax: { 13: softmax13 },
  Pad: { 11: pad },
  ReduceL1: { 18: reductionAxes },
  ReduceL2: { 18: reductionAxes },
  ReduceLogSum: { 18: reductionAxes },
  ReduceLogSumExp: { 18: reductionAxes },
  ReduceMax: { 18: reductionAxes },
  ReduceMean: { 18: reductionAxes },
  ReduceMin: { 18: reductionAxes },
  ReduceProd: { 18: reductionAxes },
  ReduceSum: { 13: reductionAxes },
  ReduceSumSquare: { 18: reductionAxes },
  Resize: { 11: resize11 },
  RoiAlign: { 16: roiAlign16 },
  Scan: { 9: refuse('its batch dimension was dropped in opset 9') },
  Scatter: { 11: scatter11 },
  Slice: { 10: slice },
  Softmax: { 13: softmax13 },
  Split: { 13: attributeToInput('split', 1), 18: split18 },
  Squeeze: { 13: attributeToInput('axes', 1) },
  TopK: { 10: topK },
  Unsqueeze: { 13: attributeToInput('axes', 1) },
  Upsample: { 9: upsample9, 10: upsample10 },
};
