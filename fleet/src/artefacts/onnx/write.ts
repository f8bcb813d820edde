import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MODEL_BYTES_MAXIMUM, StarlingError } from '@starling/shared';
import type protobuf from 'protobufjs';
import type { Payload } from './payload.ts';
import { type AttributeProto, dataLocation, type ModelProto, type NodeProto, type TensorProto, tensorDataType } from './proto.ts';
import { graphsFrom } from './subgraphs.ts';
import { dataBytes, tensorBytes } from './tensor.ts';
import { LAZY_BYTES_MINIMUM, type MessageName, ways } from './ways.ts';
import { lengthHeader } from './wire.ts';

/** Encoded bytes as they will stand in the file, those of large tensors still where they are. */
interface Rope {
  pieces: (Uint8Array | Payload)[];
  byteLength: number;
}

/** Where a tensor goes that is written outside of the model. */
export interface Placement {
  location: string;
  offset: number;
  length: number;
}
export type Placements = ReadonlyMap<TensorProto, Placement>;

/**
 * @returns the model as one file
 * @throws StarlingError `model-too-large` above the 2 GiB of protobuf: see `writeModelFile`
 */
export function writeModel(model: ModelProto): Uint8Array {
  const { pieces, byteLength } = ropeOf('model', model, new Map());
  if (byteLength > MODEL_BYTES_MAXIMUM) throw tooLarge(byteLength);
  const bytes = new Uint8Array(byteLength);
  let at = 0;
  for (const piece of flatten(pieces)) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** A model as one file that is made while it is read. */
export interface ModelPieces {
  byteLength: number;
  /** The file from its start, each time anew, in pieces of at most a mebibyte that belong to whoever takes them. */
  pieces(): Iterable<Uint8Array>;
}

/** @throws StarlingError `model-too-large` above the 2 GiB of protobuf */
export function modelPieces(model: ModelProto): ModelPieces {
  return graphPieces(model, new Map());
}

/** The model without the tensors that are placed elsewhere. @throws StarlingError `model-too-large` above the 2 GiB of protobuf */
export function graphPieces(model: ModelProto, placements: Placements): ModelPieces {
  const { pieces, byteLength } = ropeOf('model', model, placements);
  if (byteLength > MODEL_BYTES_MAXIMUM) throw tooLarge(byteLength);
  return { byteLength, pieces: () => ownPieces(pieces) };
}

/** Bytes that the model takes as one file, however many they are. */
export function oneFileBytes(model: ModelProto): number {
  return ropeOf('model', model, new Map()).byteLength;
}

export function* ownPieces(pieces: Iterable<Uint8Array | Payload>): Generator<Uint8Array> {
  let gathered = Buffer.allocUnsafeSlow(WRITE_BYTES);
  let used = 0;
  for (const piece of flatten(pieces)) {
    for (let at = 0; at < piece.length; ) {
      const taken = piece.subarray(at, at + WRITE_BYTES - used);
      gathered.set(taken, used);
      used += taken.length;
      at += taken.length;
      if (used < WRITE_BYTES) continue;
      yield gathered;
      gathered = Buffer.allocUnsafeSlow(WRITE_BYTES);
      used = 0;
    }
  }
  if (used > 0) yield gathered.subarray(0, used);
}

export interface WriteOptions {
  /** `when-needed`: tensors go to a second file if one file would be over 2 GiB, which protobuf cannot hold. */
  externalData?: 'never' | 'when-needed' | 'always';
}

export interface WrittenModel {
  /** The model, and the file with its data if there is one: `NAME.data` beside it. */
  files: string[];
  byteLength: number;
}

/**
 * Writes a model to a file without ever holding more than one of its tensors. The file appears when it is complete, so that it may take
 * the place of the one that the model is read from.
 * @throws StarlingError `model-too-large`
 */
export function writeModelFile(model: ModelProto, file: string, { externalData = 'when-needed' }: WriteOptions = {}): WrittenModel {
  const inside = externalData === 'always' ? undefined : ropeOf('model', model, new Map());
  if (inside !== undefined && inside.byteLength <= MODEL_BYTES_MAXIMUM) {
    writeFileOf(file, inside.pieces);
    return { files: [file], byteLength: inside.byteLength };
  }
  if (externalData === 'never') throw tooLarge(inside?.byteLength ?? 0);
  const location = `${basename(file)}.data`;
  const dataFile = join(dirname(file), location);
  const placements = placeTensors(model, location);
  const { pieces, byteLength } = ropeOf('model', model, placements);
  if (byteLength > MODEL_BYTES_MAXIMUM) throw tooLarge(byteLength);
  writeFileOf(dataFile, dataPieces(placements));
  writeFileOf(file, pieces);
  return { files: [file, dataFile], byteLength: byteLength + placedBytes(placements) };
}

export function placedBytes(placements: Placements): number {
  const last = [...placements.values()].at(-1);
  return last === undefined ? 0 : last.offset + last.length;
}

function tooLarge(byteLength: number): StarlingError {
  return new StarlingError('model-too-large', `the model takes ${byteLength} bytes, one file holds at most ${MODEL_BYTES_MAXIMUM}`, {
    field: 'model',
    hint: 'export it with its data in another file',
  });
}

function ropeOf(name: MessageName, message: object, placements: Placements): Rope {
  const { type, children } = ways[name];
  if (name === 'tensor') return tensorRope(message as TensorProto, placements);
  if (name === 'node' && !(message as NodeProto).attribute.some(holdsTensors)) return encode(type, message);
  const fields = message as Record<string, unknown>;
  const rope = encode(type, without(message, Object.values(children)));
  for (const [number, { field, way, repeated }] of Object.entries(children)) {
    const value = fields[field];
    if (value === undefined || value === null) continue;
    for (const child of repeated ? (value as object[]) : [value as object]) append(rope, Number(number), ropeOf(way, child, placements));
  }
  return rope;
}

function holdsTensors({ t, g, tensors, graphs }: AttributeProto): boolean {
  const one = (t !== undefined && t !== null) || (g !== undefined && g !== null);
  return one || (tensors?.length ?? 0) > 0 || (graphs?.length ?? 0) > 0;
}

function tensorRope(tensor: TensorProto, placements: Placements): Rope {
  const { type } = ways.tensor;
  const data = tensor.payload ?? tensor.rawData;
  const placement = placements.get(tensor);
  if (placement !== undefined) {
    const entries = Object.entries(placement).map(([key, value]) => ({ key, value: String(value) }));
    const described = { ...emptyData, dataLocation: dataLocation.external, externalData: entries };
    return encode(type, Object.assign(without(tensor, []), described));
  }
  // An absent field of protobufjs is an empty list, which has no bytes.
  if (data === undefined || data === null || !(data.byteLength >= LAZY_BYTES_MINIMUM)) {
    return encode(type, tensor.payload === undefined ? tensor : Object.assign(without(tensor, []), { rawData: tensorBytes(tensor) }));
  }
  const rope = encode(type, without(tensor, [{ field: 'rawData', repeated: false }]));
  append(rope, 9, { pieces: [data], byteLength: data.byteLength });
  return rope;
}

const emptyData = { rawData: undefined, floatData: [], int32Data: [], int64Data: [], doubleData: [], uint64Data: [] };

function encode(type: protobuf.Type, message: object): Rope {
  const bytes = type.encode(message as Record<string, unknown>).finish();
  return { pieces: [bytes], byteLength: bytes.length };
}

/** The message without some fields. What protobufjs keeps beside the fields, such as those that it does not know, stays. */
function without(message: object, fields: readonly { field: string; repeated: boolean }[]): object {
  const copy = Object.create(Object.getPrototypeOf(message), Object.getOwnPropertyDescriptors(message)) as Record<string, unknown>;
  for (const { field, repeated } of fields) copy[field] = repeated ? [] : undefined;
  return copy;
}

function append(rope: Rope, number: number, child: Rope): void {
  const header = lengthHeader(number, child.byteLength);
  rope.pieces.push(header);
  for (const piece of child.pieces) rope.pieces.push(piece);
  rope.byteLength += header.length + child.byteLength;
}

/** Smaller tensors stay inside: shapes and axes have to be there for shape inference. */
const EXTERNAL_BYTES_MINIMUM = 1024;
/** Data begins at a page, so that a runtime can map the file. */
const PAGE_BYTES = 4096;

export function placeTensors(model: ModelProto, location: string): Map<TensorProto, Placement> {
  const placements = new Map<TensorProto, Placement>();
  let offset = 0;
  for (const graph of model.graph === undefined || model.graph === null ? [] : graphsFrom(model.graph)) {
    for (const tensor of graph.initializer) {
      const length = tensor.dataLocation === dataLocation.external || tensor.dataType === tensorDataType.string ? 0 : dataBytes(tensor);
      if (length < EXTERNAL_BYTES_MINIMUM) continue;
      placements.set(tensor, { location, offset, length });
      offset = Math.ceil((offset + length) / PAGE_BYTES) * PAGE_BYTES;
    }
  }
  return placements;
}

export function* dataPieces(placements: Placements): Generator<Uint8Array | Payload> {
  let at = 0;
  for (const [tensor, { offset, length }] of placements) {
    if (offset > at) yield new Uint8Array(offset - at);
    yield tensor.payload ?? tensorBytes(tensor);
    at = offset + length;
  }
}

function* flatten(pieces: Iterable<Uint8Array | Payload>): Generator<Uint8Array> {
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) yield piece;
    else yield* piece.pieces();
  }
}

/** Small pieces are gathered into writes of about this many bytes. */
const WRITE_BYTES = 1024 ** 2;

export function writeFileOf(file: string, pieces: Iterable<Uint8Array | Payload>): void {
  const part = `${file}.part`;
  const handle = openSync(part, 'w', 0o600);
  try {
    const gathered = Buffer.allocUnsafeSlow(WRITE_BYTES);
    let used = 0;
    const flush = (): void => {
      writeAll(handle, gathered.subarray(0, used));
      used = 0;
    };
    for (const piece of flatten(pieces)) {
      if (used + piece.length > WRITE_BYTES) flush();
      if (piece.length > WRITE_BYTES) writeAll(handle, piece);
      else {
        gathered.set(piece, used);
        used += piece.length;
      }
    }
    flush();
  } catch (error) {
    closeSync(handle);
    rmSync(part, { force: true });
    throw error;
  }
  closeSync(handle);
  renameSync(part, file);
}

function writeAll(handle: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done, Math.min(bytes.length - done, 2 ** 30));
}
