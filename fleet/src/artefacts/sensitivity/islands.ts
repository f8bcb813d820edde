import type { Ranges, ValueRange } from '../contracts.ts';
import type { GraphProto, NodeProto, TensorProto } from '../onnx/proto.ts';
import type { OnnxModel } from '../onnx/read.ts';

/** One layer by itself: what it reads comes from outside, so that no other layer disturbs it. */
export interface Island {
  /** Name of the layer's node. */
  layer: string;
  /** Its result in the whole model, and in the model of islands. */
  output: string;
  isolated: string;
}

export interface Islands {
  model: OnnxModel;
  ranges: Ranges;
  islands: Island[];
  /** Value of the islands -> the value of the whole model that it stands for, where the names differ. */
  originals: ReadonlyMap<string, string>;
}

/** TensorProto.FLOAT */
const FLOAT = 1;

/**
 * Takes layers out of a model into a model of islands: each keeps its constants, reads the values of the whole model as inputs of the graph,
 * and ends at the first value with a range, so that an activation which the quantiser fuses stays with its layer. A method that is applied
 * to this model quantises each layer as it would in the whole one, but alone.
 */
export function isolate(model: OnnxModel, layers: ReadonlySet<string>, ranges: Ranges): Islands {
  const { graph } = model;
  const surroundings = surroundingsOf(graph);
  const islands: Island[] = [];
  const nodes: NodeProto[] = [];
  const inputs = new Set<string>();
  const constants = new Set<string>();
  const isolatedRanges = new Map<string, ValueRange>(ranges);
  const originals = new Map<string, string>();
  for (const node of graph.node) {
    const [first] = node.output;
    if (node.name === undefined || !layers.has(node.name) || first === undefined || node.output.length > 1) continue;
    const members = withTail(node, layers, surroundings, ranges);
    const output = members.at(-1)?.output[0] ?? first;
    const made = new Map(members.flatMap((member) => member.output.map((name) => [name, `${name}/isolated/${node.name}`] as const)));
    for (const member of members) {
      for (const input of member.input) {
        if (input === '' || made.has(input)) continue;
        if (surroundings.constants.has(input)) constants.add(input);
        else inputs.add(input);
      }
      const renamed = (names: readonly string[]): string[] => names.map((name) => made.get(name) ?? name);
      nodes.push(Object.assign(cloned(member), { input: renamed(member.input), output: renamed(member.output) }));
    }
    for (const [name, isolated] of made) {
      originals.set(isolated, name);
      const range = ranges.get(name);
      if (range !== undefined) isolatedRanges.set(isolated, range);
    }
    islands.push({ layer: node.name, output, isolated: made.get(output) ?? output });
  }
  const constantNodes = graph.node.filter((node) => node.opType === 'Constant' && constants.has(node.output[0] ?? ''));
  const floatValue = (name: string) => ({ name, type: { tensorType: { elemType: FLOAT } } });
  const isolated: GraphProto = {
    name: `${graph.name ?? 'model'}_islands`,
    node: [...constantNodes.map(cloned), ...nodes],
    initializer: graph.initializer.filter(({ name }) => name !== undefined && constants.has(name)).map(cloned),
    input: [...inputs].map(floatValue),
    output: islands.map(({ isolated: name }) => floatValue(name)),
  };
  return { model: { ...model, graph: isolated }, ranges: isolatedRanges, islands, originals };
}

interface Surroundings {
  constants: ReadonlySet<string>;
  /** Nodes that read a value. */
  readers: ReadonlyMap<string, NodeProto[]>;
  outputs: ReadonlySet<string>;
}

function surroundingsOf(graph: GraphProto): Surroundings {
  const constants = new Set(graph.initializer.map(({ name }) => name ?? ''));
  const readers = new Map<string, NodeProto[]>();
  for (const node of graph.node) {
    if (node.opType === 'Constant') for (const output of node.output) constants.add(output);
    for (const input of new Set(node.input)) readers.set(input, [...(readers.get(input) ?? []), node]);
  }
  return { constants, readers, outputs: new Set(graph.output.map(({ name }) => name)) };
}

/**
 * A layer, and what alone follows it and reads nothing else, up to a value with a range; the layer alone if another layer or the end comes
 * before such a value.
 */
function withTail(
  node: NodeProto,
  layers: ReadonlySet<string>,
  { constants, readers, outputs }: Surroundings,
  ranges: Ranges,
): NodeProto[] {
  const members = [node];
  for (;;) {
    const output = members.at(-1)?.output[0] ?? '';
    if (ranges.has(output)) return members;
    const [next, another] = readers.get(output) ?? [];
    const follows =
      next !== undefined &&
      another === undefined &&
      !outputs.has(output) &&
      !layers.has(next.name ?? '') &&
      next.output.length === 1 &&
      next.input.every((input) => input === '' || input === output || constants.has(input));
    if (!follows) return [node];
    members.push(next);
  }
}

/** A message whose fields may be replaced without touching the model that it came from. Its defaults stand on the prototype. */
function cloned<Message extends NodeProto | TensorProto>(message: Message): Message {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message);
}
