import { open, readFile } from 'node:fs/promises';
import { StarlingError, type TensorElementType } from '@starling/shared';

export type NpyData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>;

export interface NpyHeader {
  elementType: Exclude<TensorElementType, 'string'>;
  shape: number[];
  /** Where the values begin. */
  offset: number;
}

/** float16 comes as its bits, 16 each; bool as 0 and 1. */
export interface NpyTensor extends NpyHeader {
  data: NpyData;
}

/** numpy's type codes (numpy.lib.format, NEP 1). Types of one byte have no byte order, the others are little-endian here. */
const types: Readonly<
  Record<string, { elementType: NpyHeader['elementType']; bytes: number; view(buffer: ArrayBuffer): NpyData } | undefined>
> = {
  '<f4': { elementType: 'float32', bytes: 4, view: (buffer) => new Float32Array(buffer) },
  '<f2': { elementType: 'float16', bytes: 2, view: (buffer) => new Uint16Array(buffer) },
  '<f8': { elementType: 'float64', bytes: 8, view: (buffer) => new Float64Array(buffer) },
  '|i1': { elementType: 'int8', bytes: 1, view: (buffer) => new Int8Array(buffer) },
  '|u1': { elementType: 'uint8', bytes: 1, view: (buffer) => new Uint8Array(buffer) },
  '|b1': { elementType: 'bool', bytes: 1, view: (buffer) => new Uint8Array(buffer) },
  '<i2': { elementType: 'int16', bytes: 2, view: (buffer) => new Int16Array(buffer) },
  '<u2': { elementType: 'uint16', bytes: 2, view: (buffer) => new Uint16Array(buffer) },
  '<i4': { elementType: 'int32', bytes: 4, view: (buffer) => new Int32Array(buffer) },
  '<u4': { elementType: 'uint32', bytes: 4, view: (buffer) => new Uint32Array(buffer) },
  '<i8': { elementType: 'int64', bytes: 8, view: (buffer) => new BigInt64Array(buffer) },
  '<u8': { elementType: 'uint64', bytes: 8, view: (buffer) => new BigUint64Array(buffer) },
};

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
/** numpy itself refuses longer headers by default. */
const HEADER_BYTES_MAXIMUM = 10_000;

/**
 * Reads the header of an `.npy` file.
 * @param bytes its beginning, at least the whole header
 * @param name what to call it in errors
 * @throws StarlingError `sample-broken`, `sample-unsupported`
 */
export function parseNpyHeader(bytes: Uint8Array, name: string): NpyHeader {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < 12 || !view.subarray(0, 6).equals(MAGIC)) throw broken(name, 'is no .npy file');
  const major = view[6] ?? 0;
  if (major < 1 || major > 3) throw broken(name, `has the unknown .npy version ${major}`);
  const start = major === 1 ? 10 : 12;
  const length = major === 1 ? view.readUInt16LE(8) : view.readUInt32LE(8);
  if (length > HEADER_BYTES_MAXIMUM || start + length > view.length) throw broken(name, 'has a header that does not end');
  const header = view.toString(major === 3 ? 'utf8' : 'latin1', start, start + length);
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const sides = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(header)?.[1];
  if (fortran === undefined || sides === undefined) throw broken(name, 'has a header that is not understood');
  const type = descr === undefined ? undefined : types[descr];
  if (type === undefined) {
    throw unsupported(name, descr === undefined ? 'is a record' : `has the type ${descr}`, "array.astype('<f4')");
  }
  if (fortran === 'True') throw unsupported(name, 'is in Fortran order', 'numpy.ascontiguousarray(array)');
  const shape = sides
    .split(',')
    .map((side) => side.trim())
    .filter((side) => side !== '')
    .map(Number);
  return { elementType: type.elementType, shape, offset: start + length };
}

/** @throws StarlingError `sample-broken`, `sample-unsupported` */
export async function readNpyHeader(path: string, name: string): Promise<NpyHeader> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES_MAXIMUM + 12), 0, HEADER_BYTES_MAXIMUM + 12, 0);
    return parseNpyHeader(buffer.subarray(0, bytesRead), name);
  } finally {
    await file.close();
  }
}

/** @throws StarlingError `sample-broken`, `sample-unsupported` */
export async function readNpy(path: string, name: string): Promise<NpyTensor> {
  return parseNpy(await readFile(path), name);
}

export function parseNpy(bytes: Uint8Array, name: string): NpyTensor {
  const header = parseNpyHeader(bytes, name);
  const type = Object.values(types).find((each) => each?.elementType === header.elementType);
  const length = header.shape.reduce((product, side) => product * side, 1) * (type?.bytes ?? 0);
  const found = bytes.length - header.offset;
  if (type === undefined || found !== length) throw broken(name, `has ${found} bytes of values, its shape needs ${length}`);
  // Copied, because a view needs an alignment that a position in a file need not have.
  const start = bytes.byteOffset + header.offset;
  return { ...header, data: type.view((bytes.buffer as ArrayBuffer).slice(start, start + length)) };
}

function broken(name: string, what: string): StarlingError {
  return new StarlingError('sample-broken', `sample "${name}" ${what}`, { field: 'datasets', hint: 'write it again with numpy.save' });
}

function unsupported(name: string, what: string, call: string): StarlingError {
  return new StarlingError('sample-unsupported', `sample "${name}" ${what}, which is not read`, {
    field: 'datasets',
    hint: `save it after ${call}`,
  });
}
