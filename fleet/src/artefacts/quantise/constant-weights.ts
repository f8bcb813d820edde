import {
  attributeOf,
  type GraphProto,
  graphsFrom,
  intOf,
  isStandard,
  type NodeProto,
  shapeOf,
  type TensorProto,
  tensorDataType,
} from '../onnx/index.ts';

/** A constant of floats that nodes multiply by, wherever in the model it is kept and used. */
export interface ConstantWeight {
  name: string;
  tensor: TensorProto;
  shape: number[];
  /** The graph that holds the tensor; uses may lie in subgraphs of it. */
  graph: GraphProto;
  uses: { node: NodeProto; index: number }[];
  /** Whether it is an output of its graph as well, and so has to stay what it is. */
  isOutput: boolean;
}

/** Initialisers, and Constant nodes, which some exporters use for all weights. */
export function constantWeights(root: GraphProto): ConstantWeight[] {
  return graphsFrom(root).flatMap(weightsHeldBy);
}

function weightsHeldBy(graph: GraphProto): ConstantWeight[] {
  const outputs = new Set(graph.output.map(({ name }) => name));
  const weights = new Map<string, ConstantWeight>();
  const add = (name: string | undefined, tensor: TensorProto | null | undefined): void => {
    if (name === undefined || tensor === undefined || tensor === null || tensor.dataType !== tensorDataType.float) return;
    weights.set(name, { name, tensor, shape: shapeOf(tensor), graph, uses: [], isOutput: outputs.has(name) });
  };
  for (const tensor of graph.initializer) add(tensor.name, tensor);
  for (const node of graph.node) if (node.opType === 'Constant') add(node.output[0], attributeOf(node, 'value')?.t);
  // Names are unique over a graph and the graphs within it, so that a use by name is a use of this weight.
  for (const inner of graphsFrom(graph)) {
    for (const node of inner.node) {
      for (const [index, name] of node.input.entries()) weights.get(name)?.uses.push({ node, index });
    }
  }
  return [...weights.values()];
}

/** Takes weights out of the graphs that hold them. */
export function removeWeights(weights: Iterable<ConstantWeight>): void {
  const byGraph = new Map<GraphProto, Set<string>>();
  for (const { graph, name } of weights) {
    const names = byGraph.get(graph) ?? new Set<string>();
    names.add(name);
    byGraph.set(graph, names);
  }
  for (const [graph, names] of byGraph) {
    graph.initializer = graph.initializer.filter(({ name }) => name === undefined || !names.has(name));
    // Before IR version 4 initialisers are listed among the inputs as well.
    graph.input = graph.input.filter(({ name }) => !names.has(name));
    graph.node = graph.node.filter(({ opType, output }) => opType !== 'Constant' || !names.has(output[0] ?? ''));
  }
}

/** Smaller tensors stay in float: their scales would eat what they save. */
export const ELEMENTS_MINIMUM = 512;

/** The axis of a weight along which its output channels lie, as this use of it has them; undefined if the use is no product. */
export function channelAxis(
  { node, index }: { node: NodeProto; index: number },
  { shape }: { shape: readonly number[] },
): number | undefined {
  if (!isStandard(node)) return undefined;
  // A row of an embedding is a channel: it is scaled apart from the others.
  if (node.opType === 'Gather') return index === 0 && shape.length === 2 && intOf(node, 'axis', 0) === 0 ? 0 : undefined;
  if (index !== 1) return undefined;
  switch (node.opType) {
    case 'Conv':
      return shape.length >= 3 ? 0 : undefined;
    case 'ConvTranspose':
      return shape.length >= 3 ? 1 : undefined;
    case 'MatMul':
      return shape.length >= 2 ? shape.length - 1 : undefined;
    case 'Gemm':
      return intOf(node, 'transB', 0) === 1 ? 0 : 1;
    default:
      return undefined;
  }
}
