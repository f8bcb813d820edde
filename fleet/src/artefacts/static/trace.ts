import type { ValueRange } from '../contracts.ts';
import { floatOf, type GraphView, type NodeProto } from '../onnx/index.ts';
import { onlyUse } from './rewrites/operators.ts';
import { activationsOf, affineOf, boundsOf } from './roles.ts';
import { isPair, type Selection } from './select.ts';

/**
 * How the integers of a value come about.
 * - `own`: it is quantised from float, with parameters of its own
 * - `moved`: those of another value, moved by the node that makes it
 * - `shifted`: those of another value, read as factor x + summand
 * - `ramp`: those of another value cut off where factor x + summand leaves 0 to 1, and read like that
 * - `clipped`: those of another value, cut off
 */
export type Origin =
  | { kind: 'own' }
  | { kind: 'moved'; from: string; node: NodeProto }
  | { kind: 'shifted' | 'ramp'; from: string; factor: number; summand: number }
  | { kind: 'clipped'; from: string; low: number; high: number };

export interface Trace {
  /** Every value that is quantised; those that others come from stand before these. */
  origins: Map<string, Origin>;
  /** Value -> the values that share its parameters because operators join them; each of them is quantised on its own. */
  groups: Map<string, Set<string>>;
  /** Joins that work on equal parameters; others give each input its own. */
  joined: Set<NodeProto>;
  /** Value -> the part of its range that makes a difference to those who read it. */
  relevant: Map<string, ValueRange>;
  /** Value that only a hard-swish reads -> that hard-swish. */
  swishes: Map<string, Swish>;
}

/** x times a ramp of itself: output = x min(1, max(0, factor x + summand)). */
export interface Swish {
  output: string;
  factor: number;
  summand: number;
}

/** Follows values through the chosen nodes. The nodes of the graph must stand in order. */
export function traceValues(view: GraphView, { roles, fusedClips }: Selection, whole: boolean): Trace {
  const trace: Trace = { origins: new Map(), groups: new Map(), joined: new Set(), relevant: new Map(), swishes: new Map() };
  const { origins } = trace;
  const read = (value: string): void => void (origins.has(value) || origins.set(value, { kind: 'own' }));
  const results = new Map([...fusedClips].map(([clip, producer]) => [producer, clip.output[0] ?? '']));
  for (const node of view.graph.node) {
    const role = roles.get(node);
    if (role === undefined) continue;
    const activations = activationsOf(view, node);
    for (const value of activations) read(value);
    if (!whole) continue;
    const [from = ''] = activations;
    const output = results.get(node) ?? node.output[0] ?? '';
    switch (role) {
      case 'movement':
        moveValues(trace, node, activations);
        break;
      case 'affine': {
        const { factor, summand } = affineOf(view, node) ?? { factor: 1, summand: 0 };
        origins.set(output, { kind: 'shifted', from, factor, summand });
        break;
      }
      case 'ramp':
        noteRelevant(view, trace, node, from);
        noteSwish(view, trace, node, from);
        origins.set(output, { kind: 'ramp', from, factor: floatOf(node, 'alpha', 0.2), summand: floatOf(node, 'beta', 0.5) });
        break;
      case 'clip':
        origins.set(output, { kind: 'clipped', from, ...(boundsOf(view, node) ?? { low: 0, high: 0 }) });
        break;
      default:
        if (givesIntegers(view, node, output, roles)) origins.set(output, { kind: 'own' });
    }
  }
  return trace;
}

/**
 * Below the start of a ramp, hard-swish is 0 whatever its input was, and HardSigmoid alone is constant beyond both ends: integers for
 * what lies there would be wasted.
 */
function noteRelevant(view: GraphView, { relevant }: Trace, ramp: NodeProto, value: string): void {
  if (view.isOutput(value)) return;
  const factor = floatOf(ramp, 'alpha', 0.2);
  const summand = floatOf(ramp, 'beta', 0.5);
  if (!(factor > 0)) return;
  const [gate = ''] = ramp.output;
  const others = view.usesOf(value).filter(({ node }) => node !== ramp);
  const start = -summand / factor;
  if (others.length === 0) relevant.set(value, { minimum: start, maximum: (1 - summand) / factor });
  else if (others.every(({ node }) => node.opType === 'Mul' && node.input.includes(gate))) {
    relevant.set(value, { minimum: start, maximum: Number.POSITIVE_INFINITY });
  }
}

function noteSwish(view: GraphView, { swishes }: Trace, ramp: NodeProto, value: string): void {
  const factor = floatOf(ramp, 'alpha', 0.2);
  const summand = floatOf(ramp, 'beta', 0.5);
  const product = onlyUse(view, ramp.output[0] ?? '')?.node;
  const readers = new Set(view.usesOf(value).map(({ node }) => node));
  const isOwnProduct = product?.opType === 'Mul' && product.input.includes(value) && readers.size === 2 && readers.has(product);
  if (!isOwnProduct || view.isOutput(value) || !(factor > 0) || !(summand > 0 && summand < 1)) return;
  swishes.set(value, { output: product.output[0] ?? '', factor, summand });
}

/** MatMul and Gemm can give their result in float: they need not quantise what only float operators read. */
function givesIntegers(view: GraphView, node: NodeProto, output: string, roles: Selection['roles']): boolean {
  if (node.opType !== 'MatMul' && node.opType !== 'Gemm') return true;
  if (isPair(view, node)) return true;
  return view.usesOf(output).some(({ node: reader }) => roles.has(reader) && activationsOf(view, reader).includes(output));
}

function moveValues({ origins, groups, joined }: Trace, node: NodeProto, activations: readonly string[]): void {
  const [first = ''] = activations;
  if (node.opType !== 'Concat') {
    for (const output of node.output) if (output !== '') origins.set(output, { kind: 'moved', from: first, node });
    return;
  }
  const roots = activations.map((value) => rootOf(origins, value));
  if (activations.length !== node.input.length || roots.some((root) => root === undefined)) {
    origins.set(node.output[0] ?? '', { kind: 'own' });
    return;
  }
  const group = new Set<string>();
  for (const root of roots as string[]) for (const member of groups.get(root) ?? [root]) group.add(member);
  for (const member of group) groups.set(member, group);
  joined.add(node);
  origins.set(node.output[0] ?? '', { kind: 'moved', from: first, node });
}

/** The value with parameters of its own that a value has its integers from unchanged. */
export function rootOf(origins: ReadonlyMap<string, Origin>, value: string): string | undefined {
  let name = value;
  for (let origin = origins.get(name); origin !== undefined; origin = origins.get(name)) {
    if (origin.kind === 'own') return name;
    if (origin.kind !== 'moved' && origin.kind !== 'clipped') return undefined;
    name = origin.from;
  }
  return undefined;
}
