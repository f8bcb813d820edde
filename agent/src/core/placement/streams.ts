import { homeMessageSchema, makeRandomId, workerMessageSchema } from '@starling/shared';
import { z } from 'zod';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { PlacementState } from '../ports/runtime-host.ts';
import { createHomeStream, type HomeStream, type HomeStreamPorts, type Peer } from './home-stream.ts';
import { type Assembler, createAssembler, decodeFrame, framesOf } from './messages.ts';
import { createWorkerStreams, type OpenPart, type PartOf, type StreamTopic } from './worker-streams.ts';

export interface StreamsPorts {
  clock: Clock;
  random: Random;
  /** Takes a piece to the device that it is for; what is lost on the way is sent again. */
  emit(to: string, topic: StreamTopic, payload: Uint8Array): void;
  /** @throws StarlingError `no-release`, `unknown-part` */
  openPart(home: string, about: PartOf): OpenPart;
}

/** All cut edges of a runtime host: of parts that run elsewhere for it, and of those that it runs for others. */
export interface PartStreams {
  /** Who runs which place now, and whether there is a connection at all. */
  setPlacement(state: PlacementState): void;
  /** @throws StarlingError `invalid-message`, `invalid-cbor` */
  receive(from: string, topic: StreamTopic, payload: Uint8Array): void;
  openHome(about: HomeStreamPorts['about'], patienceMs: number): HomeStream;
  releaseGone(release: string): void;
  /** The release by which parts of a pipeline were last run here for a device. */
  releaseOf(home: string, pipeline: string): string | undefined;
}

const streamMessageSchema = z.discriminatedUnion('kind', [...homeMessageSchema.options, ...workerMessageSchema.options]);

/** Devices whose messages are being put together; the one that was silent for longest goes first. */
const SENDERS_MAXIMUM = 4096;

export function createPartStreams(ports: StreamsPorts): PartStreams {
  const homes = new Map<string, HomeStream>();
  const senders = new Map<string, Assembler<z.infer<typeof streamMessageSchema>>>();
  let placement: PlacementState = { isOnline: false, workers: {}, grant: '' };
  let messages = 0;

  const send = (to: string, topic: StreamTopic, message: Uint8Array): void => {
    messages = (messages + 1) % Number.MAX_SAFE_INTEGER;
    for (const frame of framesOf(messages, message)) ports.emit(to, topic, frame);
  };
  const workers = createWorkerStreams({ clock: ports.clock, openPart: ports.openPart, send });
  const assemblerOf = (key: string): Assembler<z.infer<typeof streamMessageSchema>> => {
    const assembler = senders.get(key) ?? createAssembler(streamMessageSchema);
    senders.delete(key);
    senders.set(key, assembler);
    if (senders.size > SENDERS_MAXIMUM) senders.delete(senders.keys().next().value as string);
    return assembler;
  };
  const peerOf = (place: string): Peer | undefined => {
    const worker = placement.workers[place];
    return placement.isOnline && worker !== undefined ? { worker, grant: placement.grant } : undefined;
  };
  return {
    setPlacement(state) {
      placement = state;
      for (const home of homes.values()) home.peerChanged();
    },
    receive(from, topic, payload) {
      const message = assemblerOf(`${from} ${topic.pipeline} ${topic.part}`).receive(decodeFrame(payload));
      if (message === undefined) return;
      if (message.kind === 'ready' || message.kind === 'answer' || message.kind === 'refused')
        homes.get(message.session)?.receive(from, message);
      else workers.receive(from, topic, message);
    },
    openHome(about, patienceMs) {
      const stream = createHomeStream({
        ...{ clock: ports.clock, about, patienceMs, session: makeRandomId((count) => ports.random.bytes(count)) },
        peer: () => peerOf(about.place),
        whyNoPeer: () =>
          placement.workers[about.place] === undefined ? `nobody runs ${about.place} for this device` : 'there is no connection',
        send: (to, message) => send(to, about, message),
      });
      homes.set(stream.session, stream);
      const { close } = stream;
      return Object.assign(stream, {
        close(): void {
          homes.delete(stream.session);
          close.call(stream);
        },
      });
    },
    releaseGone: (release) => workers.releaseGone(release),
    releaseOf: (home, pipeline) => workers.releaseOf(home, pipeline),
  };
}
