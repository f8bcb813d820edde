import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

/**
 * The messages of ONNX (https://github.com/onnx/onnx, onnx.proto, Apache-2.0) that Starling reads or writes. Integers of 64 bits stay
 * `Long`: attributes such as the open end of Slice are 2^63 - 1, which a number cannot hold. Fields not named here are kept as they are.
 */
export interface LongLike {
  toNumber(): number;
}
export type Integer = number | LongLike;

export interface TensorProto {
  name?: string;
  dims: Integer[];
  dataType: number;
  rawData?: Uint8Array;
  floatData?: number[];
  int32Data?: number[];
  int64Data?: Integer[];
  doubleData?: number[];
  dataLocation?: number;
  externalData?: { key: string; value: string }[];
}

export interface AttributeProto {
  name: string;
  type: number;
  i?: Integer;
  f?: number;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats?: number[];
  ints?: Integer[];
  graphs?: GraphProto[];
}

export interface NodeProto {
  name?: string;
  opType: string;
  domain?: string;
  input: string[];
  output: string[];
  attribute: AttributeProto[];
}

/** Exactly one of the two is an own property, or none where nothing is known. */
export interface Dimension {
  dimValue?: Integer;
  dimParam?: string;
}

export interface ValueInfoProto {
  name: string;
  type?: { tensorType?: { elemType?: number; shape?: { dim: Dimension[] } } };
}

export interface GraphProto {
  name?: string;
  node: NodeProto[];
  initializer: TensorProto[];
  sparseInitializer?: unknown[];
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  /** What is known of the values between. */
  valueInfo?: ValueInfoProto[];
}

export interface ModelProto {
  irVersion: Integer;
  graph?: GraphProto;
  opsetImport: { domain?: string; version: Integer }[];
  functions?: unknown[];
}

/** TensorProto.DataType */
export const tensorDataType = { float: 1, int8: 3, int32: 6, int64: 7, float16: 10, double: 11, bfloat16: 16 } as const;
/** AttributeProto.AttributeType */
export const attributeType = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7 } as const;

const root = protobuf.loadSync(fileURLToPath(new URL('./onnx.proto', import.meta.url)));
export const modelType = root.lookupType('onnx.ModelProto');

export function toNumber(value: Integer): number {
  return typeof value === 'number' ? value : value.toNumber();
}
