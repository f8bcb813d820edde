/** A topic and bytes from a device -> parsed and checked -> the module that it concerns. */
import {
  type Acknowledgement,
  cborDecode,
  commandResultSchema,
  type Greet,
  helloSchema,
  jsonDecode,
  jsonEncode,
  type MessageName,
  messageOf,
  presenceSchema,
  reportedStateSchema,
  type TelemetryKind,
  tapMessageSchema,
  telemetryBatchSchema,
  telemetryKindSchema,
  type Uploaded,
  uploadPieceSchema,
  wantSchema,
  wireTable,
} from '@starling/shared';
import type { ChunkServer } from '../../blobs/index.ts';
import type { Commands } from '../../commands/index.ts';
import type { DesiredStates } from '../../desired-state/index.ts';
import type { Devices } from '../../devices/index.ts';
import type { Log } from '../../ports.ts';
import type { Taps } from '../../taps/index.ts';
import type { Ingest } from '../../telemetry/index.ts';
import type { UploadReceiver } from '../../uploads/index.ts';
import type { DeviceTopics } from '../broker.ts';
import { storable } from './storable.ts';

export interface InboundPorts {
  topics: Pick<DeviceTopics, 'build' | 'parse'>;
  log: Log;
  devices: Devices;
  desiredStates: DesiredStates;
  commands: Commands;
  ingest: Ingest;
  chunks: ChunkServer;
  taps: Taps;
  uploads: UploadReceiver;
  /** A device says that it goes, or its last will does. */
  left(device: string): void;
  send(device: string, topic: string, payload: Uint8Array, qos: 0 | 1): Promise<boolean>;
}

type Handler = (device: string, payload: Uint8Array, params: Record<string, string>, ports: InboundPorts) => Promise<void> | void;

/** Messages that a device sends; the others are refused before they come here. */
type InboundName = Extract<MessageName, 'hello' | 'presence' | 'reported' | 'result' | 'blobWant' | 'telemetry' | 'tap' | 'upload'>;

const handlers: Record<InboundName, Handler> = {
  async hello(device, payload, _params, ports) {
    const hello = storable(jsonDecode(payload, helloSchema));
    // Before anything is awaited: a want that follows at once belongs to the new session.
    ports.chunks.forget(device);
    await ports.devices.sayHello(device, hello);
    const desired = await ports.desiredStates.signed(device);
    if (desired !== undefined) await ports.send(device, ports.topics.build('desired', { device }), new TextEncoder().encode(desired), 1);
    for (const { kind, acknowledgement } of await ports.ingest.acknowledged(device, hello.streamId))
      await acknowledge(device, kind, acknowledgement, ports);
    await ports.commands.resend(device);
  },
  presence(device, payload, _params, ports) {
    const isOnline = jsonDecode(payload, presenceSchema).state === 'online';
    if (isOnline) askForMissedHello(device, ports);
    ports.devices.seen(device, isOnline);
    if (!isOnline) ports.left(device);
  },
  reported: (device, payload, _params, ports) => ports.devices.report(device, storable(jsonDecode(payload, reportedStateSchema))),
  result: (device, payload, _params, ports) => ports.commands.result(device, storable(jsonDecode(payload, commandResultSchema))),
  blobWant(device, payload, _params, ports) {
    ports.chunks.want(device, cborDecode(payload, wantSchema));
  },
  tap(device, payload, params, ports) {
    // A device that sends what nobody asked for, or asks for no longer, costs nothing but this.
    if (!ports.taps.expects(device, params.id ?? '')) return;
    const message = cborDecode(payload, tapMessageSchema);
    if (message.tap === params.id) ports.taps.receive(device, message);
  },
  async upload(device, payload, params, ports) {
    const id = params.id ?? '';
    const receivedBytes = await ports.uploads.receive(device, id, cborDecode(payload, uploadPieceSchema));
    if (receivedBytes === undefined) return;
    const answer = jsonEncode({ receivedBytes } satisfies Uploaded);
    await ports.send(device, ports.topics.build('uploaded', { device, id }), answer, 1);
  },
  async telemetry(device, payload, params, ports) {
    const kind = telemetryKindSchema.parse(params.kind);
    const acknowledgement = await ports.ingest.add(device, kind, storable(cborDecode(payload, telemetryBatchSchema)), payload.length);
    // More came than the database takes, or the device has sent it again meanwhile: what is not acknowledged stays in its spool.
    if (acknowledgement === undefined) return;
    await acknowledge(device, kind, acknowledgement, ports);
  },
};

function acknowledge(device: string, kind: TelemetryKind, acknowledgement: Acknowledgement, ports: InboundPorts): Promise<boolean> {
  const topic = ports.topics.build('acknowledgement', { device, kind });
  return ports.send(device, topic, jsonEncode(acknowledgement), wireTable.acknowledgement.qos);
}

export interface Inbound {
  receive(device: string, topic: string, payload: Uint8Array): Promise<void>;
  /** Messages that were refused, by the code of the reason. */
  refusals(): Readonly<Record<string, number>>;
}

/** Presence may be its end; taps are heard by whoever has asked for them, also where another process hears the device. */
const tellsOfHello: readonly InboundName[] = ['reported', 'result', 'blobWant', 'telemetry', 'upload'];

/**
 * A device that speaks, and of which this process has heard no hello, said it while nobody listened: between two processes, or to a broker
 * that the fleet had lost. Without one it is not told what it should run.
 */
function askForMissedHello(device: string, { devices, topics, send }: InboundPorts): void {
  if (devices.isHeard(device)) return;
  // Counts as heard from here on: it is asked once.
  devices.seen(device, true);
  const greet: Greet = { reason: 'unheard' };
  send(device, topics.build('greet', { device }), jsonEncode(greet), wireTable.greet.qos).catch(() => undefined);
}

/** A bad message is counted and told; it never reaches a module, and never ends the fleet. */
export function createInbound(ports: InboundPorts): Inbound {
  const refused: Record<string, number> = {};
  const refuse = (device: string, message: string, reason: string): void => {
    refused[message] = (refused[message] ?? 0) + 1;
    ports.log.warn({ device, message, reason }, 'a message was refused');
  };
  return {
    async receive(device, topic, payload) {
      const parsed = ports.topics.parse(topic);
      if (parsed === undefined || !(parsed.name in handlers) || parsed.params.device !== device)
        return refuse(device, topic, 'not a topic of this device');
      const name = parsed.name as InboundName;
      const { maximumBytes } = wireTable[name];
      if (payload.length > maximumBytes) return refuse(device, name, `${payload.length} bytes, at most ${maximumBytes}`);
      try {
        if (tellsOfHello.includes(name)) askForMissedHello(device, ports);
        await handlers[name](device, payload, parsed.params, ports);
      } catch (error) {
        refuse(device, name, messageOf(error));
      }
    },
    refusals: () => refused,
  };
}
