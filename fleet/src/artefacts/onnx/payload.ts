import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StarlingError } from '@starling/shared';

/** Bytes of a tensor that are not held in memory: a part of a file, or what a function makes when it is asked. */
export interface Payload {
  readonly byteLength: number;
  /** All of them, at once. Each call reads or computes them again. */
  bytes(): Uint8Array;
  /** The same, a piece at a time: a piece is only good until the next one is asked for. */
  pieces(): Iterable<Uint8Array>;
}

/** Something with bytes at offsets. */
export interface ByteSource {
  readonly byteLength: number;
  /** @throws StarlingError `onnx-truncated` if there are not so many bytes */
  read(offset: number, length: number): Uint8Array;
  /** Fills bytes that are there already. */
  readInto(bytes: Uint8Array, offset: number): void;
}

export interface FileSource extends ByteSource {
  close(): void;
}

const PIECE_BYTES = 4 * 1024 ** 2;

/** Opens a file for reading at any place. Reads are synchronous: models are changed in processes of their own. */
export function openFileSource(file: string): FileSource {
  const handle = openSync(file, 'r');
  const byteLength = fstatSync(handle).size;
  return {
    byteLength,
    read(offset, length) {
      requireInside(offset, length, byteLength);
      const bytes = Buffer.allocUnsafeSlow(length);
      readInto(handle, bytes, offset);
      return bytes;
    },
    readInto(bytes, offset) {
      requireInside(offset, bytes.length, byteLength);
      readInto(handle, bytes, offset);
    },
    close: () => closeSync(handle),
  };
}

/** A part of a source, left there. */
export function regionPayload(source: ByteSource, offset: number, byteLength: number): Payload {
  return {
    byteLength,
    bytes: () => source.read(offset, byteLength),
    *pieces() {
      const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, byteLength));
      for (let at = 0; at < byteLength; at += PIECE_BYTES) {
        const piece = buffer.subarray(0, Math.min(PIECE_BYTES, byteLength - at));
        source.readInto(piece, offset + at);
        yield piece;
      }
    },
  };
}

/** Bytes that are made when they are needed, and forgotten again. */
export function computedPayload(byteLength: number, make: () => Uint8Array): Payload {
  const bytes = (): Uint8Array => {
    const made = make();
    if (made.length !== byteLength) {
      throw new StarlingError('tensor-size', `${made.length} bytes were made for a tensor of ${byteLength}`, { field: 'tensor' });
    }
    return made;
  };
  return {
    byteLength,
    bytes,
    *pieces() {
      yield bytes();
    },
  };
}

function requireInside(offset: number, length: number, byteLength: number): void {
  if (offset + length <= byteLength) return;
  throw new StarlingError('onnx-truncated', `${length} bytes are expected at ${offset}, the file ends at ${byteLength}`, {
    field: 'model',
    hint: 'the file ends too early: upload it again',
  });
}

function readInto(handle: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(handle, bytes, done, Math.min(bytes.length - done, 2 ** 30), offset + done);
    if (count === 0) requireInside(offset, bytes.length, offset + done);
    done += count;
  }
}
