import { StarlingError } from '@starling/shared';
import type { ByteSource } from './payload.ts';

/** Bytes that are looked at together: a walk over a large file reads little but headers. */
const WINDOW_BYTES = 64 * 1024;

/** One field of a protobuf message. Its value lies at `start`, for fields with a length without that length. */
export interface WireField {
  number: number;
  wireType: number;
  /** Where its tag begins. */
  tagStart: number;
  start: number;
  end: number;
}

/** Reads the fields of protobuf messages in a source, without their contents. */
export interface WireReader {
  fields(start: number, end: number): Iterable<WireField>;
  bytes(start: number, end: number): Uint8Array;
}

/** Numbers of protobuf's wire format: https://protobuf.dev/programming-guides/encoding/ */
const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
export const WIRE_LENGTH = 2;
const WIRE_FIXED32 = 5;

/** @throws StarlingError `not-onnx`, `onnx-truncated` */
export function wireReader(source: ByteSource): WireReader {
  let window: Uint8Array = new Uint8Array();
  let windowStart = 0;
  const byteAt = (position: number): number => {
    if (position < windowStart || position >= windowStart + window.length) {
      if (position >= source.byteLength) source.read(position, 1);
      windowStart = position;
      window = source.read(position, Math.min(WINDOW_BYTES, source.byteLength - position));
    }
    return window[position - windowStart] as number;
  };
  let cursor = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = byteAt(cursor);
      cursor += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw notProtobuf('a number has more than ten bytes');
  };
  const lengthOf = (wireType: number): number => {
    if (wireType === WIRE_LENGTH) return varint();
    if (wireType === WIRE_FIXED64) return 8;
    if (wireType === WIRE_FIXED32) return 4;
    if (wireType !== WIRE_VARINT) throw notProtobuf(`wire type ${wireType}`);
    varint();
    return 0;
  };
  return {
    *fields(start, end) {
      for (let position = start; position < end; ) {
        cursor = position;
        const tag = varint();
        const number = Math.floor(tag / 8);
        if (number === 0) throw notProtobuf('a field has the number 0');
        const wireType = tag & 7;
        const length = lengthOf(wireType);
        const field = { number, wireType, tagStart: position, start: cursor, end: cursor + length };
        // A length beyond the message around it: of the file, then the file is cut; of an inner message, then it is damaged.
        if (field.end > source.byteLength) source.read(field.start, length);
        if (field.end > end) throw notProtobuf('a field is longer than the message that holds it');
        position = field.end;
        yield field;
      }
    },
    bytes: (start, end) => source.read(start, end - start),
  };
}

function notProtobuf(what: string): StarlingError {
  return new StarlingError('not-onnx', `not an ONNX file: ${what}`, { field: 'model', hint: 'upload a file in ONNX format (protobuf)' });
}

/** The header of a field that has a length. */
export function lengthHeader(number: number, length: number): Uint8Array {
  return Uint8Array.from([...varintBytes(number * 8 + WIRE_LENGTH), ...varintBytes(length)]);
}

function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}
