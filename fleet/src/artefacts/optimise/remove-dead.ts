import { createHash } from 'node:crypto';
import {
  dataBytes,
  dataLocation,
  type GraphProto,
  type OnnxModel,
  shapeOf,
  subgraphsOf,
  type TensorProto,
  tensorBytes,
  tensorDataType,
} from '../onnx/index.ts';
import { readNames, visitScopes } from './scope.ts';

export interface Removed {
  nodes: number;
  initialisers: number;
}

/** Drops nodes and initialisers that no output depends on, in subgraphs too. Inputs and outputs of the model stay as they are. */
export function removeDead(model: OnnxModel): Removed {
  const removed = { nodes: 0, initialisers: 0 };
  removeDeadFrom(model.graph, removed);
  return removed;
}

function removeDeadFrom(graph: GraphProto, removed: Removed): void {
  // Subgraphs first: what they no longer read may be dead here.
  for (const node of graph.node) for (const subgraph of subgraphsOf(node)) removeDeadFrom(subgraph, removed);
  const live = new Set(graph.output.map((output) => output.name));
  const kept: GraphProto['node'] = [];
  // Nodes stand in the order of the flow, so one pass from the end sees every reader before what it reads.
  for (const node of graph.node.toReversed()) {
    if (!node.output.some((name) => live.has(name))) continue;
    kept.push(node);
    for (const name of readNames(node)) live.add(name);
  }
  removed.nodes += graph.node.length - kept.length;
  graph.node = kept.reverse();
  const inputs = new Set(graph.input.map((input) => input.name));
  const initialisers = graph.initializer.filter(({ name }) => name !== undefined && (live.has(name) || inputs.has(name)));
  removed.initialisers += graph.initializer.length - initialisers.length;
  graph.initializer = initialisers;
  if (graph.valueInfo !== undefined) graph.valueInfo = graph.valueInfo.filter(({ name }) => live.has(name));
}

/**
 * Keeps one of several equal initialisers of a graph.
 * @returns how many went
 */
export function mergeInitialisers(model: OnnxModel): number {
  let merged = 0;
  visitScopes(model, ({ graph, constants, outputs }) => {
    const first = new Map<string, string>();
    const renamed = new Map<string, string>();
    for (const tensor of constants.values()) {
      const key = contentOf(tensor);
      if (key === undefined || tensor.name === undefined || outputs.has(tensor.name)) continue;
      const known = first.get(key);
      if (known === undefined) first.set(key, tensor.name);
      else renamed.set(tensor.name, known);
    }
    if (renamed.size === 0) return;
    merged += renamed.size;
    graph.initializer = graph.initializer.filter(({ name }) => name === undefined || !renamed.has(name));
    renameReadings(graph, renamed);
  });
  return merged;
}

/** Larger tensors are hardly ever there twice, and reading them only to look would take long. */
const MERGED_BYTES_MAXIMUM = 16 * 1024 * 1024;

/** Equal for tensors of equal type, shape and bytes; undefined where that is not looked at. */
function contentOf(tensor: TensorProto): string | undefined {
  if (tensor.dataType === tensorDataType.string || tensor.dataLocation === dataLocation.external) return undefined;
  if (dataBytes(tensor) > MERGED_BYTES_MAXIMUM) return undefined;
  return `${tensor.dataType}:${shapeOf(tensor)}:${createHash('sha256').update(tensorBytes(tensor)).digest('base64')}`;
}

function renameReadings(graph: GraphProto, renamed: ReadonlyMap<string, string>): void {
  for (const node of graph.node) {
    node.input = node.input.map((name) => renamed.get(name) ?? name);
    for (const subgraph of subgraphsOf(node)) {
      // A subgraph may give a value of its own one of these names.
      const own = new Set([
        ...subgraph.initializer.map(({ name }) => name),
        ...subgraph.input.map(({ name }) => name),
        ...subgraph.node.flatMap(({ output }) => output),
      ]);
      renameReadings(subgraph, new Map([...renamed].filter(([name]) => !own.has(name))));
    }
  }
}
