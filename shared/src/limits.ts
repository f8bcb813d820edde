/**
 * Every bound of the wire and of stored documents, with its unit and reason. Their relations are asserted below, so that a change of
 * one that breaks another does not start.
 */
import { StarlingError } from './errors.ts';

/** Largest MQTT packet. EMQX refuses packets over 1 MB by default; some room stays for topic and header. */
export const PACKET_BYTES_MAXIMUM = 768 * 1024;
/** Largest JSON control message (reported state, results, presence). */
export const CONTROL_BYTES_MAXIMUM = 64 * 1024;
/** Largest answer to an operator: the result of a command, and around it what it answers. */
export const OPERATOR_RESULT_BYTES_MAXIMUM = CONTROL_BYTES_MAXIMUM + 4096;
/** Largest heartbeat or last will: the broker keeps a will for as long as its device is connected. */
export const PRESENCE_BYTES_MAXIMUM = 1024;
/** Largest desired state as sent: everything big in it is named by digest. */
export const DESIRED_STATE_BYTES_MAXIMUM = 8 * 1024;
/** Largest telemetry batch (CBOR). */
export const TELEMETRY_BATCH_BYTES_MAXIMUM = 128 * 1024;
/** Longest encoded value of a tapped edge. */
export const TAP_VALUE_BYTES_MAXIMUM = 256 * 1024;
/** Largest tap message (CBOR): a value, and what it belongs to. */
export const TAP_MESSAGE_BYTES_MAXIMUM = TAP_VALUE_BYTES_MAXIMUM + 8 * 1024;
/** Ports that one tap may watch. */
export const TAP_EDGES_MAXIMUM = 16;
/** Longest life of a tap: nobody is watched for good because somebody forgot. */
export const TAP_DURATION_MS_MAXIMUM = 600_000;
/** Taps that a device runs at once. */
export const TAPS_MAXIMUM = 8;
/** Edges of a pipeline whose figures one record of telemetry holds. */
export const EDGE_FIGURES_MAXIMUM = 128;
/** Spans of one trace: source, queue, sinks, and as many nodes as there is room for. */
export const TRACE_SPANS_MAXIMUM = 128;
/** Piece of a message between parts of a pipeline: several fit into a socket buffer, and it fits into a packet with room for its frame. */
export const STREAM_PIECE_BYTES_MAXIMUM = 512 * 1024;
/** Largest message between parts of a pipeline: a picture of 16 megapixels, uncompressed. */
export const STREAM_MESSAGE_BYTES_MAXIMUM = 64 * 1024 * 1024;
/** Items of one stream that may be unanswered: a round trip is filled, and little is repeated when a machine ends. */
export const STREAM_WINDOW_MAXIMUM = 8;
/** Bytes that the broker holds for one device of what other devices send to it: beyond, pieces are let go, and sent again. */
export const STREAM_RELAY_BYTES_MAXIMUM = 2 * STREAM_MESSAGE_BYTES_MAXIMUM;
/** A device that runs parts for others is replaced when it was silent for this long and another is there. */
export const WORKER_ABSENCE_MS = 30_000;
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
/** Largest chunk frame: compression that does not save is not used, so a payload is never longer than its chunk. */
export const CHUNK_FRAME_BYTES_MAXIMUM = CHUNK_FRAME_HEADER_BYTES + CHUNK_BYTES_MAXIMUM;

/** Entries of one manifest page; a larger blob has a tree of pages. */
export const MANIFEST_CHUNKS_MAXIMUM = 2000;
/** A manifest entry in CBOR: 32 bytes of digest, its size and their heads. */
export const MANIFEST_ENTRY_BYTES_MAXIMUM = 48;
/** Largest blob, such as the weights of a model that are kept beside it: ONNX files themselves end at 2 GB (protobuf). */
export const BLOB_BYTES_MAXIMUM = 16 * 1024 ** 3;
/** Parts of a blob, such as tensors, that get chunks of their own. Where there are more, the largest do. */
export const BLOB_REGIONS_MAXIMUM = 60_000;
/** Chunks of one blob: what the largest blob with the most regions is cut into, however its bytes look. */
export const BLOB_CHUNKS_MAXIMUM = 400_000;
/** Pages of the tree of one manifest: bounds what a device reads before it knows that a manifest is wrong. */
export const MANIFEST_PAGES_MAXIMUM = 200;

/** Chunks in one `blob/want`: the message stays far below the control limit. */
export const WANT_CHUNKS_MAXIMUM = 256;
/** Chunks that one device may have asked for and not got. What it asks beyond is dropped, so it has to ask for that again. */
export const PULL_QUEUE_CHUNKS_MAXIMUM = 1024;
/** Bytes of frames that a device may have under way. Eight maximal chunks keep a LAN busy, and bound what a stalled reader holds. */
export const PULL_WINDOW_BYTES = 4 * 1024 * 1024;
/** Smallest window: with less, the largest frame could never be sent. */
export const PULL_WINDOW_BYTES_MINIMUM = CHUNK_FRAME_HEADER_BYTES + CHUNK_BYTES_MAXIMUM;

/** A device that was silent for this long counts as offline; heartbeats come three times as often. */
export const PRESENCE_TIMEOUT_MS = 45_000;
export const PRESENCE_INTERVAL_MS = 15_000;
/** A device starts its session anew at most this often, however often the fleet asks. */
export const GREET_INTERVAL_MS = 2_000;
/** Life of a broker password. */
export const BROKER_LOGIN_MS = 3_600_000;
/** Life of a login nonce. */
export const NONCE_MS = 120_000;
/** A desired state may be adopted for this long after it was signed. */
export const DESIRED_STATE_LIFE_MS = 14 * 86_400_000;

/** Pipelines of one release: each has a queue and a graph of its own in the memory of a device. */
export const PIPELINES_MAXIMUM = 16;

/** Largest encoded image that `infer` takes through the fleet. */
export const INFER_INPUT_BYTES_MAXIMUM = 20 * 1024 * 1024;
/** What a command makes that is too large for its result: a device holds it in memory while it sends it. */
export const UPLOAD_BYTES_MAXIMUM = 16 * 1024 * 1024;
/** One part of it; parts under way hold nothing else up for long on a slow link. */
export const UPLOAD_PIECE_BYTES_MAXIMUM = 64 * 1024;
export const UPLOAD_WINDOW_PIECES = 4;
/** Values of edges that one capture keeps on the disk of a device. */
export const CAPTURE_BYTES_MAXIMUM = UPLOAD_BYTES_MAXIMUM - 64 * 1024;
export const CAPTURE_ITEMS_MAXIMUM = 10_000;
/** Longest capture: a day with its night. */
export const CAPTURE_DURATION_MS_MAXIMUM = 86_400_000;
/** What all captures of a device may take on its disk. */
export const CAPTURES_DISK_BYTES_MAXIMUM = 64 * 1024 * 1024;
/** Largest ONNX file: protobuf cannot hold more than 2 GiB. */
export const MODEL_BYTES_MAXIMUM = 2 * 1024 ** 3 - 1;

/** Files in the archive of a calibration or evaluation set: zip holds 65,535 without its 64-bit extension, and builds use far fewer. */
export const DATASET_FILES_MAXIMUM = 20_000;
/** Largest archive of a data set: below the 4 GiB where zip needs its 64-bit extension, and it is uploaded like a model. */
export const DATASET_BYTES_MAXIMUM = 2 * 1024 ** 3 - 1;
/** What an archive may unpack to. Attack: some kilobytes that fill the disk of the fleet. */
export const DATASET_UNPACKED_BYTES_MAXIMUM = 8 * 1024 ** 3;
/** Largest single file of a data set: one sample is in memory at a time. */
export const DATASET_FILE_BYTES_MAXIMUM = 256 * 1024 ** 2;
/** Lines of log that are kept of one build; the oldest go first. */
export const BUILD_LOG_LINES_MAXIMUM = 1000;

/** Length of one expression in a graph: longer logic belongs in a script, which has a bound on its time. */
export const EXPRESSION_CHARACTERS_MAXIMUM = 2000;
/** Parts of one expression, after parsing. */
export const EXPRESSION_NODES_MAXIMUM = 256;
/** Parts of one expression that run for each item of a list, and how deep they may stand in each other: expressions have no clock. */
export const EXPRESSION_COMPREHENSIONS_MAXIMUM = 4;
export const EXPRESSION_NESTED_COMPREHENSIONS_MAXIMUM = 2;
/** Elements of a tensor that an expression sees. */
export const EXPRESSION_TENSOR_ELEMENTS_MAXIMUM = 1024;
/** Parts of a selector when all groups inside it are spread out: a database plans each of them. */
export const SELECTOR_PARTS_MAXIMUM = 2048;
/** Nodes of a pipeline when all pipelines inside it are spread out. Attack: ten pipelines of ten nodes, each the next one. */
export const EXPANDED_NODES_MAXIMUM = 1024;

const relations: readonly [string, boolean][] = [
  ['a chunk fits into a packet', CHUNK_FRAME_BYTES_MAXIMUM + 1024 <= PACKET_BYTES_MAXIMUM],
  ['a manifest page fits into a chunk', MANIFEST_CHUNKS_MAXIMUM * MANIFEST_ENTRY_BYTES_MAXIMUM + 1024 <= CHUNK_BYTES_MAXIMUM],
  ['the pages of a manifest hold all its chunks', MANIFEST_PAGES_MAXIMUM * MANIFEST_CHUNKS_MAXIMUM >= BLOB_CHUNKS_MAXIMUM],
  [
    'the largest blob has no more chunks than a manifest holds',
    // A chunk is shorter than a quarter of the mean only where a region starts or ends.
    BLOB_BYTES_MAXIMUM / (CHUNK_BYTES_MEAN_MAXIMUM / 4) + 2 * BLOB_REGIONS_MAXIMUM + 1 <= BLOB_CHUNKS_MAXIMUM,
  ],
  ['the largest mean leaves room for longer chunks', 2 * CHUNK_BYTES_MEAN_MAXIMUM <= CHUNK_BYTES_MAXIMUM],
  ['a capture fits into an upload, with its manifest', CAPTURE_BYTES_MAXIMUM + 32 * 1024 <= UPLOAD_BYTES_MAXIMUM],
  ['a signed document fits into a chunk', DOCUMENT_BYTES_MAXIMUM <= CHUNK_BYTES_MAXIMUM],
  ['a telemetry batch fits into a packet', TELEMETRY_BATCH_BYTES_MAXIMUM + 1024 <= PACKET_BYTES_MAXIMUM],
  ['a tap message fits into a packet', TAP_MESSAGE_BYTES_MAXIMUM + 1024 <= PACKET_BYTES_MAXIMUM],
  ['a piece of a stream fits into a packet', STREAM_PIECE_BYTES_MAXIMUM + 2048 <= PACKET_BYTES_MAXIMUM],
  ['the pull window holds several chunks', PULL_WINDOW_BYTES >= 4 * CHUNK_BYTES_MAXIMUM],
  ['several wants fit into the queue of a device', PULL_QUEUE_CHUNKS_MAXIMUM >= 4 * WANT_CHUNKS_MAXIMUM],
  ['heartbeats come before the timeout', 2 * PRESENCE_INTERVAL_MS < PRESENCE_TIMEOUT_MS],
  ['a want is a small message', WANT_CHUNKS_MAXIMUM * 40 + 256 <= CONTROL_BYTES_MAXIMUM],
  ['the files of a data set fit into a plain zip archive', DATASET_FILES_MAXIMUM < 65_535 && DATASET_BYTES_MAXIMUM < 2 ** 32],
];
for (const [statement, holds] of relations) {
  if (!holds) throw new StarlingError('limits-contradict', `limits contradict each other: ${statement}`);
}
