import { type NodeProto, shapeOf } from '../onnx/index.ts';
import { constantOf, isOperator, type Scope } from './scope.ts';
import { finiteFloats } from './tensors.ts';

/** y = scale x + shift, with one number for all channels or one per channel. */
export interface Affine {
  scale: Float64Array;
  shift: Float64Array;
}

/** What Mul, Div, Add or Sub by a constant does to `input`, a value of this rank with these channels along axis 1. */
export function constantOperand(scope: Scope, node: NodeProto, input: string, rank: number, channels: number): Affine | undefined {
  if (!isOperator(node, 'Mul', 'Div', 'Add', 'Sub')) return undefined;
  const [left = '', right = ''] = node.input;
  const constant = constantOf(scope, left === input ? right : left);
  const values = finiteFloats(constant);
  if (constant === undefined || values === undefined || !isPerChannel(shapeOf(constant), rank, channels, 1)) return undefined;
  const [ones, zeros] = [new Float64Array(values.length).fill(1), new Float64Array(values.length)];
  const numbers = Float64Array.from(values);
  const constantIsRight = left === input;
  switch (node.opType) {
    case 'Mul':
      return { scale: numbers, shift: zeros };
    case 'Div':
      return constantIsRight ? { scale: numbers.map((value) => 1 / value), shift: zeros } : undefined;
    case 'Add':
      return { scale: ones, shift: numbers };
    case 'Sub':
      return constantIsRight ? { scale: ones, shift: numbers.map((value) => -value) } : { scale: ones.map(() => -1), shift: numbers };
    default:
      return undefined;
  }
}

/** True for one number, or one per channel along `axis` of a value of that rank; what would broadcast the value itself is not. */
export function isPerChannel(shape: readonly number[], rank: number, channels: number, axis: number): boolean {
  if (shape.length > rank) return false;
  const sides = [...Array.from({ length: rank - shape.length }, () => 1), ...shape];
  return sides.every((side, position) => side === 1 || (position === axis && side === channels));
}

export function at(numbers: ArrayLike<number>, channel: number): number {
  return numbers[numbers.length === 1 ? 0 : channel] ?? 0;
}
