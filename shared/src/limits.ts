/**
 * Every bound of the wire and of stored documents, with its unit and reason. Their relations are asserted below, so that a change of
 * one that breaks another does not start.
 */
import { StarlingError } from './errors.ts';

/** Largest MQTT packet. EMQX refuses packets over 1 MB by default; some room stays for topic and header. */
export const PACKET_BYTES_MAXIMUM = 768 * 1024;
/** Largest JSON control message (reported state, results, presence). */
export const CONTROL_BYTES_MAXIMUM = 64 * 1024;
/** Largest desired state as sent: everything big in it is named by digest. */
export const DESIRED_STATE_BYTES_MAXIMUM = 8 * 1024;
/** Largest telemetry batch (CBOR). */
export const TELEMETRY_BATCH_BYTES_MAXIMUM = 128 * 1024;
/** Largest signed root document. */
export const ROOT_BYTES_MAXIMUM = 64 * 1024;
/** Largest signed release, pipeline, model version or artefact manifest: one chunk. */
export const DOCUMENT_BYTES_MAXIMUM = 512 * 1024;

/** Largest chunk before compression. */
export const CHUNK_BYTES_MAXIMUM = 512 * 1024;
/** Mean chunk of a blob: size / 256, within these two. Small blobs get small chunks so that a changed tensor costs little. */
export const CHUNK_BYTES_MEAN_MINIMUM = 8 * 1024;
export const CHUNK_BYTES_MEAN_MAXIMUM = 256 * 1024;
/** Bytes of a chunk frame before its payload. */
export const CHUNK_FRAME_HEADER_BYTES = 44;

/** Entries of one manifest page; a larger blob has a tree of pages. */
export const MANIFEST_CHUNKS_MAXIMUM = 2000;
/** A manifest entry in CBOR: 32 bytes of digest, its size and their heads. */
export const MANIFEST_ENTRY_BYTES_MAXIMUM = 48;
/** Largest blob: ONNX files end at 2 GB (protobuf); there is room for what comes. */
export const BLOB_BYTES_MAXIMUM = 16 * 1024 ** 3;

/** Chunks in one `blob/want`: the message stays far below the control limit. */
export const WANT_CHUNKS_MAXIMUM = 256;
/** Bytes of chunks that a device may have under way. Three maximal chunks in flight keep a LAN busy, and bound what a stalled reader holds. */
export const PULL_WINDOW_BYTES = 4 * 1024 * 1024;

/** A device that was silent for this long counts as offline; heartbeats come three times as often. */
export const PRESENCE_TIMEOUT_MS = 45_000;
export const PRESENCE_INTERVAL_MS = 15_000;
/** Life of a broker password. */
export const BROKER_LOGIN_MS = 3_600_000;
/** Life of a login nonce. */
export const NONCE_MS = 120_000;
/** A desired state may be adopted for this long after it was signed. */
export const DESIRED_STATE_LIFE_MS = 14 * 86_400_000;

/** Largest encoded image that `infer` takes through the fleet. */
export const INFER_INPUT_BYTES_MAXIMUM = 20 * 1024 * 1024;
/** Largest ONNX file: protobuf cannot hold more than 2 GiB. */
export const MODEL_BYTES_MAXIMUM = 2 * 1024 ** 3 - 1;

const relations: readonly [string, boolean][] = [
  ['a chunk fits into a packet', CHUNK_BYTES_MAXIMUM + CHUNK_FRAME_HEADER_BYTES + 1024 <= PACKET_BYTES_MAXIMUM],
  ['a manifest page fits into a chunk', MANIFEST_CHUNKS_MAXIMUM * MANIFEST_ENTRY_BYTES_MAXIMUM + 1024 <= CHUNK_BYTES_MAXIMUM],
  ['a signed document fits into a chunk', DOCUMENT_BYTES_MAXIMUM <= CHUNK_BYTES_MAXIMUM],
  ['a telemetry batch fits into a packet', TELEMETRY_BATCH_BYTES_MAXIMUM + 1024 <= PACKET_BYTES_MAXIMUM],
  ['the pull window holds several chunks', PULL_WINDOW_BYTES >= 4 * CHUNK_BYTES_MAXIMUM],
  ['heartbeats come before the timeout', 2 * PRESENCE_INTERVAL_MS < PRESENCE_TIMEOUT_MS],
  ['a want is a small message', WANT_CHUNKS_MAXIMUM * 40 + 256 <= CONTROL_BYTES_MAXIMUM],
];
for (const [statement, holds] of relations) {
  if (!holds) throw new StarlingError('limits-contradict', `limits contradict each other: ${statement}`);
}
