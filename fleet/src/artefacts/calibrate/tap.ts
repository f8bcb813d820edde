import { StarlingError } from '@starling/shared';
import { freshName, valueNames } from '../onnx/graph.ts';
import { attributeType, type GraphProto, type NodeProto, type TensorProto, toNumber } from '../onnx/proto.ts';
import type { OnnxModel } from '../onnx/read.ts';

/** Outputs of a tapped model that tell of one value. */
export interface Tap {
  value: string;
  minimum: string;
  maximum: string;
  /** NaN if any element is: ReduceMin and ReduceMax of ONNX Runtime pass over a NaN, a sum never does. */
  sum: string;
  /** Elements of the value, evenly spaced; only where they were asked for. */
  elements?: string;
}

export interface TappedModel {
  model: OnnxModel;
  taps: Tap[];
  /** Input (int64, one element) that shifts which elements are taken; only where elements are taken. */
  phaseInput?: string;
}

/** TensorProto.INT64; the first opset whose Slice takes steps, and that has Mod. */
const INT64 = 7;
const ELEMENTS_OPSET_MINIMUM = 10;
const INT64_MAXIMUM = 2n ** 63n - 1n;

/**
 * Adds to a model the outputs that tell of some of its values, and takes its own away: what no tap needs is then not computed. Only
 * scalars, and the elements asked for, leave the session.
 *
 * The taps stand behind the model in reverse order of what they look at. ONNX Runtime orders a graph by depth-first search from its ends,
 * the last one first: so each tap runs as soon as its value is there, while it is in the cache, and the value is then freed. In the order
 * of the values, or beside them, all of them stayed in memory until the end (text detection at 640 x 640: 454 MB instead of 313).
 *
 * @param elementsPerRun how many elements to take of each value, about; 0 for none
 * @throws StarlingError `unknown-value`, `opset-too-old`
 */
export function tapModel(model: OnnxModel, values: Iterable<string>, elementsPerRun: number): TappedModel {
  const { graph } = model;
  const places = placesOf(graph);
  const wanted = [...new Set(values)];
  for (const value of wanted) if (!places.has(value)) throw unknownValue(value, graph);
  wanted.sort((a, b) => (places.get(b) ?? 0) - (places.get(a) ?? 0));
  if (elementsPerRun > 0) requireOpset(model);
  const taken = valueNames(graph);
  const picker = elementsPerRun > 0 ? createPicker(taken, elementsPerRun) : undefined;
  const nodes: NodeProto[] = [];
  const taps = wanted.map((value): Tap => {
    const reduced = (operator: string): string => {
      const output = freshName(taken, `${value}_${operator}`);
      const attribute = [{ name: 'keepdims', type: attributeType.int, i: 0 }];
      nodes.push({ name: output, opType: operator, input: [value], output: [output], attribute });
      return output;
    };
    const tap: Tap = { value, minimum: reduced('ReduceMin'), maximum: reduced('ReduceMax'), sum: reduced('ReduceSum') };
    return picker === undefined ? tap : { ...tap, elements: picker.pick(value, nodes) };
  });
  const tapped: GraphProto = {
    ...graph,
    node: [...graph.node, ...nodes],
    initializer: [...graph.initializer, ...(picker?.constants ?? [])],
    input: [...graph.input, ...(picker === undefined ? [] : [picker.input])],
    output: taps.flatMap(({ minimum, maximum, sum, elements }) =>
      [minimum, maximum, sum, ...(elements === undefined ? [] : [elements])].map((name) => ({ name })),
    ),
  };
  return { model: { ...model, graph: tapped }, taps, ...(picker === undefined ? {} : { phaseInput: picker.input.name }) };
}

/** Value -> place of the node that makes it; -1 for inputs of the graph. Constants are no values. */
function placesOf(graph: GraphProto): Map<string, number> {
  const constants = new Set(graph.initializer.map(({ name }) => name));
  const places = new Map<string, number>();
  for (const { name } of graph.input) if (!constants.has(name)) places.set(name, -1);
  for (const [place, node] of graph.node.entries()) {
    if (node.opType === 'Constant') continue;
    for (const output of node.output) if (output !== '') places.set(output, place);
  }
  return places;
}

/**
 * Takes every n-th element of the flattened value, n odd, from a start that moves with each run: a stride of a power of two would see only
 * some of the channels or columns, a fixed start always the same pixels.
 */
function createPicker(taken: Set<string>, elementsPerRun: number) {
  const constant = (name: string, value: bigint): TensorProto => ({
    name: freshName(taken, name),
    dims: [1],
    dataType: INT64,
    rawData: new Uint8Array(BigInt64Array.of(value).buffer),
  });
  const flatShape = constant('calibration_flat', -1n);
  const halves = constant('calibration_halves', BigInt(2 * elementsPerRun));
  const two = constant('calibration_two', 2n);
  const one = constant('calibration_one', 1n);
  const end = constant('calibration_end', INT64_MAXIMUM);
  const axis = constant('calibration_axis', 0n);
  const phase = freshName(taken, 'calibration_phase');
  const input = { name: phase, type: { tensorType: { elemType: INT64, shape: { dim: [{ dimValue: 1 }] } } } };
  const nameOf = (tensor: TensorProto): string => tensor.name ?? '';

  const pick = (value: string, nodes: NodeProto[]): string => {
    const add = (opType: string, ...inputs: string[]): string => {
      const output = freshName(taken, `${value}_calibration_${opType}`);
      nodes.push({ name: output, opType, input: inputs, output: [output], attribute: [] });
      return output;
    };
    // stride = 2 * floor(elements / (2 * wanted)) + 1
    const half = add('Div', add('Size', value), nameOf(halves));
    const stride = add('Add', add('Mul', half, nameOf(two)), nameOf(one));
    const start = add('Mod', phase, stride);
    return add('Slice', add('Reshape', value, nameOf(flatShape)), start, nameOf(end), nameOf(axis), stride);
  };
  return { pick, input, constants: [flatShape, halves, two, one, end, axis] };
}

function requireOpset(model: OnnxModel): void {
  const standard = model.opsetImport.find(({ domain }) => domain === undefined || domain === '' || domain === 'ai.onnx');
  const opset = standard === undefined ? 0 : toNumber(standard.version);
  if (opset >= ELEMENTS_OPSET_MINIMUM) return;
  throw new StarlingError('opset-too-old', `the model has opset ${opset}; this calibration method needs ${ELEMENTS_OPSET_MINIMUM}`, {
    field: 'model.opsetImport',
    hint: 'calibrate the optimised model, whose opset is upgraded, or use the method "minmax"',
  });
}

function unknownValue(value: string, graph: GraphProto): StarlingError {
  const constant = graph.initializer.some(({ name }) => name === value) || graph.node.some(({ output }) => output.includes(value));
  return new StarlingError('unknown-value', `the model computes no value "${value}"${constant ? ': it is a constant' : ''}`, {
    field: `values.${value}`,
    hint: 'name inputs of the graph or outputs of its nodes; values inside of subgraphs cannot be calibrated',
  });
}
