import type { GraphView } from '../onnx/index.ts';
import { makeNode, makeTensor, type NodeProto, shapeOf } from '../onnx/index.ts';
import type { ChannelMeans } from './channel-means.ts';
import type { Encoding } from './encode.ts';
import {
  addDequantise,
  addQuantise,
  createInsertion,
  encodingOf,
  type Insertion,
  integersOf,
  parameterInputs,
  realOf,
  renameOutput,
  zeroPointName,
} from './insertion.ts';
import { limits, parametersFor, roundHalfEven } from './integers.ts';
import { activationsOf, boundsOf } from './roles.ts';
import type { Selection } from './select.ts';
import type { TargetRules } from './targets.ts';
import { upsampleIntegers } from './upsample.ts';
import { createWeightStore, finiteFloatsOf } from './weights.ts';

/** Puts QuantizeLinear, DequantizeLinear and operators on integers in the place of float operators. */
export function insertQuantisation(
  view: GraphView,
  { roles, fusedClips }: Selection,
  encodings: ReadonlyMap<string, Encoding>,
  { reach, activations: type, symmetric, pairsIn16Bits }: TargetRules,
  means: ChannelMeans | undefined,
): void {
  const insertion = createInsertion(view, encodings, type);
  const quantiseWeights = createWeightStore(view, pairsIn16Bits, reach === 'whole');
  const clips = new Map([...fusedClips].map(([clip, producer]) => [producer, clip]));
  for (const node of [...view.graph.node]) {
    const role = roles.get(node);
    if (role === undefined) continue;
    const activations = activationsOf(view, node);
    for (const value of activations) integersOf(insertion, value);
    const clip = clips.get(node);
    const output = clip?.output[0] ?? node.output[0] ?? '';
    const kind = encodings.get(output)?.origin.kind;
    if (kind === 'moved') {
      moveIntegers(insertion, node, activations);
      continue;
    }
    if (kind !== undefined && kind !== 'own') {
      view.remove(node);
      insertion.made.add(output);
      continue;
    }
    for (const [index, name] of node.input.entries()) if (activations.includes(name)) view.setInput(node, index, realOf(insertion, name));
    const [first = ''] = activations;
    if (role === 'product') quantiseWeights(node, { parameters: encodingOf(insertion, first).parameters, means: means?.get(first) });
    else quantiseConstants(insertion, node, symmetric);
    if (kind === 'own') quantiseResult(insertion, node, output, clip);
  }
  for (const value of encodings.keys()) addDequantise(insertion, value);
}

function quantiseResult(insertion: Insertion, node: NodeProto, output: string, clip: NodeProto | undefined): void {
  const { view } = insertion;
  const raw = view.freshName(`${output}_raw`);
  const redundant = clip !== undefined && isRedundant(insertion, clip, output);
  if (clip === undefined || redundant) {
    if (clip !== undefined) view.remove(clip);
    renameOutput(view, node, node.output[0] ?? '', raw);
  } else renameOutput(view, clip, output, raw);
  insertion.made.add(output);
  const target = view.freshName(`${output}_q`);
  insertion.integers.set(output, target);
  addQuantise(insertion, raw, encodingOf(insertion, output).parameters, target);
}

/** Whether all that the integers of a value can tell lies within the bounds of a clip anyway. */
function isRedundant(insertion: Insertion, clip: NodeProto, output: string): boolean {
  const bounds = boundsOf(insertion.view, clip);
  if (bounds === undefined) return false;
  const { scale, zeroPoint } = encodingOf(insertion, output).parameters;
  const { low, high } = limits[insertion.type];
  return scale * (low - zeroPoint) >= bounds.low - scale / 2 && scale * (high - zeroPoint) <= bounds.high + scale / 2;
}

/** Lets an operator that only moves numbers move integers. */
function moveIntegers(insertion: Insertion, node: NodeProto, activations: readonly string[]): void {
  const { view, integers, made } = insertion;
  for (const [index, name] of node.input.entries()) if (activations.includes(name)) view.setInput(node, index, integersOf(insertion, name));
  if (node.opType === 'Pad') {
    while (node.input.length < 3) node.input.push('');
    view.setInput(node, 2, zeroPointName(insertion, encodingOf(insertion, activations[0] ?? '').parameters.zeroPoint));
  }
  for (const output of node.output) {
    if (output === '') continue;
    const target = view.freshName(`${output}_q`);
    integers.set(output, target);
    made.add(output);
    renameOutput(view, node, output, target);
  }
  upsampleIntegers(view, node);
}

function quantiseConstants(insertion: Insertion, node: NodeProto, symmetric: boolean): void {
  const { view, type } = insertion;
  if (node.opType !== 'Add' && node.opType !== 'Mul' && node.opType !== 'Concat') return;
  for (const [index, name] of node.input.entries()) {
    const tensor = name === '' ? undefined : view.constantOf(name);
    if (tensor === undefined) continue;
    const values = finiteFloatsOf(tensor, node);
    let [minimum, maximum] = [0, 0];
    for (const value of values) [minimum, maximum] = [Math.min(minimum, value), Math.max(maximum, value)];
    const parameters = parametersFor(minimum, maximum, { type, symmetric });
    const { low, high } = limits[type];
    const integers = Array.from(values, (value) =>
      Math.min(high, Math.max(low, roundHalfEven(value / parameters.scale) + parameters.zeroPoint)),
    );
    const output = view.freshName(`${name}_dq`);
    const source = view.addConstant(makeTensor(`${name}_q`, type, shapeOf(tensor), integers));
    view.add(makeNode('DequantizeLinear', [source, ...parameterInputs(insertion, parameters)], [output], { name: output }));
    view.setInput(node, index, output);
  }
}
