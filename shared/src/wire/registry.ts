import type { z } from 'zod';
import { desiredStateSchema } from '../documents/desired-state.ts';
import { reportedStateSchema } from '../documents/reported-state.ts';
import {
  CHUNK_FRAME_BYTES_MAXIMUM,
  CONTROL_BYTES_MAXIMUM,
  DESIRED_STATE_BYTES_MAXIMUM,
  OPERATOR_RESULT_BYTES_MAXIMUM,
  PRESENCE_BYTES_MAXIMUM,
  STREAM_PIECE_BYTES_MAXIMUM,
  TAP_MESSAGE_BYTES_MAXIMUM,
  TELEMETRY_BATCH_BYTES_MAXIMUM,
  UPLOAD_PIECE_BYTES_MAXIMUM,
} from '../limits.ts';
import { wantSchema } from './blob-transfer.ts';
import { commandResultSchema, commandSchema } from './command.ts';
import { greetSchema, helloSchema, presenceSchema } from './hello.ts';
import { operatorRequestSchema, operatorResultSchema } from './operator.ts';
import { streamFrameSchema } from './stream.ts';
import { tapMessageSchema } from './tap.ts';
import { acknowledgementSchema, telemetryBatchSchema } from './telemetry.ts';
import { uploadedSchema, uploadPieceSchema } from './upload.ts';

export type Direction = 'device-to-fleet' | 'fleet-to-device' | 'device-to-device' | 'operator-to-fleet' | 'fleet-to-operator';

/** How the bytes of a message are made. `jws` is a compact JWS whose payload has the schema; `frame` a chunk frame. */
export type Encoding = 'json' | 'cbor' | 'jws' | 'frame';

export interface WireMessage {
  /** Topic below the root; `{x}` stands for one segment. */
  pattern: string;
  direction: Direction;
  qos: 0 | 1;
  retain: boolean;
  encoding: Encoding;
  /** Longest payload; a receiver refuses a longer one before it looks inside. */
  maximumBytes: number;
  /** Absent for frames, whose layout is binary and documented in words. */
  schema?: z.ZodType;
  summary: string;
}

/**
 * Every message on the wire. Topics, subscriptions, the broker's access rules, the AsyncAPI document and the isolation test are
 * derived from this table; nothing else spells a topic.
 */
export const wireTable = {
  hello: {
    pattern: 'd/{device}/hello',
    direction: 'device-to-fleet',
    qos: 1,
    retain: false,
    encoding: 'json',
    maximumBytes: CONTROL_BYTES_MAXIMUM,
    schema: helloSchema,
    summary: 'Starts a session; the fleet answers with desired state, open commands and acknowledgements',
  },
  presence: {
    pattern: 'd/{device}/presence',
    direction: 'device-to-fleet',
    qos: 0,
    retain: false,
    encoding: 'json',
    maximumBytes: PRESENCE_BYTES_MAXIMUM,
    schema: presenceSchema,
    summary: 'Heartbeat and last will',
  },
  greet: {
    pattern: 'd/{device}/greet',
    direction: 'fleet-to-device',
    qos: 1,
    retain: false,
    encoding: 'json',
    maximumBytes: PRESENCE_BYTES_MAXIMUM,
    schema: greetSchema,
    summary: 'Asks for a new hello in the same connection: what was sent before may not have been heard',
  },
  desired: {
    pattern: 'd/{device}/desired',
    direction: 'fleet-to-device',
    qos: 1,
    retain: false,
    encoding: 'jws',
    maximumBytes: DESIRED_STATE_BYTES_MAXIMUM,
    schema: desiredStateSchema,
    summary: 'Signed desired state, ordered by (epoch, generation)',
  },
  reported: {
    pattern: 'd/{device}/reported',
    direction: 'device-to-fleet',
    qos: 1,
    retain: false,
    encoding: 'json',
    maximumBytes: CONTROL_BYTES_MAXIMUM,
    schema: reportedStateSchema,
    summary: 'Where the device stands with its desired state',
  },
  command: {
    pattern: 'd/{device}/command/{name}',
    direction: 'fleet-to-device',
    qos: 1,
    retain: false,
    encoding: 'jws',
    maximumBytes: CONTROL_BYTES_MAXIMUM,
    schema: commandSchema,
    summary: 'A signed command',
  },
  result: {
    pattern: 'd/{device}/result/{id}',
    direction: 'device-to-fleet',
    qos: 1,
    retain: false,
    encoding: 'json',
    maximumBytes: CONTROL_BYTES_MAXIMUM,
    schema: commandResultSchema,
    summary: 'Progress and result of a command',
  },
  blobWant: {
    pattern: 'd/{device}/blob/want',
    direction: 'device-to-fleet',
    qos: 1,
    retain: false,
    encoding: 'cbor',
    maximumBytes: CONTROL_BYTES_MAXIMUM,
    schema: wantSchema,
    summary: 'Asks for chunks, with credit for the bytes that may be under way',
  },
  blobChunk: {
    pattern: 'd/{device}/blob/chunk',
    direction: 'fleet-to-device',
    qos: 0,
    retain: false,
    encoding: 'frame',
    maximumBytes: CHUNK_FRAME_BYTES_MAXIMUM,
    summary: 'One chunk, or the answer that it is missing',
  },
  telemetry: {
    pattern: 'd/{device}/telemetry/{kind}',
    direction: 'device-to-fleet',
    qos: 1,
    retain: false,
    encoding: 'cbor',
    maximumBytes: TELEMETRY_BATCH_BYTES_MAXIMUM,
    schema: telemetryBatchSchema,
    summary: 'A batch of telemetry records of one kind',
  },
  tap: {
    pattern: 'd/{device}/tap/{id}',
    direction: 'device-to-fleet',
    qos: 0,
    retain: false,
    encoding: 'cbor',
    maximumBytes: TAP_MESSAGE_BYTES_MAXIMUM,
    schema: tapMessageSchema,
    summary: 'A value of an edge that is being watched, or the end of that',
  },
  upload: {
    pattern: 'd/{device}/upload/{id}',
    direction: 'device-to-fleet',
    qos: 1,
    retain: false,
    encoding: 'cbor',
    maximumBytes: UPLOAD_PIECE_BYTES_MAXIMUM + CONTROL_BYTES_MAXIMUM,
    schema: uploadPieceSchema,
    summary: 'A part of what a command makes that is too large for its result',
  },
  uploaded: {
    pattern: 'd/{device}/uploaded/{id}',
    direction: 'fleet-to-device',
    qos: 1,
    retain: false,
    encoding: 'json',
    maximumBytes: CONTROL_BYTES_MAXIMUM,
    schema: uploadedSchema,
    summary: 'How much of an upload has arrived',
  },
  acknowledgement: {
    pattern: 'd/{device}/ack/{kind}',
    direction: 'fleet-to-device',
    // One that is lost costs a batch that comes again, after the spool's own time or with the next hello; answered, each would cost a packet more.
    qos: 0,
    retain: false,
    encoding: 'json',
    maximumBytes: CONTROL_BYTES_MAXIMUM,
    schema: acknowledgementSchema,
    summary: 'Highest contiguous sequence that the database holds',
  },
  stream: {
    pattern: 'stream/{pipeline}/{part}/{from}/{to}',
    direction: 'device-to-device',
    qos: 1,
    retain: false,
    encoding: 'cbor',
    maximumBytes: STREAM_PIECE_BYTES_MAXIMUM + 1024,
    schema: streamFrameSchema,
    summary: 'Values of a cut edge, between two devices one of which the fleet has named to the other in its signed desired state',
  },
  operatorCommand: {
    pattern: 'operator/{account}/command/{name}',
    direction: 'operator-to-fleet',
    qos: 1,
    retain: false,
    encoding: 'json',
    maximumBytes: CONTROL_BYTES_MAXIMUM,
    schema: operatorRequestSchema,
    summary: 'A command from the MQTT tools of a person: the fleet asks for their role, audits, signs and relays it',
  },
  operatorResult: {
    pattern: 'operator/{account}/result/{id}',
    direction: 'fleet-to-operator',
    qos: 1,
    retain: false,
    encoding: 'json',
    maximumBytes: OPERATOR_RESULT_BYTES_MAXIMUM,
    schema: operatorResultSchema,
    summary: 'Each step of such a command, or why it was refused',
  },
} as const satisfies Record<string, WireMessage>;

export type MessageName = keyof typeof wireTable;
export const messageNames = Object.keys(wireTable) as MessageName[];
