import { dataLocation, floatsOf, makeTensor, sizeOf, type TensorProto, tensorDataType } from '../onnx/index.ts';

export function floatTensor(name: string, values: Float32Array, dims: readonly number[]): TensorProto {
  return makeTensor(name, 'float', dims, values);
}

/** @param dims of a vector if not given; `[]` makes a scalar */
export function integerTensor(name: string, values: readonly number[], dims: readonly number[] = [values.length]): TensorProto {
  return makeTensor(name, 'int64', dims, values.map(BigInt));
}

/** A floating-point scalar in the type of the values that it meets. */
export function scalarTensor(name: string, value: number, dataType: number): TensorProto | undefined {
  if (dataType === tensorDataType.float) return floatTensor(name, Float32Array.of(value), []);
  if (dataType === tensorDataType.double) return makeTensor(name, 'double', [], [value]);
  return undefined;
}

/** The number in a float tensor of one element, of whatever rank. */
export function scalarOf(tensor: TensorProto | undefined): number | undefined {
  if (!isHere(tensor) || sizeOf(tensor) !== 1) return undefined;
  return floatsOf(tensor)[0];
}

/** Finite float values, or undefined: what is not finite is never folded into anything. */
export function finiteFloats(tensor: TensorProto | undefined): Float32Array | undefined {
  if (!isHere(tensor)) return undefined;
  const values = floatsOf(tensor);
  return values.every(Number.isFinite) ? values : undefined;
}

function isHere(tensor: TensorProto | undefined): tensor is TensorProto {
  return tensor !== undefined && tensor.dataType === tensorDataType.float && tensor.dataLocation !== dataLocation.external;
}
