import type { GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto } from './proto.ts';

/** The graphs that a node holds: branches of If, bodies of Loop and Scan. */
export function subgraphsOf(node: NodeProto): GraphProto[] {
  const graphs: GraphProto[] = [];
  for (const { g, graphs: more } of node.attribute) {
    if (g !== undefined && g !== null) graphs.push(g);
    if (more !== undefined && more !== null) graphs.push(...more);
  }
  return graphs;
}

/** A graph and all graphs below it, the outer before the inner. */
export function graphsFrom(graph: GraphProto): GraphProto[] {
  const found = [graph];
  for (let index = 0; index < found.length; index += 1) {
    for (const node of (found[index] as GraphProto).node) {
      for (const inner of subgraphsOf(node)) found.push(inner);
    }
  }
  return found;
}

/** Every node of a model, in subgraphs and functions too. */
export function* nodesOf(model: ModelProto): Generator<NodeProto> {
  const graphs = model.graph === undefined || model.graph === null ? [] : graphsFrom(model.graph);
  for (const graph of graphs) yield* graph.node;
  for (const { node: nodes } of model.functions ?? []) {
    for (const node of nodes) {
      yield node;
      for (const inner of subgraphsOf(node)) for (const graph of graphsFrom(inner)) yield* graph.node;
    }
  }
}

/** Every tensor with data that a model holds: initialisers, attributes of nodes, and the parts of sparse tensors. */
export function* tensorsOf(model: ModelProto): Generator<TensorProto> {
  for (const graph of model.graph === undefined || model.graph === null ? [] : graphsFrom(model.graph)) {
    yield* graph.initializer;
    for (const sparse of graph.sparseInitializer ?? []) yield* partsOf(sparse);
  }
  for (const node of nodesOf(model)) {
    for (const { t, tensors, sparseTensor, sparseTensors } of node.attribute) {
      if (t !== undefined && t !== null) yield t;
      yield* tensors ?? [];
      for (const sparse of [sparseTensor, ...(sparseTensors ?? [])]) {
        if (sparse !== undefined && sparse !== null) yield* partsOf(sparse);
      }
    }
  }
}

function partsOf({ values, indices }: SparseTensorProto): TensorProto[] {
  return [values, indices].filter((tensor) => tensor !== undefined && tensor !== null);
}

/** Names that a graph defines: inputs, constants, results of its nodes. */
export function definedNames(graph: GraphProto): Set<string> {
  const names = new Set(graph.input.map(({ name }) => name));
  for (const { name } of graph.initializer) names.add(name ?? '');
  for (const { values } of graph.sparseInitializer ?? []) names.add(values?.name ?? '');
  for (const { output } of graph.node) for (const name of output) names.add(name);
  return names;
}

/** Values of outer graphs that the subgraphs of a node use. */
export function capturesOf(node: NodeProto): Set<string> {
  const captures = new Set<string>();
  for (const graph of subgraphsOf(node)) for (const name of freeNames(graph)) captures.add(name);
  return captures;
}

function freeNames(graph: GraphProto): Set<string> {
  const used = new Set(graph.output.map(({ name }) => name));
  for (const node of graph.node) {
    for (const name of node.input) used.add(name);
    for (const name of capturesOf(node)) used.add(name);
  }
  for (const name of definedNames(graph)) used.delete(name);
  used.delete('');
  return used;
}

/** Gives a captured value another name, wherever a subgraph of the node uses it and does not define its own of that name. */
export function renameCapture(node: NodeProto, from: string, to: string): void {
  for (const graph of subgraphsOf(node)) {
    if (definedNames(graph).has(from)) continue;
    for (const inner of graph.node) {
      inner.input = inner.input.map((name) => (name === from ? to : name));
      renameCapture(inner, from, to);
    }
    for (const output of graph.output) if (output.name === from) output.name = to;
  }
}
