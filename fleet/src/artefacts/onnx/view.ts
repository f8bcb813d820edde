import { type AttributeValue, attributeOf, intOf, makeNode } from './attributes.ts';
import { type GraphProto, type ModelProto, type NodeProto, type TensorProto, toNumber } from './proto.ts';
import { sortNodes } from './sort.ts';
import { denseOf } from './sparse.ts';
import { capturesOf, definedNames, graphsFrom, renameCapture, subgraphsOf } from './subgraphs.ts';
import { makeTensor } from './tensor.ts';

/** One use of a value: an input of a node, or `captured` by a subgraph that the node holds. */
export interface Use {
  node: NodeProto;
  index: number | 'captured';
}

/**
 * A graph as nodes and the values between them. Looking up and editing cost nothing that grows with the graph; edits reach the graph
 * itself with `commit`, which also puts the nodes in order.
 */
export interface GraphView {
  readonly graph: GraphProto;
  /** The view of the graph around a subgraph. */
  readonly outer: GraphView | undefined;
  nodes(): NodeProto[];
  producerOf(value: string): NodeProto | undefined;
  /** Uses by nodes of this graph; that it may be an output of the graph is told by `isOutput`. */
  usesOf(value: string): Use[];
  isInput(value: string): boolean;
  isOutput(value: string): boolean;
  /**
   * The constant of that name, here or in a graph around: an initialiser that is no input, a sparse one made dense, or the result of a
   * Constant node.
   */
  constantOf(value: string): TensorProto | undefined;
  /** Views of the subgraphs of a node; commit each that was changed. */
  subgraphsOf(node: NodeProto): GraphView[];
  /** A name that nothing in the model has, taken by this call. */
  freshName(wanted: string): string;
  add(...nodes: NodeProto[]): void;
  remove(...nodes: NodeProto[]): void;
  setInput(node: NodeProto, index: number, value: string): void;
  /** Lets what used `from` use `to`; outputs of the graph keep their names. */
  replaceUses(from: string, to: string, which?: (use: Use) => boolean): void;
  /** Adds an initialiser, under a fresh name like its own. @returns the name */
  addConstant(tensor: TensorProto): string;
  /** Takes out an initialiser, and the Constant node that makes a value. */
  removeConstant(value: string): void;
  /** @throws StarlingError `cyclic-graph` */
  commit(): void;
}

export function viewGraph(model: ModelProto & { graph: GraphProto }): GraphView {
  const { graph } = model;
  const taken = new Set<string>();
  for (const each of graphsFrom(graph)) {
    for (const name of definedNames(each)) taken.add(name);
    for (const { input } of each.node) for (const name of input) taken.add(name);
  }
  const suffixes = new Map<string, number>();
  const freshName = (wanted: string): string => {
    let name = wanted;
    let suffix = suffixes.get(wanted) ?? 1;
    for (; taken.has(name); suffix += 1) name = `${wanted}_${suffix}`;
    suffixes.set(wanted, suffix);
    taken.add(name);
    return name;
  };
  // Before IR version 4 every initialiser had to be listed as an input, and none could be given.
  return createView(graph, { outer: undefined, freshName, defaultsAreConstant: toNumber(model.irVersion) < 4 });
}

interface Surroundings {
  outer: GraphView | undefined;
  freshName: (wanted: string) => string;
  /** Whether an initialiser that is listed among the inputs is a constant, rather than their default. */
  defaultsAreConstant: boolean;
}

function createView(graph: GraphProto, { outer, freshName, defaultsAreConstant }: Surroundings): GraphView {
  const nodes = new Set<NodeProto>();
  const producers = new Map<string, NodeProto>();
  const consumers = new Map<string, Set<NodeProto>>();
  const captures = new Map<NodeProto, Set<string>>();
  const inputs = new Set(graph.input.map(({ name }) => name));
  const outputs = new Set(graph.output.map(({ name }) => name));
  const initialisers = new Map<string, TensorProto>(graph.initializer.map((tensor) => [tensor.name ?? '', tensor]));
  const sparse = new Map((graph.sparseInitializer ?? []).map((tensor) => [tensor.values?.name ?? '', tensor]));

  const link = (value: string, node: NodeProto): void => {
    const known = consumers.get(value);
    if (known === undefined) consumers.set(value, new Set([node]));
    else known.add(node);
  };
  const unlink = (value: string, node: NodeProto): void => {
    if (!node.input.includes(value) && captures.get(node)?.has(value) !== true) consumers.get(value)?.delete(node);
  };
  const add = (node: NodeProto): void => {
    nodes.add(node);
    for (const name of node.output) if (name !== '') producers.set(name, node);
    for (const name of node.input) if (name !== '') link(name, node);
    if (subgraphsOf(node).length === 0) return;
    captures.set(node, capturesOf(node));
    for (const name of captures.get(node) ?? []) link(name, node);
  };
  const remove = (node: NodeProto): void => {
    nodes.delete(node);
    for (const name of node.output) if (producers.get(name) === node) producers.delete(name);
    for (const name of [...node.input, ...(captures.get(node) ?? [])]) consumers.get(name)?.delete(node);
    captures.delete(node);
  };
  for (const node of graph.node) add(node);

  const usesOf = (value: string): Use[] => {
    const uses: Use[] = [];
    for (const node of consumers.get(value) ?? []) {
      for (const [index, name] of node.input.entries()) if (name === value) uses.push({ node, index });
      if (captures.get(node)?.has(value) === true) uses.push({ node, index: 'captured' });
    }
    return uses;
  };
  const constantHere = (value: string): TensorProto | undefined => {
    const initialiser = initialisers.get(value);
    // An initialiser that is an input as well is only its default: a caller may give another.
    if (initialiser !== undefined) return inputs.has(value) && !defaultsAreConstant ? undefined : initialiser;
    const compressed = sparse.get(value);
    if (compressed !== undefined) return denseOf(compressed);
    const producer = producers.get(value);
    return producer?.opType === 'Constant' ? constantTensor(producer) : undefined;
  };
  const view: GraphView = {
    graph,
    outer,
    nodes: () => [...nodes],
    producerOf: (value) => producers.get(value),
    usesOf,
    isInput: (value) => inputs.has(value),
    isOutput: (value) => outputs.has(value),
    constantOf(value) {
      if (producers.has(value) || inputs.has(value) || initialisers.has(value) || sparse.has(value)) return constantHere(value);
      return outer?.constantOf(value);
    },
    subgraphsOf: (node) => subgraphsOf(node).map((inner) => createView(inner, { outer: view, freshName, defaultsAreConstant })),
    freshName,
    add: (...added) => added.forEach(add),
    remove: (...removed) => removed.forEach(remove),
    setInput(node, index, value) {
      const before = node.input[index] ?? '';
      node.input[index] = value;
      unlink(before, node);
      if (value !== '') link(value, node);
    },
    replaceUses(from, to, which = () => true) {
      for (const use of usesOf(from).filter(which)) {
        if (use.index !== 'captured') view.setInput(use.node, use.index, to);
        else {
          renameCapture(use.node, from, to);
          captures.set(use.node, capturesOf(use.node));
          unlink(from, use.node);
          link(to, use.node);
        }
      }
    },
    addConstant(tensor) {
      const name = freshName(tensor.name ?? 'constant');
      tensor.name = name;
      initialisers.set(name, tensor);
      return name;
    },
    removeConstant(value) {
      initialisers.delete(value);
      sparse.delete(value);
      inputs.delete(value);
      const producer = producers.get(value);
      if (producer?.opType === 'Constant') remove(producer);
    },
    commit() {
      graph.node = sortNodes(nodes);
      graph.initializer = [...initialisers.values()];
      if (graph.sparseInitializer !== undefined) graph.sparseInitializer = [...sparse.values()];
      graph.input = graph.input.filter(({ name }) => inputs.has(name));
    },
  };
  return view;
}

/** What a Constant node makes, in any of the ways in which it can be written; undefined for sequences of texts and the like. */
function constantTensor(node: NodeProto): TensorProto | undefined {
  const name = node.output[0] ?? '';
  const tensor = attributeOf(node, 'value')?.t;
  if (tensor !== undefined && tensor !== null) return tensor;
  const compressed = attributeOf(node, 'sparse_value')?.sparseTensor;
  if (compressed !== undefined && compressed !== null) return { ...denseOf(compressed), name };
  const integer = intOf(node, 'value_int');
  if (integer !== undefined) return makeTensor(name, 'int64', [], [integer]);
  const float = attributeOf(node, 'value_float');
  if (float !== undefined) return makeTensor(name, 'float', [], [float.f ?? 0]);
  const integers = attributeOf(node, 'value_ints')?.ints;
  if (integers !== undefined)
    return makeTensor(
      name,
      'int64',
      [integers.length],
      integers.map((value) => BigInt(value.toString())),
    );
  const floats = attributeOf(node, 'value_floats')?.floats;
  return floats === undefined ? undefined : makeTensor(name, 'float', [floats.length], floats);
}

/** A Constant node that makes a tensor. */
export function constantNode(tensor: TensorProto, output: string): NodeProto {
  const attributes: Record<string, AttributeValue> = { value: { tensor } };
  return makeNode('Constant', [], [output], { attributes });
}
