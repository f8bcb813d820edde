import {
  cborDecode,
  cborEncode,
  STREAM_MESSAGE_BYTES_MAXIMUM,
  STREAM_PIECE_BYTES_MAXIMUM,
  StarlingError,
  type StreamFrame,
  type StreamMessage,
  streamFrameSchema,
} from '@starling/shared';
import type { z } from 'zod';

/** @throws StarlingError `too-large` */
export function encodeMessage(message: StreamMessage): Uint8Array {
  const bytes = cborEncode(message);
  if (bytes.length <= STREAM_MESSAGE_BYTES_MAXIMUM) return bytes;
  throw new StarlingError('too-large', `${bytes.length} bytes for another machine, at most ${STREAM_MESSAGE_BYTES_MAXIMUM} are sent`, {
    hint: 'make the values of the cut edges smaller: scale, crop or encode them first',
  });
}

/** Pieces that fit into packets, in the order in which they are to be sent. */
export function framesOf(message: number, bytes: Uint8Array): Uint8Array[] {
  const count = Math.max(1, Math.ceil(bytes.length / STREAM_PIECE_BYTES_MAXIMUM));
  return Array.from({ length: count }, (_, index) => {
    const data = bytes.subarray(index * STREAM_PIECE_BYTES_MAXIMUM, (index + 1) * STREAM_PIECE_BYTES_MAXIMUM);
    return cborEncode({ message, index, count, data });
  });
}

export function decodeFrame(payload: Uint8Array): StreamFrame {
  return cborDecode(payload, streamFrameSchema);
}

/** Puts the messages of one sender together again. */
export interface Assembler<Message> {
  /** @returns the message whose last piece this was */
  receive(frame: StreamFrame): Message | undefined;
}

/** Pieces come in order or not at all; what lacks one is let go, and comes again when the two sides find that it is missing. */
export function createAssembler<Schema extends z.ZodType>(schema: Schema): Assembler<z.infer<Schema>> {
  let message: number | undefined;
  let pieces: Uint8Array[] = [];
  const forget = (): void => {
    message = undefined;
    pieces = [];
  };
  return {
    receive(frame) {
      const continues = frame.index > 0 && frame.message === message && frame.index === pieces.length;
      if (frame.index > 0 && !continues) {
        forget();
        return undefined;
      }
      if (frame.index === 0) pieces = [];
      message = frame.message;
      pieces.push(frame.data);
      if (pieces.length < frame.count) return undefined;
      const bytes = pieces.length === 1 ? frame.data : joined(pieces);
      forget();
      return cborDecode(bytes, schema);
    },
  };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
