import { fileURLToPath } from 'node:url';
import { StarlingError } from '@starling/shared';
import protobuf from 'protobufjs';
import type { Payload } from './payload.ts';

/**
 * The messages of ONNX (https://github.com/onnx/onnx, onnx.proto, Apache-2.0), as protobufjs holds them. Integers of 64 bits stay `Long`:
 * attributes such as the open end of Slice are 2^63 - 1, which a number cannot hold. An absent message is `undefined` or `null`, an absent
 * number 0, an absent text ''. Fields that onnx.proto does not know are kept as they are.
 */
export interface LongLike {
  toNumber(): number;
  toString(): string;
}
/** What is written must never be a bigint, which protobufjs takes for 0: see `toInteger`. */
export type Integer = number | LongLike;

export interface StringEntry {
  key: string;
  value: string;
}

export interface TensorProto {
  name?: string;
  dims: Integer[];
  dataType: number;
  rawData?: Uint8Array;
  floatData?: number[];
  int32Data?: number[];
  stringData?: Uint8Array[];
  int64Data?: Integer[];
  doubleData?: number[];
  uint64Data?: Integer[];
  docString?: string;
  dataLocation?: number;
  externalData?: StringEntry[];
  metadataProps?: StringEntry[];
  /** Not of ONNX: the bytes of `rawData`, left where they are until they are needed. Never there together with `rawData`. */
  payload?: Payload | undefined;
}

export interface SparseTensorProto {
  values?: TensorProto | null;
  indices?: TensorProto | null;
  dims: Integer[];
}

export interface Dimension {
  dimValue?: Integer;
  dimParam?: string;
  denotation?: string;
}

export interface TensorType {
  elemType?: number;
  shape?: { dim: Dimension[] } | null;
}

export interface TypeProto {
  tensorType?: TensorType | null;
  sequenceType?: { elemType?: TypeProto | null } | null;
  mapType?: { keyType?: number; valueType?: TypeProto | null } | null;
  optionalType?: { elemType?: TypeProto | null } | null;
  opaqueType?: { domain?: string; name?: string } | null;
  denotation?: string;
}

export interface AttributeProto {
  name: string;
  refAttrName?: string;
  docString?: string;
  type: number;
  i?: Integer;
  f?: number;
  s?: Uint8Array;
  t?: TensorProto | null;
  g?: GraphProto | null;
  sparseTensor?: SparseTensorProto | null;
  tp?: TypeProto | null;
  ints?: Integer[];
  floats?: number[];
  strings?: Uint8Array[];
  tensors?: TensorProto[];
  graphs?: GraphProto[];
  sparseTensors?: SparseTensorProto[];
  typeProtos?: TypeProto[];
}

export interface ValueInfoProto {
  name: string;
  type?: TypeProto | null;
  docString?: string;
  metadataProps?: StringEntry[];
}

export interface NodeProto {
  name?: string;
  opType: string;
  domain?: string;
  overload?: string;
  input: string[];
  output: string[];
  attribute: AttributeProto[];
  docString?: string;
  metadataProps?: StringEntry[];
}

export interface GraphProto {
  name?: string;
  docString?: string;
  node: NodeProto[];
  initializer: TensorProto[];
  sparseInitializer?: SparseTensorProto[];
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  valueInfo?: ValueInfoProto[];
  quantizationAnnotation?: { tensorName?: string; quantParameterTensorNames?: StringEntry[] }[];
  metadataProps?: StringEntry[];
}

export interface OperatorSetId {
  domain?: string;
  version: Integer;
}

export interface FunctionProto {
  name: string;
  domain?: string;
  overload?: string;
  docString?: string;
  input: string[];
  output: string[];
  attribute: string[];
  attributeProto?: AttributeProto[];
  node: NodeProto[];
  opsetImport: OperatorSetId[];
  valueInfo?: ValueInfoProto[];
  metadataProps?: StringEntry[];
}

export interface ModelProto {
  irVersion: Integer;
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: Integer;
  docString?: string;
  graph?: GraphProto | null;
  opsetImport: OperatorSetId[];
  metadataProps?: StringEntry[];
  functions?: FunctionProto[];
  /** Kept as it is: inference does not run it. */
  trainingInfo?: unknown[];
}

/** TensorProto.DataType */
export const tensorDataType = {
  undefined: 0,
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
  float6e2m3: 27,
  float6e3m2: 28,
} as const;

/** AttributeProto.AttributeType */
export const attributeType = {
  undefined: 0,
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  typeProto: 13,
  typeProtos: 14,
} as const;

/** TensorProto.DataLocation */
export const dataLocation = { default: 0, external: 1 } as const;

const root = protobuf.loadSync(fileURLToPath(new URL('./onnx.proto', import.meta.url)));
export const modelType = root.lookupType('onnx.ModelProto');
export const graphType = root.lookupType('onnx.GraphProto');
export const nodeType = root.lookupType('onnx.NodeProto');
export const attributeMessageType = root.lookupType('onnx.AttributeProto');
export const tensorType = root.lookupType('onnx.TensorProto');
export const functionType = root.lookupType('onnx.FunctionProto');

export function toNumber(value: Integer): number {
  return typeof value === 'number' ? value : value.toNumber();
}

export function toBigInt(value: Integer): bigint {
  return typeof value === 'number' ? BigInt(value) : BigInt(value.toString());
}

/**
 * A 64-bit integer as protobufjs writes it.
 * @throws StarlingError `integer-out-of-range` if it is no integer or needs more than 64 bits
 */
export function toInteger(value: number | bigint): Integer {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (typeof value === 'bigint' && value >= -(2n ** 63n) && value < 2n ** 64n) {
    const [low, high] = [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
    return new protobuf.util.Long(low, high, value >= 2n ** 63n) as unknown as LongLike;
  }
  throw new StarlingError('integer-out-of-range', `${value} is no integer of 64 bits`, { field: 'value' });
}
