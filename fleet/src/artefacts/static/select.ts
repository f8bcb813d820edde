import { type GraphView, intOf, type NodeProto, shapeOf } from '../onnx/index.ts';
import { onlyUse } from './rewrites/operators.ts';
import { activationsOf, boundsOf, type Role, roleOf } from './roles.ts';
import type { TargetRules } from './targets.ts';

export interface Selection {
  /** Nodes that work on quantised values, and as what. */
  roles: ReadonlyMap<NodeProto, Role>;
  /** Relu and Clip -> the quantised node whose result alone they cut off: its output range does their work. */
  fusedClips: ReadonlyMap<NodeProto, NodeProto>;
  /** Products that stay in float -> why. */
  inFloat: ReadonlyMap<NodeProto, string>;
}

/** With fewer input channels the rows that int8 kernels work on are too short to win. */
const INPUT_CHANNELS_MINIMUM = 8;

/**
 * Chooses the nodes that are quantised: all products that may be, and what lies between them as far as integers come and go. What would
 * only be quantised to be dequantised again, such as the sums of a layer normalisation, stays in float.
 */
export function selectNodes(view: GraphView, keepInFloat: readonly string[], rules: TargetRules): Selection {
  const kept = new Set(keepInFloat);
  const inFloat = new Map<NodeProto, string>();
  const roles = new Map<NodeProto, Role>();
  for (const node of view.nodes()) {
    const role = roleOf(view, node, rules);
    if (role === undefined) continue;
    const reason = kept.has(nameOf(node))
      ? 'the recipe keeps it'
      : role === 'product'
        ? reasonForFloat(view, node, inFloat, rules)
        : undefined;
    if (reason === undefined) roles.set(node, role);
    else if (role === 'product') inFloat.set(node, reason);
  }
  if (rules.reach === 'inputs') return { roles: selectProducts(view, roles), fusedClips: new Map(), inFloat };
  const fusedClips = fuseClips(view, roles);
  prune(view, roles, fusedClips, inFloat);
  return { roles, fusedClips, inFloat };
}

export function nameOf(node: NodeProto): string {
  return node.name !== undefined && node.name !== '' ? node.name : (node.output[0] ?? '');
}

function reasonForFloat(
  view: GraphView,
  node: NodeProto,
  inFloat: ReadonlyMap<NodeProto, string>,
  { reach }: TargetRules,
): string | undefined {
  if (node.opType !== 'Conv' || reach === 'inputs') return undefined;
  const [outputs = 0, inputs = 0, ...kernel] = shapeOf(view.constantOf(node.input[1] ?? '') ?? { dims: [], dataType: 0 });
  const group = intOf(node, 'group', 1);
  const [input = ''] = node.input;
  const isPoint = kernel.every((side) => side === 1);
  if (view.isInput(input) && inputs * group < INPUT_CHANNELS_MINIMUM && !isPoint) return 'few input channels: faster in float';
  const before = floatProductBefore(view, input, inFloat);
  const isDepthwise = inputs === 1 && group === outputs && group > 1;
  return isDepthwise && before !== undefined && inFloat.get(before)?.startsWith('few') === true
    ? 'depthwise behind a layer in float: faster in float'
    : undefined;
}

/** The product in float that makes a value, itself or through an activation of its own. */
function floatProductBefore(view: GraphView, value: string, inFloat: ReadonlyMap<NodeProto, string>): NodeProto | undefined {
  const producer = view.producerOf(value);
  if (producer === undefined || inFloat.has(producer)) return producer;
  if (producer.opType !== 'Relu' && producer.opType !== 'Clip') return undefined;
  const before = view.producerOf(producer.input[0] ?? '');
  return before !== undefined && inFloat.has(before) ? before : undefined;
}

/** TensorRT wants its products; sums join them where one side comes straight from a product, which it then fuses with the sum. */
function selectProducts(view: GraphView, roles: ReadonlyMap<NodeProto, Role>): Map<NodeProto, Role> {
  const selected = new Map([...roles].filter(([, role]) => role === 'product'));
  for (const node of roles.keys()) {
    if (node.opType !== 'Add' || roles.get(node) !== 'elementwise') continue;
    const fromProduct = node.input.filter(
      (name) => selected.get(view.producerOf(name) ?? node) === 'product' && onlyUse(view, name) !== undefined,
    );
    if (fromProduct.length === 1 && activationsOf(view, node).length === 2) selected.set(node, 'elementwise');
  }
  return selected;
}

function fuseClips(view: GraphView, roles: Map<NodeProto, Role>): Map<NodeProto, NodeProto> {
  const fused = new Map<NodeProto, NodeProto>();
  for (const node of view.nodes()) {
    const isClip = node.opType === 'Relu' || node.opType === 'Clip';
    if (!isClip || boundsOf(view, node) === undefined) continue;
    const [input = ''] = node.input;
    const producer = view.producerOf(input);
    if (producer === undefined || onlyUse(view, input) === undefined) continue;
    const role = roles.get(producer);
    if (role === 'product' || role === 'elementwise') fused.set(node, producer);
    // Behind a layer in float it stays with that layer, which runs it for nothing.
    if (role !== undefined || producer.opType === 'Conv') roles.delete(node);
  }
  return fused;
}

/** Takes out what is not between quantised nodes, until nothing more goes. */
function prune(
  view: GraphView,
  roles: Map<NodeProto, Role>,
  fusedClips: Map<NodeProto, NodeProto>,
  inFloat: ReadonlyMap<NodeProto, string>,
): void {
  const producerOf = (value: string): NodeProto | undefined => {
    const producer = view.producerOf(value);
    return producer === undefined ? undefined : (fusedClips.get(producer) ?? producer);
  };
  const isSource = (value: string): boolean => {
    const producer = producerOf(value);
    return producer !== undefined && (roles.has(producer) || floatProductBefore(view, value, inFloat) !== undefined);
  };
  const readersOf = (node: NodeProto): NodeProto[] =>
    node.output.flatMap((output) =>
      view.usesOf(output).flatMap(({ node: reader }) => (fusedClips.get(reader) === node ? readersOf(reader) : [reader])),
    );
  const isFixed = (node: NodeProto): boolean => roles.get(node) === 'product' && !isPair(view, node);
  const stays = (node: NodeProto): boolean => {
    const activations = activationsOf(view, node);
    if (isPair(view, node)) return activations.every((name) => roles.has(producerOf(name) ?? node));
    if (isBiasOfMatMul(view, node)) return false;
    return activations.some(isSource) && readersOf(node).some((reader) => roles.has(reader) && activationsOf(view, reader).length > 0);
  };
  const clipOf = new Map([...fusedClips].map(([clip, producer]) => [producer, clip]));
  const open = new Set(roles.keys());
  for (const node of open) {
    open.delete(node);
    if (!roles.has(node) || isFixed(node) || stays(node)) continue;
    const readers = readersOf(node);
    roles.delete(node);
    const clip = clipOf.get(node);
    if (clip !== undefined) fusedClips.delete(clip);
    for (const name of node.input) {
      const before = producerOf(name);
      if (before !== undefined && roles.has(before)) open.add(before);
    }
    for (const reader of readers) if (roles.has(reader)) open.add(reader);
  }
}

/** A product of two activations, as in attention. */
export function isPair(view: GraphView, node: NodeProto): boolean {
  return node.opType === 'MatMul' && view.constantOf(node.input[1] ?? '') === undefined;
}

/** In 8 bits a bias would lose what it is there for; MatMul has none of its own, and gives its result in float for nothing. */
function isBiasOfMatMul(view: GraphView, node: NodeProto): boolean {
  if (node.opType !== 'Add' && node.opType !== 'Mul') return false;
  return (
    node.input.some((name) => view.constantOf(name) !== undefined) && node.input.some((name) => view.producerOf(name)?.opType === 'MatMul')
  );
}
