import { attributeOf } from './attributes.ts';
import type { GraphProto, TensorProto } from './proto.ts';
import { tensorDataType } from './proto.ts';
import { shapeOf } from './tensor.ts';

export { bytesOf, floatsOf } from './tensor.ts';

/** A constant float tensor of a graph, wherever it is kept. */
export interface Weight {
  name: string;
  tensor: TensorProto;
  shape: number[];
  /** Takes the tensor out of where it is. */
  remove(): void;
}

/** Float constants by value name: initialisers, and Constant nodes, which some exporters use for all weights. */
export function findWeights(graph: GraphProto): Map<string, Weight> {
  const weights = new Map<string, Weight>();
  for (const tensor of graph.initializer) {
    if (tensor.dataType !== tensorDataType.float || tensor.name === undefined) continue;
    const { name } = tensor;
    const remove = (): void => {
      graph.initializer = graph.initializer.filter((each) => each !== tensor);
      // Before IR version 4 initialisers are listed among the inputs as well.
      graph.input = graph.input.filter((input) => input.name !== name);
    };
    weights.set(name, { name, tensor, shape: shapeOf(tensor), remove });
  }
  for (const node of graph.node) {
    const tensor = node.opType === 'Constant' ? attributeOf(node, 'value')?.t : undefined;
    const name = node.output[0];
    if (tensor === undefined || tensor === null || tensor.dataType !== tensorDataType.float || name === undefined) continue;
    const remove = (): void => {
      graph.node = graph.node.filter((each) => each !== node);
    };
    weights.set(name, { name, tensor, shape: shapeOf(tensor), remove });
  }
  return weights;
}

/** A name that no value of the graph has yet. */
export function freshName(taken: Set<string>, wanted: string): string {
  let name = wanted;
  for (let suffix = 1; taken.has(name); suffix += 1) name = `${wanted}_${suffix}`;
  taken.add(name);
  return name;
}

/** Names of all values in a graph. */
export function valueNames(graph: GraphProto): Set<string> {
  return new Set([
    ...graph.initializer.map((tensor) => tensor.name ?? ''),
    ...graph.input.map((input) => input.name),
    ...graph.node.flatMap((node) => [...node.input, ...node.output]),
  ]);
}
