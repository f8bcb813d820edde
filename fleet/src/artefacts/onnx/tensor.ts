import { StarlingError } from '@starling/shared';
import { byteLengthOf, type DataTypeName, elementCount, layoutOf, pack, type TypedArray, typeName, unpack } from './element-types.ts';
import type { Payload } from './payload.ts';
import { dataLocation, type TensorProto, tensorDataType, toBigInt, toNumber } from './proto.ts';
import { bfloat16ToNumber, type Float8Format, float8ToNumber, float16ToNumber } from './small-floats.ts';

export type { DataTypeName, TypedArray } from './element-types.ts';

export function shapeOf(tensor: TensorProto): number[] {
  return tensor.dims.map(toNumber);
}

/** Elements that its shape gives. */
export function sizeOf(tensor: TensorProto): number {
  return elementCount(tensor.dims, tensor.name);
}

/** Bytes of its data, wherever they are; those of texts are not counted. */
export function dataBytes(tensor: TensorProto): number {
  return tensor.dataType === tensorDataType.string ? 0 : byteLengthOf(tensor.dataType, sizeOf(tensor));
}

/**
 * The data of a tensor in the layout of `rawData`, whichever field it is in. May be the very bytes of the model: do not write to them.
 * @throws StarlingError `external-data-missing`, `tensor-size` if there are more or fewer bytes than its shape and type need
 */
export function tensorBytes(tensor: TensorProto): Uint8Array {
  const expected = dataBytes(tensor);
  const bytes = storedBytes(tensor);
  if (bytes.length === expected) return bytes;
  throw new StarlingError(
    'tensor-size',
    `the tensor "${tensor.name ?? ''}" has ${bytes.length} bytes, its shape [${shapeOf(tensor)}] of ${typeName(tensor.dataType)} needs ${expected}`,
    { field: 'model.graph.initializer', hint: 'the file is damaged: export it again' },
  );
}

function storedBytes(tensor: TensorProto): Uint8Array {
  if (tensor.dataLocation === dataLocation.external) throw externalMissing(tensor);
  if (tensor.payload !== undefined && tensor.payload !== null) return tensor.payload.bytes();
  if (tensor.rawData !== undefined && tensor.rawData !== null && tensor.rawData.length > 0) return tensor.rawData;
  const { field, array, bits } = layoutOf(tensor.dataType);
  const numbers = tensor[field] ?? [];
  if (field === 'floatData') return bytesOf(Float32Array.from(numbers as number[]));
  if (field === 'doubleData') return bytesOf(Float64Array.from(numbers as number[]));
  if (field === 'int64Data') return bytesOf(BigInt64Array.from(numbers, (value) => toBigInt(value)));
  if (bits === 64) return bytesOf(BigUint64Array.from(numbers, (value) => BigInt.asUintN(64, toBigInt(value))));
  if (bits === 6) return pack(Uint8Array.from(numbers, toNumber), tensor.dataType);
  // Packed elements are bytes here already, two or four to a number.
  const values = new Array<number>(numbers.length);
  for (const [index, value] of numbers.entries()) values[index] = toNumber(value);
  return bytesOf(new (array as Uint16ArrayConstructor)(values));
}

export function externalMissing(tensor: TensorProto): StarlingError {
  const file = tensor.externalData?.find((entry) => entry.key === 'location')?.value ?? 'another file';
  return new StarlingError('external-data-missing', `the tensor "${tensor.name ?? ''}" is kept in ${file}, which is not here`, {
    field: 'model.graph.initializer',
    hint: 'save the model with its data inside, as one file',
  });
}

/**
 * The elements as they are kept: bits of float16 and bfloat16 as Uint16Array, codes of smaller floats as Uint8Array, booleans as 0 and 1,
 * elements below a byte one to an element. Its own copy.
 * @throws StarlingError `tensor-size`, `external-data-missing`, `unsupported-type` for texts: see `textsOf`
 */
export function valuesOf(tensor: TensorProto): TypedArray {
  const { bits, array } = layoutOf(tensor.dataType);
  const bytes = tensorBytes(tensor);
  if (bits < 8) return unpack(bytes, sizeOf(tensor), tensor.dataType);
  // What a payload gives is nobody else's yet.
  if (tensor.payload !== undefined && bytes.byteLength === bytes.buffer.byteLength) return new array(bytes.buffer as ArrayBuffer);
  // Copied, because a view needs an alignment that a position in a file seldom has, and because the values are the caller's.
  return new array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer);
}

/**
 * The elements of a tensor of real numbers as floats. Its own copy.
 * @throws StarlingError as `valuesOf`
 */
export function floatsOf(tensor: TensorProto): Float32Array {
  const values = valuesOf(tensor);
  if (values instanceof Float32Array) return values;
  const convert = conversions[tensor.dataType];
  // Not Float32Array.from with a function, which gathers all values in a list first.
  const floats = new Float32Array(values.length);
  for (let index = 0; index < floats.length; index += 1) {
    const value = values[index] as number | bigint;
    floats[index] = convert === undefined ? Number(value) : convert(value as number);
  }
  return floats;
}

const fromFloat8 = (format: Float8Format) => (byte: number) => float8ToNumber(byte, format);
const float4Magnitudes = [0, 0.5, 1, 1.5, 2, 3, 4, 6];

const conversions: Partial<Record<number, (bits: number) => number>> = {
  [tensorDataType.float16]: float16ToNumber,
  [tensorDataType.bfloat16]: bfloat16ToNumber,
  [tensorDataType.float8e4m3fn]: fromFloat8('float8e4m3fn'),
  [tensorDataType.float8e4m3fnuz]: fromFloat8('float8e4m3fnuz'),
  [tensorDataType.float8e5m2]: fromFloat8('float8e5m2'),
  [tensorDataType.float8e5m2fnuz]: fromFloat8('float8e5m2fnuz'),
  [tensorDataType.float8e8m0]: (byte) => (byte === 255 ? Number.NaN : 2 ** (byte - 127)),
  [tensorDataType.float4e2m1]: (code) => (code & 8 ? -1 : 1) * (float4Magnitudes[code & 7] as number),
  [tensorDataType.float6e2m3]: (code) => smallFloat(code, 3, 1),
  [tensorDataType.float6e3m2]: (code) => smallFloat(code, 2, 3),
};

/** 6 bits of the OCP microscaling formats: no infinity and no NaN. */
function smallFloat(code: number, fractionBits: number, bias: number): number {
  const exponent = (code & 0x1f) >>> fractionBits;
  const fraction = (code & ((1 << fractionBits) - 1)) / (1 << fractionBits);
  return (code & 0x20 ? -1 : 1) * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
}

/** @throws StarlingError `external-data-missing` */
export function textsOf(tensor: TensorProto): string[] {
  if (tensor.dataLocation === dataLocation.external) throw externalMissing(tensor);
  return (tensor.stringData ?? []).map((bytes) => new TextDecoder().decode(bytes));
}

/** Whole numbers of a tensor, such as shapes and axes. */
export function integersOf(tensor: TensorProto): number[] {
  return Array.from(valuesOf(tensor) as ArrayLike<number | bigint>, Number);
}

export type TensorValues = TypedArray | readonly number[] | readonly bigint[] | readonly string[];

/**
 * @param values as `valuesOf` gives them; numbers are converted to the type, and those of float16 and other small floats are their bits
 * @throws StarlingError `tensor-size` if they are not as many as the shape says
 */
export function makeTensor(name: string, type: DataTypeName, dims: readonly number[], values: TensorValues): TensorProto {
  const tensor: TensorProto = { name, dims: [...dims], dataType: tensorDataType[type] };
  setValues(tensor, type, dims, values);
  return tensor;
}

/** Gives a tensor other data; its name and notes stay. */
export function setValues(tensor: TensorProto, type: DataTypeName, dims: readonly number[], values: TensorValues): void {
  const dataType = tensorDataType[type];
  const elements = elementCount(dims, tensor.name) * (type === 'complex64' || type === 'complex128' ? 2 : 1);
  if (values.length !== elements) {
    throw new StarlingError('tensor-size', `${values.length} values for the tensor "${tensor.name ?? ''}" of shape [${dims}]`, {
      field: 'tensor',
    });
  }
  clearData(tensor, dataType, dims);
  if (type === 'string') tensor.stringData = (values as readonly string[]).map((text) => new TextEncoder().encode(text));
  else tensor.rawData = encodeValues(dataType, values as Exclude<TensorValues, readonly string[]>);
}

/** Gives a tensor other data that is made or read when it is needed. */
export function setPayload(tensor: TensorProto, type: DataTypeName, dims: readonly number[], payload: Payload): void {
  const expected = byteLengthOf(tensorDataType[type], elementCount(dims, tensor.name));
  if (payload.byteLength !== expected) {
    throw new StarlingError('tensor-size', `${payload.byteLength} bytes for the tensor "${tensor.name ?? ''}" that needs ${expected}`, {
      field: 'tensor',
    });
  }
  clearData(tensor, tensorDataType[type], dims);
  tensor.payload = payload;
}

function clearData(tensor: TensorProto, dataType: number, dims: readonly number[]): void {
  for (const field of ['rawData', 'floatData', 'int32Data', 'stringData', 'int64Data', 'doubleData', 'uint64Data'] as const)
    delete tensor[field];
  for (const field of ['payload', 'dataLocation', 'externalData'] as const) delete tensor[field];
  tensor.dataType = dataType;
  tensor.dims = [...dims];
}

function encodeValues(dataType: number, values: TypedArray | readonly number[] | readonly bigint[]): Uint8Array {
  const { bits, array, signed } = layoutOf(dataType);
  if (bits < 8) {
    const bytes = signed === true ? Int8Array.from(values as number[]) : Uint8Array.from(values as number[]);
    return pack(bytes, dataType);
  }
  if (values instanceof array) return bytesOf(values as TypedArray);
  const integers = array === (BigInt64Array as unknown) || array === (BigUint64Array as unknown);
  const converted = Array.from(values as ArrayLike<number | bigint>, (value) => (integers ? BigInt(value) : Number(value)));
  return bytesOf((array as unknown as { from(values: unknown[]): TypedArray }).from(converted));
}

/** The memory of an array; little-endian, as all machines are that run Node. */
export function bytesOf(values: TypedArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
