import { StarlingError } from '@starling/shared';
import type { NodeProto, TensorProto } from '../../onnx/index.ts';

/** What is known of a value: TensorProto.DataType, and the sides where the rank is known (undefined for a free one). */
export interface ValueType {
  elementType: number;
  shape: readonly (number | undefined)[] | undefined;
}

/** What an upgrade may ask of the graph around its node. */
export interface UpgradeContext {
  typeOf(name: string | undefined): ValueType | undefined;
  constantOf(name: string | undefined): TensorProto | undefined;
  /** True if something reads this value. */
  isUsed(name: string | undefined): boolean;
  freshName(wanted: string): string;
  /** Adds an initialiser under a fresh name, which it returns. */
  addConstant(wanted: string, make: (name: string) => TensorProto): string;
}

/** Changes a node from the form before an opset to its form in it; returns nodes to stand in its place, if it is not just changed. */
export type Upgrade = (node: NodeProto, context: UpgradeContext) => NodeProto[] | undefined;

export function cannotUpgrade(node: NodeProto, why: string, hint: string): StarlingError {
  return new StarlingError('opset-upgrade-unsupported', `${node.opType} cannot be brought to a newer opset: ${why}`, {
    field: `model.graph.node.${node.name || node.output.find((name) => name !== '') || node.opType}`,
    hint,
  });
}
