import { attributeOf, intOf, isStandard } from './attributes.ts';
import { byteLengthOf } from './element-types.ts';
import { type GraphProto, type ModelProto, tensorDataType } from './proto.ts';
import { graphsFrom } from './subgraphs.ts';
import { dataBytes, sizeOf } from './tensor.ts';

/**
 * Memory that the weights of a model take once an engine has loaded it, at least. Weights that are stored short and cast to another type
 * are folded at load, and lie in memory as what they are cast to.
 */
export function loadedBytes(model: ModelProto & { graph: GraphProto }): number {
  let bytes = 0;
  for (const graph of graphsFrom(model.graph)) {
    const casts = castsIn(graph);
    for (const tensor of graph.initializer) {
      const type = casts.get(tensor.name ?? '');
      bytes += type === undefined ? dataBytes(tensor) : byteLengthOf(type, sizeOf(tensor));
    }
    for (const node of graph.node) {
      const value = node.opType === 'Constant' ? attributeOf(node, 'value')?.t : undefined;
      if (value !== undefined && value !== null) bytes += dataBytes(value);
    }
  }
  return bytes;
}

/** Value -> the type that it is cast to. */
function castsIn(graph: GraphProto): Map<string, number> {
  const casts = new Map<string, number>();
  for (const node of graph.node) {
    if (node.opType === 'Cast' && isStandard(node)) casts.set(node.input[0] ?? '', intOf(node, 'to') ?? tensorDataType.float);
  }
  return casts;
}
