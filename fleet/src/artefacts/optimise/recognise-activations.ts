import { makeAttribute, type NodeProto, type OnnxModel } from '../onnx/index.ts';
import { constantOf, isOperator, onlyReader, replaceNodes, type Scope, visitScopes } from './scope.ts';
import { scalarOf } from './tensors.ts';

export interface RecognisedActivations {
  hardSwishes: number;
  hardSigmoids: number;
}

/** min(limit, max(0, factor x + summand)), and the nodes that spell it. */
interface Ramp {
  input: string;
  output: string;
  factor: number;
  summand: number;
  limit: number;
  nodes: NodeProto[];
}

/**
 * Exporters spell hard-swish as x Clip(x + 3, 0, 6) / 6, in any order of the operands and with the division anywhere, and hard-sigmoid as
 * Clip(x + 3, 0, 6) / 6 or Clip(x / 6 + 1/2, 0, 1). Both become HardSigmoid, the first with one Mul behind it.
 *
 * ONNX Runtime fuses HardSigmoid and that Mul into the convolution before it, which it does with no other spelling but HardSwish. That one
 * (opset 14) was as fast, and is not in the models' opset where a smaller one is asked for. x Sigmoid(x) stays: ONNX has no operator for
 * it, and ONNX Runtime fuses it by itself; so it does with the spellings of GELU.
 */
export function recogniseActivations(model: OnnxModel): RecognisedActivations {
  const recognised = { hardSwishes: 0, hardSigmoids: 0 };
  visitScopes(model, (scope) => {
    const replacements = new Map<NodeProto, NodeProto[]>();
    for (const node of scope.graph.node) {
      const ramp = rampOf(scope, node);
      if (ramp === undefined) continue;
      const kind = rewrite(scope, ramp, replacements);
      if (kind !== undefined) recognised[kind] += 1;
    }
    replaceNodes(scope.graph, replacements);
  });
  return recognised;
}

function rampOf(scope: Scope, clip: NodeProto): Ramp | undefined {
  if (!isOperator(clip, 'Clip')) return undefined;
  const [source = '', low, high] = clip.input;
  const limit = scalarOf(constantOf(scope, high));
  const [output = ''] = clip.output;
  if (scalarOf(constantOf(scope, low)) !== 0 || limit === undefined || !(limit > 0)) return undefined;
  const ramp: Ramp = { input: source, output, factor: 1, summand: 0, limit, nodes: [clip] };
  let reader = clip;
  for (let depth = 0; depth < 2; depth += 1) {
    const step = scope.producers.get(ramp.input);
    if (step === undefined || onlyReader(scope, ramp.input) !== reader) break;
    const sum = depth === 0 ? summandOf(scope, step) : undefined;
    const product = sum === undefined ? factorOf(scope, step) : undefined;
    if (sum !== undefined) ramp.summand = sum.number;
    else if (product !== undefined) ramp.factor = product.number;
    else break;
    ramp.input = (sum ?? product)?.input ?? ramp.input;
    ramp.nodes.push(step);
    reader = step;
    if (product !== undefined) break;
  }
  return ramp.nodes.length === 1 ? undefined : ramp;
}

interface Operand {
  input: string;
  number: number;
}

function summandOf(scope: Scope, node: NodeProto): Operand | undefined {
  const operand = operandOf(scope, node, 'Add', 'Sub');
  return operand === undefined ? undefined : { ...operand, number: node.opType === 'Sub' ? -operand.number : operand.number };
}

function factorOf(scope: Scope, node: NodeProto): Operand | undefined {
  const operand = operandOf(scope, node, 'Mul', 'Div');
  return operand === undefined ? undefined : { ...operand, number: node.opType === 'Div' ? 1 / operand.number : operand.number };
}

/** The value and the constant number of a node; a number on the left counts only where the sides may be exchanged. */
function operandOf(scope: Scope, node: NodeProto, commutative: string, other: string): Operand | undefined {
  if (!isOperator(node, commutative, other)) return undefined;
  const [left = '', right = ''] = node.input;
  for (const [input, constant] of node.opType === commutative
    ? [
        [left, right],
        [right, left],
      ]
    : ([[left, right]] as [string, string][])) {
    const tensor = constantOf(scope, constant);
    const number = scalarOf(tensor);
    // A constant of many axes would add axes to the value.
    if (number !== undefined && input !== undefined && (tensor?.dims.length ?? 0) <= 1) return { input, number };
  }
  return undefined;
}

/** Puts HardSigmoid in where the ramp, with what scales it, reaches from 0 to 1. */
function rewrite(scope: Scope, ramp: Ramp, replacements: Map<NodeProto, NodeProto[]>): keyof RecognisedActivations | undefined {
  const swish = swishOf(scope, ramp);
  if (swish !== undefined) {
    replace(ramp, swish.nodes, swish.output, swish.input, replacements);
    return 'hardSwishes';
  }
  const reader = onlyReader(scope, ramp.output);
  const scaled = reader === undefined ? undefined : factorOf(scope, reader);
  if (reader !== undefined && scaled !== undefined && isOne(scaled.number * ramp.limit)) {
    replace(ramp, [reader], reader.output[0] ?? '', undefined, replacements);
    return 'hardSigmoids';
  }
  if (!isOne(ramp.limit)) return undefined;
  replace(ramp, [], ramp.output, undefined, replacements);
  return 'hardSigmoids';
}

function isOne(number: number): boolean {
  return Math.abs(number - 1) < 1e-6;
}

/** The product of a ramp with its own input, scaled so that it is that input where the ramp is at its limit. */
function swishOf(scope: Scope, ramp: Ramp): { nodes: NodeProto[]; output: string; input: string } | undefined {
  const nodes: NodeProto[] = [];
  let value = ramp.output;
  let height = ramp.limit;
  let multiplied = false;
  while (!(multiplied && isOne(height))) {
    const reader = onlyReader(scope, value);
    if (reader === undefined) return undefined;
    const scaled = factorOf(scope, reader);
    if (scaled !== undefined) height *= scaled.number;
    else if (!multiplied && isOperator(reader, 'Mul')) {
      const other = reader.input.find((name) => name !== value);
      const scale = other === undefined ? undefined : scaleFrom(scope, other, ramp.input, reader, nodes);
      if (scale === undefined) return undefined;
      height *= scale;
      multiplied = true;
    } else return undefined;
    nodes.push(reader);
    if (nodes.length > 4) return undefined;
    value = reader.output[0] ?? '';
  }
  return { nodes, output: value, input: ramp.input };
}

/** 1 if `name` is `input`, its factor if it is `input` times a number for this reader alone. */
function scaleFrom(scope: Scope, name: string, input: string, reader: NodeProto, nodes: NodeProto[]): number | undefined {
  if (name === input) return 1;
  const producer = scope.producers.get(name);
  if (producer === undefined || onlyReader(scope, name) !== reader) return undefined;
  const scaled = factorOf(scope, producer);
  if (scaled?.input !== input) return undefined;
  nodes.push(producer);
  return scaled.number;
}

function replace(
  { input, output, factor, summand, limit, nodes }: Ramp,
  behind: readonly NodeProto[],
  result: string,
  multiplier: string | undefined,
  replacements: Map<NodeProto, NodeProto[]>,
): void {
  const hardSigmoid: NodeProto = {
    name: `${result}_hard_sigmoid`,
    opType: 'HardSigmoid',
    input: [input],
    output: [multiplier === undefined ? result : output],
    attribute: [makeAttribute('alpha', { float: factor / limit }), makeAttribute('beta', { float: summand / limit })],
  };
  const product: NodeProto[] =
    multiplier === undefined
      ? []
      : [{ name: `${result}_hard_swish`, opType: 'Mul', input: [multiplier, output], output: [result], attribute: [] }];
  for (const node of [...nodes, ...behind]) replacements.set(node, []);
  const last = behind.at(-1) ?? nodes[0];
  if (last !== undefined) replacements.set(last, [hardSigmoid, ...product]);
}
