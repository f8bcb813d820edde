import { bytesToHex, hexToBytes } from '../digest.ts';
import { StarlingError } from '../errors.ts';
import { CHUNK_BYTES_MAXIMUM, CHUNK_FRAME_HEADER_BYTES } from '../limits.ts';

/**
 * A frame on `blob/chunk`, big-endian:
 *
 * | bytes | what |
 * |---|---|
 * | 0 | version, 1 |
 * | 1 | kind: 0 stored as it is, 1 deflate-raw (RFC 1951), 2 missing: the fleet does not have it or may not give it |
 * | 2-3 | 0 |
 * | 4-7 | number of the want that it answers |
 * | 8-39 | SHA-256 of the raw chunk |
 * | 40-43 | length of the raw chunk in bytes; 0 if missing |
 * | 44- | payload; none if missing, shorter than the raw chunk if compressed |
 */
export type ChunkFrame =
  | { kind: 'chunk'; want: number; digest: string; sizeBytes: number; compressed: boolean; payload: Uint8Array }
  | { kind: 'missing'; want: number; digest: string };

const VERSION = 1;

export function encodeChunkFrame(frame: ChunkFrame): Uint8Array {
  const payload = frame.kind === 'chunk' ? frame.payload : new Uint8Array(0);
  const bytes = new Uint8Array(CHUNK_FRAME_HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, frame.kind === 'missing' ? 2 : frame.compressed ? 1 : 0);
  view.setUint32(4, frame.want);
  bytes.set(hexToBytes(frame.digest), 8);
  view.setUint32(40, frame.kind === 'chunk' ? frame.sizeBytes : 0);
  bytes.set(payload, CHUNK_FRAME_HEADER_BYTES);
  return bytes;
}

/**
 * Reads a frame; the payload is a view into `bytes`. The digest is not checked here: the bytes may still be compressed.
 * @throws StarlingError `invalid-frame`
 */
export function decodeChunkFrame(bytes: Uint8Array): ChunkFrame {
  if (bytes.length < CHUNK_FRAME_HEADER_BYTES) throw invalid(`it has ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== VERSION) throw invalid(`its version is ${view.getUint8(0)}`);
  const kind = view.getUint8(1);
  if (kind > 2) throw invalid(`its kind is ${kind}`);
  if (view.getUint16(2) !== 0) throw invalid('bytes that must be 0 are not');
  const want = view.getUint32(4);
  const digest = bytesToHex(bytes.subarray(8, 40));
  const sizeBytes = view.getUint32(40);
  const payload = bytes.subarray(CHUNK_FRAME_HEADER_BYTES);
  if (kind === 2) {
    if (sizeBytes !== 0 || payload.length !== 0) throw invalid('it says that a chunk is missing, and brings bytes');
    return { kind: 'missing', want, digest };
  }
  // Attack: endless data. The raw size bounds what a decompressor may produce.
  if (sizeBytes === 0 || sizeBytes > CHUNK_BYTES_MAXIMUM) throw invalid(`it claims ${sizeBytes} raw bytes`);
  const compressed = kind === 1;
  if (!compressed && payload.length !== sizeBytes) throw invalid(`it has ${payload.length} bytes instead of ${sizeBytes}`);
  if (compressed && (payload.length === 0 || payload.length >= sizeBytes))
    throw invalid(`it has ${payload.length} compressed bytes for ${sizeBytes} raw ones`);
  return { kind: 'chunk', want, digest, sizeBytes, compressed, payload };
}

function invalid(reason: string): StarlingError {
  return new StarlingError('invalid-frame', `not a chunk frame: ${reason}`);
}
