import { type GraphProto, isStandard, type NodeProto, type OnnxModel, subgraphsOf, type TensorProto } from '../onnx/index.ts';

/**
 * One graph of a model with what can be asked about its values. A subgraph sees the values around it; sibling subgraphs may use one name
 * for two values, so every question goes up this chain and never sideways.
 */
export interface Scope {
  readonly graph: GraphProto;
  readonly parent: Scope | undefined;
  /** Initialisers that no caller can override. */
  readonly constants: Map<string, TensorProto>;
  readonly producers: Map<string, NodeProto>;
  /** Nodes of this graph that read a value, themselves or in a subgraph of theirs; once per reading. */
  readonly readers: Map<string, NodeProto[]>;
  readonly outputs: Set<string>;
}

/** Calls back for the main graph and then for each subgraph, outer ones first. What the callback changes is seen inside. */
export function visitScopes(model: OnnxModel, visit: (scope: Scope) => void): void {
  const walk = (graph: GraphProto, parent: Scope | undefined): void => {
    visit(scopeOf(graph, parent));
    // Again, since the visit may have changed what a subgraph sees.
    const scope = scopeOf(graph, parent);
    for (const node of [...graph.node]) for (const subgraph of subgraphsOf(node)) walk(subgraph, scope);
  };
  walk(model.graph, undefined);
}

function scopeOf(graph: GraphProto, parent: Scope | undefined): Scope {
  const inputs = new Set(graph.input.map((input) => input.name));
  const constants = new Map<string, TensorProto>();
  for (const tensor of graph.initializer) {
    if (tensor.name !== undefined && !inputs.has(tensor.name)) constants.set(tensor.name, tensor);
  }
  const producers = new Map<string, NodeProto>();
  const readers = new Map<string, NodeProto[]>();
  for (const node of graph.node) {
    for (const output of node.output) if (output !== '') producers.set(output, node);
    for (const name of readNames(node)) {
      const known = readers.get(name);
      if (known === undefined) readers.set(name, [node]);
      else known.push(node);
    }
  }
  return { graph, parent, constants, producers, readers, outputs: new Set(graph.output.map((output) => output.name)) };
}

/** Names that a node reads: its inputs, and what its subgraphs may take from around them. */
export function readNames(node: NodeProto): string[] {
  const names = node.input.filter((name) => name !== '');
  for (const graph of subgraphsOf(node)) {
    names.push(...graph.node.flatMap(readNames), ...graph.output.map((output) => output.name));
  }
  return names;
}

export function constantOf(scope: Scope | undefined, name: string | undefined): TensorProto | undefined {
  if (scope === undefined || name === undefined || name === '') return undefined;
  if (scope.graph.input.some((input) => input.name === name) || scope.producers.has(name)) return undefined;
  return scope.constants.get(name) ?? constantOf(scope.parent, name);
}

/** The node that alone reads this value, if the value is no output of its graph. */
export function onlyReader(scope: Scope, name: string | undefined): NodeProto | undefined {
  if (name === undefined || scope.outputs.has(name)) return undefined;
  const readers = scope.readers.get(name);
  return readers?.length === 1 ? readers[0] : undefined;
}

export function isOperator(node: NodeProto | undefined, ...operators: string[]): node is NodeProto {
  return node !== undefined && isStandard(node) && operators.includes(node.opType);
}

/** Names of all values of a model, in whatever graph. */
export function takenNames(model: OnnxModel): Set<string> {
  const taken = new Set<string>();
  const walk = (graph: GraphProto): void => {
    for (const tensor of graph.initializer) if (tensor.name !== undefined) taken.add(tensor.name);
    for (const { name } of [...graph.input, ...graph.output]) taken.add(name);
    for (const node of graph.node) {
      for (const name of [...node.input, ...node.output]) taken.add(name);
      for (const subgraph of subgraphsOf(node)) walk(subgraph);
    }
  };
  walk(model.graph);
  return taken;
}

/** Puts other nodes, or none, in the place of some: the order stays one in which every value is made before it is read. */
export function replaceNodes(graph: GraphProto, replacements: ReadonlyMap<NodeProto, readonly NodeProto[]>): void {
  if (replacements.size > 0) graph.node = graph.node.flatMap((node) => replacements.get(node) ?? [node]);
}
