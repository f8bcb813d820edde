import { isStarlingError, messageOf, StarlingError } from '@starling/shared';
import protobuf from 'protobufjs';
import { readExternalData } from './external-data.ts';
import { type FileSource, openFileSource, regionPayload } from './payload.ts';
import { type GraphProto, type ModelProto, modelType, type TensorProto, tensorDataType } from './proto.ts';
import { LAZY_BYTES_MINIMUM, type MessageName, ways } from './ways.ts';
import { WIRE_LENGTH, type WireField, type WireReader, wireReader } from './wire.ts';

/** A model whose graph is there. */
export interface OnnxModel extends ModelProto {
  graph: GraphProto;
}

/**
 * Parses an ONNX file that is in memory. Data in other files stays there: see `openModel`.
 * @throws StarlingError `not-onnx` for anything else, `onnx-truncated` if it ends too early
 */
export function readModel(bytes: Uint8Array): OnnxModel {
  if (bytes.length === 0) throw new StarlingError('not-onnx', 'the file has no bytes', { field: 'model', hint: 'upload an .onnx file' });
  return requireGraph(guarded(() => decode(modelType, bytes)) as ModelProto);
}

export interface OpenModel {
  model: OnnxModel;
  /** The model cannot read its larger tensors any more. */
  close(): void;
}

export interface OpenOptions {
  /** Where files with external data lie. Without it, such tensors stay as they are, and reading them is an error. */
  externalDirectory?: string;
}

/**
 * Parses an ONNX file of any size. The data of larger tensors stays in the file until it is asked for; so does external data.
 * @throws StarlingError `not-onnx`, `onnx-truncated`, and as `readExternalData` does
 */
export function openModel(file: string, { externalDirectory }: OpenOptions = {}): OpenModel {
  const sources: FileSource[] = [openFileSource(file)];
  const close = (): void => {
    for (const source of sources.splice(0)) source.close();
  };
  try {
    const [source] = sources as [FileSource];
    if (source.byteLength === 0)
      throw new StarlingError('not-onnx', 'the file has no bytes', { field: 'model', hint: 'upload an .onnx file' });
    const model = requireGraph(guarded(() => decodeLazily(wireReader(source), source, 'model', 0, source.byteLength)) as ModelProto);
    if (externalDirectory !== undefined) sources.push(...readExternalData(model, externalDirectory));
    return { model, close };
  } catch (error) {
    close();
    throw error;
  }
}

function requireGraph(model: ModelProto): OnnxModel {
  const { graph } = model;
  if (graph === undefined || graph === null || graph.node.length === 0 || model.opsetImport.length === 0) {
    throw new StarlingError('not-onnx', 'the file holds no ONNX graph', {
      field: 'model',
      hint: 'upload a file in ONNX format (protobuf)',
    });
  }
  return model as OnnxModel;
}

function guarded(read: () => unknown): unknown {
  try {
    return read();
  } catch (cause) {
    if (isStarlingError(cause)) throw cause;
    const truncated = cause instanceof RangeError;
    throw new StarlingError(truncated ? 'onnx-truncated' : 'not-onnx', `not an ONNX file: ${messageOf(cause)}`, {
      field: 'model',
      hint: truncated ? 'the file ends too early: upload it again' : 'upload a file in ONNX format (protobuf)',
      cause,
    });
  }
}

/** Fields that this version of onnx.proto does not know are kept, and written again. */
function decode(type: protobuf.Type, bytes: Uint8Array): Record<string, unknown> {
  const reader = protobuf.Reader.create(bytes);
  reader.discardUnknown = false;
  return type.decode(reader) as unknown as Record<string, unknown>;
}

/** Messages up to this size are decoded at once. */
const WHOLE_BYTES_MAXIMUM = 16 * 1024;

/** Data of a tensor by field number that is the same bytes as in `rawData`: 9, or a packed list of floats or doubles. */
const dataFields: Readonly<Record<number, readonly number[]>> = {
  4: [tensorDataType.float, tensorDataType.complex64],
  10: [tensorDataType.double, tensorDataType.complex128],
};

function decodeLazily(reader: WireReader, source: FileSource, name: MessageName, start: number, end: number): unknown {
  const { type, children } = ways[name];
  if (end - start <= WHOLE_BYTES_MAXIMUM) return decode(type, reader.bytes(start, end));
  const rest: Uint8Array[] = [];
  const found = new Map<string, unknown[]>();
  const data: WireField[] = [];
  for (const field of reader.fields(start, end)) {
    const child = field.wireType === WIRE_LENGTH ? children[field.number] : undefined;
    if (child !== undefined) {
      const list = found.get(child.field) ?? [];
      list.push(decodeLazily(reader, source, child.way, field.start, field.end));
      found.set(child.field, list);
    } else if (name === 'tensor' && isData(field)) data.push(field);
    else rest.push(reader.bytes(field.tagStart, field.end));
  }
  const [region] = data;
  // Data in several parts is joined by decoding it.
  if (data.length > 1) for (const { tagStart, end: partEnd } of data) rest.push(reader.bytes(tagStart, partEnd));
  const message = decode(type, Buffer.concat(rest));
  for (const { field, repeated } of Object.values(children)) {
    const list = found.get(field);
    if (list !== undefined) message[field] = repeated ? list : list.at(-1);
  }
  if (region !== undefined && data.length === 1) attachData(message as unknown as TensorProto, source, region);
  return message;
}

function isData({ number, wireType, start, end }: WireField): boolean {
  return wireType === WIRE_LENGTH && (number === 9 || number in dataFields) && end - start >= LAZY_BYTES_MINIMUM;
}

function attachData(tensor: TensorProto, source: FileSource, { number, start, end }: WireField): void {
  if (number !== 9 && !dataFields[number]?.includes(tensor.dataType)) {
    throw new StarlingError('tensor-size', `the tensor "${tensor.name ?? ''}" holds data of another type than its own`, {
      field: 'model.graph.initializer',
      hint: 'the file is damaged: export it again',
    });
  }
  tensor.payload = regionPayload(source, start, end - start);
}
