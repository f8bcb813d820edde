import type { GraphView } from '../onnx/index.ts';

/** Takes out constants that nothing reads any more. */
export function dropUnusedConstants(view: GraphView, names: Iterable<string>): void {
  for (const name of names) {
    if (view.usesOf(name).length === 0 && !view.isOutput(name) && view.constantOf(name) !== undefined) view.removeConstant(name);
  }
}

/** Names of all constants of a graph. */
export function constantNames(view: GraphView): string[] {
  const nodes = view.nodes().filter((node) => node.opType === 'Constant');
  return [...view.graph.initializer.map(({ name }) => name ?? ''), ...nodes.flatMap((node) => node.output)];
}
