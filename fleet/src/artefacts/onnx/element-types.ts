import { StarlingError } from '@starling/shared';
import { type Integer, tensorDataType, toNumber } from './proto.ts';

export type DataTypeName = keyof typeof tensorDataType;

/** How a tensor of each type is held: bits of one element in `rawData`, the field that may hold it instead, and what its values become. */
interface ElementLayout {
  bits: number;
  field: 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data';
  /** Elements of this array are one element of the tensor, but for complex numbers, which take two. */
  array: TypedArrayConstructor;
  /** Elements below a byte are packed, the first in the lowest bits; these are signed. */
  signed?: boolean;
}

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;
type TypedArrayConstructor = { new (buffer: ArrayBuffer): TypedArray; BYTES_PER_ELEMENT: number };

const oneByte = { bits: 8, field: 'int32Data', array: Uint8Array } as const;

const layouts: Partial<Record<number, ElementLayout>> = {
  [tensorDataType.float]: { bits: 32, field: 'floatData', array: Float32Array },
  [tensorDataType.uint8]: oneByte,
  [tensorDataType.int8]: { ...oneByte, array: Int8Array },
  [tensorDataType.uint16]: { bits: 16, field: 'int32Data', array: Uint16Array },
  [tensorDataType.int16]: { bits: 16, field: 'int32Data', array: Int16Array },
  [tensorDataType.int32]: { bits: 32, field: 'int32Data', array: Int32Array },
  [tensorDataType.int64]: { bits: 64, field: 'int64Data', array: BigInt64Array },
  [tensorDataType.bool]: oneByte,
  [tensorDataType.float16]: { bits: 16, field: 'int32Data', array: Uint16Array },
  [tensorDataType.double]: { bits: 64, field: 'doubleData', array: Float64Array },
  [tensorDataType.uint32]: { bits: 32, field: 'uint64Data', array: Uint32Array },
  [tensorDataType.uint64]: { bits: 64, field: 'uint64Data', array: BigUint64Array },
  [tensorDataType.complex64]: { bits: 64, field: 'floatData', array: Float32Array },
  [tensorDataType.complex128]: { bits: 128, field: 'doubleData', array: Float64Array },
  [tensorDataType.bfloat16]: { bits: 16, field: 'int32Data', array: Uint16Array },
  [tensorDataType.float8e4m3fn]: oneByte,
  [tensorDataType.float8e4m3fnuz]: oneByte,
  [tensorDataType.float8e5m2]: oneByte,
  [tensorDataType.float8e5m2fnuz]: oneByte,
  [tensorDataType.float8e8m0]: oneByte,
  [tensorDataType.uint4]: { ...oneByte, bits: 4 },
  [tensorDataType.int4]: { ...oneByte, bits: 4, array: Int8Array, signed: true },
  [tensorDataType.float4e2m1]: { ...oneByte, bits: 4 },
  [tensorDataType.uint2]: { ...oneByte, bits: 2 },
  [tensorDataType.int2]: { ...oneByte, bits: 2, array: Int8Array, signed: true },
  [tensorDataType.float6e2m3]: { ...oneByte, bits: 6 },
  [tensorDataType.float6e3m2]: { ...oneByte, bits: 6 },
};

/** @throws StarlingError `unsupported-type` for strings and numbers that are no type */
export function layoutOf(dataType: number): ElementLayout {
  const layout = layouts[dataType];
  if (layout !== undefined) return layout;
  throw new StarlingError('unsupported-type', `elements of type ${typeName(dataType)} have no bytes`, { field: 'tensor.dataType' });
}

export function typeName(dataType: number): string {
  return Object.entries(tensorDataType).find(([, number]) => number === dataType)?.[0] ?? String(dataType);
}

/** @throws StarlingError `tensor-shape` if a side is negative or there are more elements than can be counted */
export function elementCount(dims: readonly Integer[], name = ''): number {
  let count = 1;
  for (const side of dims) {
    const length = toNumber(side);
    count *= length;
    if (length < 0 || !Number.isSafeInteger(count)) {
      throw new StarlingError('tensor-shape', `the tensor "${name}" has the shape [${dims.map(String).join(', ')}]`, {
        field: 'model.graph.initializer',
        hint: 'export the model again: sides of constant tensors are whole numbers from 0 on',
      });
    }
  }
  return count;
}

export function byteLengthOf(dataType: number, elements: number): number {
  return Math.ceil((elements * layoutOf(dataType).bits) / 8);
}

/** Elements of fewer than 8 bits, one to a byte. */
export function unpack(bytes: Uint8Array, elements: number, dataType: number): Uint8Array | Int8Array {
  const { bits, signed } = layoutOf(dataType);
  const values = signed === true ? new Int8Array(elements) : new Uint8Array(elements);
  const mask = (1 << bits) - 1;
  const half = signed === true ? 1 << (bits - 1) : 0;
  for (let index = 0, at = 0; index < elements; index += 1, at += bits) {
    const byte = at >>> 3;
    const both = (bytes[byte] ?? 0) | ((bytes[byte + 1] ?? 0) << 8);
    const value = (both >>> (at & 7)) & mask;
    values[index] = (value ^ half) - half;
  }
  return values;
}

/** The opposite of `unpack`. */
export function pack(values: Uint8Array | Int8Array, dataType: number): Uint8Array {
  const { bits } = layoutOf(dataType);
  const mask = (1 << bits) - 1;
  const bytes = new Uint8Array(Math.ceil((values.length * bits) / 8));
  for (let index = 0, at = 0; index < values.length; index += 1, at += bits) {
    const shifted = ((values[index] as number) & mask) << (at & 7);
    const byte = at >>> 3;
    bytes[byte] = (bytes[byte] as number) | (shifted & 0xff);
    if (shifted > 0xff) bytes[byte + 1] = (bytes[byte + 1] as number) | (shifted >>> 8);
  }
  return bytes;
}
