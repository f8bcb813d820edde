import { type GraphView, makeNode, makeTensor, type NodeProto } from '../onnx/index.ts';
import type { Encoding } from './encode.ts';
import type { Parameters } from './integers.ts';
import type { IntegerType } from './targets.ts';

/** What is known of values while a graph is rewritten: where their integers are, and who makes them. */
export interface Insertion {
  readonly view: GraphView;
  readonly encodings: ReadonlyMap<string, Encoding>;
  readonly type: IntegerType;
  /** Value -> the value that holds its integers. */
  readonly integers: Map<string, string>;
  /** Value -> the value that holds it in float for quantised nodes, where a node in float makes it. */
  readonly reals: Map<string, string>;
  /** Values that quantised nodes make: they are dequantised under their own name. */
  readonly made: Set<string>;
  /** What it holds -> the name of a constant. */
  readonly constants: Map<string, string>;
}

export function createInsertion(view: GraphView, encodings: ReadonlyMap<string, Encoding>, type: IntegerType): Insertion {
  return { view, encodings, type, integers: new Map(), reals: new Map(), made: new Set(), constants: new Map() };
}

/** Scale and zero point as inputs of QuantizeLinear and DequantizeLinear; equal ones are stored once. */
export function parameterInputs(insertion: Insertion, { scale, zeroPoint }: Parameters): string[] {
  const { view, constants } = insertion;
  const name = sharedConstant(constants, `scale ${scale}`, () => view.addConstant(makeTensor('scale', 'float', [], [scale])));
  return [name, zeroPointName(insertion, zeroPoint)];
}

export function zeroPointName({ view, type, constants }: Insertion, zeroPoint: number): string {
  return sharedConstant(constants, `zero point ${zeroPoint}`, () => view.addConstant(makeTensor('zero_point', type, [], [zeroPoint])));
}

function sharedConstant(constants: Map<string, string>, key: string, make: () => string): string {
  const name = constants.get(key) ?? make();
  constants.set(key, name);
  return name;
}

export function encodingOf({ encodings }: Insertion, value: string): Encoding {
  // Every value that a chosen node reads or makes was traced.
  return encodings.get(value) as Encoding;
}

/** The integers of a value, which are made if they are not there yet. */
export function integersOf(insertion: Insertion, value: string): string {
  const { view, integers } = insertion;
  const known = integers.get(value);
  if (known !== undefined) return known;
  const { origin, parameters, low = 0, high = 0 } = encodingOf(insertion, value);
  const source = origin.kind === 'own' || origin.kind === 'moved' ? undefined : integersOf(insertion, origin.from);
  const output = origin.kind === 'shifted' && source !== undefined ? source : view.freshName(`${value}_q`);
  integers.set(value, output);
  if (origin.kind === 'own') addQuantise(insertion, value, parameters, output);
  else if (source !== undefined && source !== output) {
    const bounds = [low, high].map((bound) => zeroPointName(insertion, bound));
    view.add(makeNode('Clip', [source, ...bounds], [output], { name: output }));
  }
  return output;
}

/** A quantised value in float. */
export function realOf({ view, made, reals }: Insertion, value: string): string {
  if (made.has(value)) return value;
  const output = reals.get(value) ?? view.freshName(`${value}_dq`);
  reals.set(value, output);
  return output;
}

export function addQuantise(insertion: Insertion, input: string, parameters: Parameters, output: string): void {
  insertion.view.add(makeNode('QuantizeLinear', [input, ...parameterInputs(insertion, parameters)], [output], { name: output }));
}

/** Dequantises a value for those who read it in float. */
export function addDequantise(insertion: Insertion, value: string): void {
  const { view, integers, made, reals } = insertion;
  const source = integers.get(value);
  const output = made.has(value) ? value : reals.get(value);
  if (source === undefined || output === undefined || (view.usesOf(output).length === 0 && !view.isOutput(output))) return;
  const inputs = [source, ...parameterInputs(insertion, encodingOf(insertion, value).parameters)];
  view.add(makeNode('DequantizeLinear', inputs, [output], { name: `${output}_dq` }));
}

export function renameOutput(view: GraphView, node: NodeProto, from: string, to: string): void {
  view.remove(node);
  node.output = node.output.map((name) => (name === from ? to : name));
  view.add(node);
}
