import { bytesOf, floatsOf } from '../onnx/graph.ts';
import { type TensorProto, tensorDataType, toNumber } from '../onnx/proto.ts';

export function shapeOf(tensor: TensorProto): number[] {
  return tensor.dims.map(toNumber);
}

export function elementsOf(tensor: TensorProto): number {
  return shapeOf(tensor).reduce((product, side) => product * side, 1);
}

export function floatTensor(name: string, values: Float32Array, dims: readonly number[]): TensorProto {
  return { name, dataType: tensorDataType.float, dims: [...dims], rawData: bytesOf(values) };
}

/** @param dims of a vector if not given; `[]` makes a scalar */
export function integerTensor(name: string, values: readonly number[], dims: readonly number[] = [values.length]): TensorProto {
  const data = BigInt64Array.from(values, BigInt);
  return { name, dataType: tensorDataType.int64, dims: [...dims], rawData: new Uint8Array(data.buffer) };
}

/** A floating-point scalar in the type of the values that it meets. */
export function scalarTensor(name: string, value: number, dataType: number): TensorProto | undefined {
  if (dataType === tensorDataType.float) return floatTensor(name, Float32Array.of(value), []);
  if (dataType === tensorDataType.double) return { name, dataType, dims: [], doubleData: [value] };
  return undefined;
}

/** The number in a float tensor of one element, of whatever rank. */
export function scalarOf(tensor: TensorProto | undefined): number | undefined {
  if (tensor === undefined || tensor.dataType !== tensorDataType.float || elementsOf(tensor) !== 1) return undefined;
  return floatsOf(tensor)[0];
}

/** Finite float values, or undefined: what is not finite is never folded into anything. */
export function finiteFloats(tensor: TensorProto | undefined): Float32Array | undefined {
  if (tensor === undefined || tensor.dataType !== tensorDataType.float) return undefined;
  const values = floatsOf(tensor);
  return values.length === elementsOf(tensor) && values.every(Number.isFinite) ? values : undefined;
}
