import { type GraphView, isStandard, type NodeProto, type Use } from '../../onnx/index.ts';

export function isOperator(node: NodeProto | undefined, ...types: string[]): node is NodeProto {
  return node !== undefined && isStandard(node) && types.includes(node.opType);
}

/** The one use of a value, if it is no output of the graph and has no other use. */
export function onlyUse(view: GraphView, value: string): Use | undefined {
  if (view.isOutput(value)) return undefined;
  const uses = view.usesOf(value);
  return uses.length === 1 ? uses[0] : undefined;
}
