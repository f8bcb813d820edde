import { float16Bits, float16Value, formatPortType, StarlingError, type TensorElementType, type TensorType } from '@starling/shared';
import type { Tensor, TensorData } from '../../ports/engine.ts';
import type { OperatorContext } from './operator.ts';

/** Half precision travels as its bits, truth values as bytes. */
const arrays = {
  float32: Float32Array,
  float16: Uint16Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const satisfies Record<Exclude<TensorElementType, 'string'>, new (length: number) => TensorData>;

type DenseType = keyof typeof arrays;

/** Elements that numbers can be read from one by one; whole numbers of 64 bits are no plain numbers. */
export type Elements = ArrayLike<number> | ArrayLike<bigint>;

/**
 * The tensor on a port, which has to be what the parameters of the node say.
 * @throws StarlingError `wrong-value` with the port as its field
 */
export function tensorOf(inputs: Readonly<Record<string, unknown>>, port: string, type: TensorType): Tensor {
  const value = inputs[port];
  if (!isTensor(value)) throw wrongValue(port, 'is no tensor', type);
  const { elementType, shape, data } = value;
  if (elementType !== type.elementType) throw wrongValue(port, `has elements of ${elementType}`, type);
  if (!(data instanceof arrays[elementType as DenseType])) throw wrongValue(port, `says ${elementType} and holds another array`, type);
  const fits =
    shape.length === type.shape.length && type.shape.every((length, axis) => typeof length === 'string' || length === shape[axis]);
  if (!fits) throw wrongValue(port, `has the shape [${shape.join(',')}]`, type);
  if (volumeOf(shape) !== data.length) throw wrongValue(port, `has ${data.length} elements for the shape [${shape.join(',')}]`, type);
  return value;
}

function wrongValue(port: string, what: string, type: TensorType): StarlingError {
  return new StarlingError('wrong-value', `input "${port}" ${what}, not ${formatPortType(type)}`, {
    field: port,
    hint: 'correct `type` in the parameters of the node, or connect another port',
  });
}

function isTensor(value: unknown): value is Tensor {
  return (
    typeof value === 'object' &&
    value !== null &&
    'elementType' in value &&
    'data' in value &&
    'shape' in value &&
    Array.isArray(value.shape)
  );
}

export function volumeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Zeros of an element type; floats lie where the engine reads them without a copy. */
export function allocate(elementType: TensorElementType, length: number, context: OperatorContext): TensorData {
  return elementType === 'float32' ? context.allocateFloat32(length) : new arrays[elementType as DenseType](length);
}

/** The elements as numbers: half precision is decoded, all else is the array itself. */
export function elementsIn({ elementType, data }: Tensor): Elements {
  return elementType === 'float16' ? Float32Array.from(data as Uint16Array, float16Value) : data;
}

/**
 * Puts numbers into an array of an element type as casts do: fractions are cut off, what is beyond the range becomes its end, NaN
 * becomes 0. Half and single precision round to the nearest.
 */
export function writerOf(elementType: TensorElementType, data: TensorData): (at: number, value: number | bigint) => void {
  const numbers = data as Exclude<TensorData, BigInt64Array | BigUint64Array>;
  switch (elementType) {
    case 'float32':
    case 'float64':
      return (at, value) => {
        numbers[at] = Number(value);
      };
    case 'float16':
      return (at, value) => {
        numbers[at] = float16Bits(Number(value));
      };
    case 'bool':
      // NaN is not 0: it is true, as in C and NumPy.
      return (at, value) => {
        numbers[at] = Number(value) === 0 ? 0 : 1;
      };
    case 'int64':
      return wideWriter(data as BigInt64Array, -(2n ** 63n), 2n ** 63n - 1n);
    case 'uint64':
      return wideWriter(data as BigUint64Array, 0n, 2n ** 64n - 1n);
    default:
      return wholeWriter(numbers, elementType);
  }
}

function wholeWriter(data: Exclude<TensorData, BigInt64Array | BigUint64Array>, elementType: TensorElementType) {
  const bits = 8 * data.BYTES_PER_ELEMENT;
  const isSigned = elementType.startsWith('int');
  const [least, most] = isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return (at: number, value: number | bigint): void => {
    const number = Number(value);
    data[at] = number >= least ? Math.trunc(Math.min(most, number)) : number < least ? least : 0;
  };
}

function wideWriter(data: BigInt64Array | BigUint64Array, least: bigint, most: bigint) {
  return (at: number, value: number | bigint): void => {
    data[at] = typeof value === 'bigint' ? clampWide(value, least, most) : wideOf(value, least, most);
  };
}

/** BigInt takes neither fractions nor what is not finite. */
function wideOf(value: number, least: bigint, most: bigint): bigint {
  if (Number.isNaN(value)) return 0n;
  if (!Number.isFinite(value)) return value > 0 ? most : least;
  return clampWide(BigInt(Math.trunc(value)), least, most);
}

function clampWide(value: bigint, least: bigint, most: bigint): bigint {
  return value < least ? least : value > most ? most : value;
}

/** A tensor cut into lines along one axis: element i of line (outer, inner) lies at `outer * length * inner + i * inner`. */
export function linesAlong(shape: readonly number[], axis: number): { outer: number; length: number; inner: number } {
  return { outer: volumeOf(shape.slice(0, axis)), length: shape[axis] ?? 1, inner: volumeOf(shape.slice(axis + 1)) };
}
