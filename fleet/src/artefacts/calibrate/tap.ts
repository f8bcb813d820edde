import { StarlingError } from '@starling/shared';
import { freshName, valueNames } from '../onnx/graph.ts';
import { attributeType, type GraphProto, type NodeProto, type TensorProto, toNumber } from '../onnx/proto.ts';
import type { OnnxModel } from '../onnx/read.ts';
import { readKnownValues } from './known-values.ts';

/** Outputs of a tapped model that tell of one value. */
export interface Tap {
  value: string;
  /** The output that holds it, or what it is known to be at least. */
  minimum: string | number;
  maximum: string;
  /** Elements of the value, evenly spaced; only where they were asked for. */
  elements?: string;
}

/** NaN if any element of the value is: ReduceMin and ReduceMax of ONNX Runtime pass over a NaN, a sum never does. */
export interface Guard {
  value: string;
  sum: string;
}

export interface TappedModel {
  model: OnnxModel;
  /** The last value of the model first. */
  taps: Tap[];
  guards: Guard[];
  /** Input (int64, one element) that shifts which elements are taken; only where elements are taken. */
  phaseInput?: string;
}

/** TensorProto.INT64; the first opset whose Slice takes steps, and that has Mod. */
const INT64 = 7;
const ELEMENTS_OPSET_MINIMUM = 10;
const INT64_MAXIMUM = 2n ** 63n - 1n;
/** TensorProto.FLOAT */
const FLOAT = 1;
/** Operators that may lose a NaN. All others hand it on, Relu and Clip too, so it is seen where they or the model end. */
const NAN_LOSERS = new Set(['MaxPool', 'GlobalMaxPool', 'ReduceMax', 'ReduceMin', 'ArgMax', 'ArgMin', 'TopK']);

/**
 * Adds to a model the outputs that tell of some of its values, and takes its own away: what no tap needs is then not computed. Only
 * scalars, and the elements asked for, leave the session.
 *
 * The taps stand behind the model in reverse order of what they look at. ONNX Runtime orders a graph by depth-first search from its ends,
 * the last one first: so each tap runs as soon as its value is there, while it is in the cache, and the value is then freed. In the order
 * of the values, or beside them, all of them stayed in memory until the end (text detection at 640 x 640: 454 MB instead of 313).
 *
 * Each look at a value costs a pass through it, and where convolutions work on blocks of channels a copy in plain order before that. So
 * minima that operators bound are not looked for, and a picture of which only the maximum is asked goes through GlobalMaxPool, which reads
 * blocks as they are. Beside a look in plain order the latter would be a pass more.
 *
 * Sums are the dearest of the reductions (a fifth of a run, on all values of text detection), so they stand only where a NaN would get lost.
 *
 * @param elementsPerRun how many elements to take of each value, about; 0 for none
 * @param guardAll puts a sum at every tap too, to see where a NaN comes from
 * @throws StarlingError `unknown-value`, `opset-too-old`
 */
export function tapModel(model: OnnxModel, values: Iterable<string>, elementsPerRun: number, guardAll = false): TappedModel {
  const { graph } = model;
  const places = placesOf(graph);
  const wanted = new Set(values);
  for (const value of wanted) if (!places.has(value)) throw unknownValue(value, graph);
  if (elementsPerRun > 0) requireOpset(model);
  const taken = valueNames(graph);
  const picker = elementsPerRun > 0 ? createPicker(taken, elementsPerRun) : undefined;
  const guarded = guardedValues(graph, places);
  const known = readKnownValues(graph);
  const nodes: NodeProto[] = [];
  const taps: Tap[] = [];
  const guards: Guard[] = [];
  for (const value of [...new Set([...wanted, ...guarded])].sort((a, b) => (places.get(b) ?? 0) - (places.get(a) ?? 0))) {
    const reduced = (operator: string, input = value): string => {
      const output = freshName(taken, `${value}_${operator}`);
      const attribute = [{ name: 'keepdims', type: attributeType.int, i: 0 }];
      nodes.push({ name: output, opType: operator, input: [input], output: [output], attribute });
      return output;
    };
    const largest = (): string => {
      if (picker !== undefined || known.lowerBoundOf(value) === undefined || !known.isPicture(value)) return reduced('ReduceMax');
      const output = freshName(taken, `${value}_GlobalMaxPool`);
      nodes.push({ name: output, opType: 'GlobalMaxPool', input: [value], output: [output], attribute: [] });
      return reduced('ReduceMax', output);
    };
    if (wanted.has(value)) {
      const tap: Tap = { value, minimum: known.lowerBoundOf(value) ?? reduced('ReduceMin'), maximum: largest() };
      taps.push(picker === undefined ? tap : { ...tap, elements: picker.pick(value, nodes) });
    }
    if (guardAll || guarded.has(value)) guards.push({ value, sum: reduced('ReduceSum') });
  }
  const tapped: GraphProto = {
    ...graph,
    node: [...graph.node, ...nodes],
    initializer: [...graph.initializer, ...(picker?.constants ?? [])],
    input: [...graph.input, ...(picker === undefined ? [] : [picker.input])],
    output: [
      ...taps.flatMap(({ minimum, maximum, elements }) => [minimum, maximum, elements].filter((name) => typeof name === 'string')),
      ...guards.map(({ sum }) => sum),
    ].map((name) => ({ name })),
  };
  return { model: { ...model, graph: tapped }, taps, guards, ...(picker === undefined ? {} : { phaseInput: picker.input.name }) };
}

/** Where every NaN comes by: outputs of the model, and what operators read that may lose one. */
function guardedValues(graph: GraphProto, places: ReadonlyMap<string, number>): Set<string> {
  const outputs = graph.output as { name: string; type?: { tensorType?: { elemType?: number } | null } | null }[];
  const ends = outputs.filter(({ type }) => (type?.tensorType?.elemType ?? FLOAT) === FLOAT).map(({ name }) => name);
  const losers = graph.node.filter(({ opType }) => NAN_LOSERS.has(opType)).flatMap(({ input }) => input.slice(0, 1));
  return new Set([...ends, ...losers].filter((value) => places.has(value)));
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
