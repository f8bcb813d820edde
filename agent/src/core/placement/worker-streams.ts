import {
  decodePortValue,
  encodePortValue,
  type HomeMessage,
  isStarlingError,
  messageOf,
  type ShownPart,
  STREAM_WINDOW_MAXIMUM,
  StarlingError,
  type StreamItem,
  type StreamOpen,
  type WorkerMessage,
} from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import { encodeMessage } from './messages.ts';

/** What a part is asked to run for one item. */
export interface PartItem extends Pick<StreamItem, 'stream' | 'sequence' | 'timeMs' | 'traceparent'> {
  values: Record<string, unknown>;
  signal: AbortSignal;
  /** Of a replay: whoever runs it tells what its edges carried, before it answers. */
  show?: { maximumBytes: number; tell(shown: ShownPart): void };
}

/** A part of a loaded release, for one stream of one device: what it keeps is kept for that alone. */
export interface OpenPart {
  /** Takes items in the order of the calls. @returns values by port, of those that may leave */
  run(item: PartItem): Promise<Record<string, unknown>>;
  close(): void;
}

/** What a topic says beside who speaks to whom. */
export interface StreamTopic {
  pipeline: string;
  part: string;
}

export type PartOf = Pick<StreamOpen, 'release' | 'pipeline' | 'part' | 'isBeside'>;

export interface WorkerStreamsPorts {
  clock: Clock;
  /** @throws StarlingError `no-release`, `unknown-part` */
  openPart(home: string, about: PartOf): OpenPart;
  send(home: string, topic: StreamTopic, message: Uint8Array): void;
}

/** The side of cut edges where parts run for other devices: each item once, in the order of its session, and its answer kept until it has come. */
export interface WorkerStreams {
  receive(home: string, topic: StreamTopic, message: HomeMessage): void;
  /** What its parts do is over. */
  releaseGone(release: string): void;
  /** The release by which parts of a pipeline were last run for a device. */
  releaseOf(home: string, pipeline: string): string | undefined;
  readonly sessions: number;
}

/** Items of all devices that may be unanswered together: bounds the memory that they take here. */
const ITEMS_MAXIMUM = 64;
/** Sessions that are kept; the one that was silent for longest goes first. */
const SESSIONS_MAXIMUM = 4096;
/** A session that said nothing for so long gets no share of the items. */
const ACTIVE_MS = 10_000;

interface Session {
  home: string;
  id: string;
  about: PartOf;
  part: OpenPart;
  /** The number that is taken next. */
  next: number;
  working: Map<number, AbortController>;
  /** What was answered and may not have come. */
  answers: Map<number, Uint8Array>;
  heardMs: number;
  /** The gap that was told. */
  toldGapAt: number;
}

export function createWorkerStreams(ports: WorkerStreamsPorts): WorkerStreams {
  return new WorkerStreamsMachine(ports);
}

class WorkerStreamsMachine implements WorkerStreams {
  readonly #ports: WorkerStreamsPorts;
  /** Least lately heard first. */
  readonly #sessions = new Map<string, Session>();

  constructor(ports: WorkerStreamsPorts) {
    this.#ports = ports;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  receive(home: string, topic: StreamTopic, message: HomeMessage): void {
    const session = this.#sessions.get(keyOf(home, message.session));
    if (message.kind === 'open') this.#open(home, message, session);
    else if (session !== undefined) this.#take(session, message);
    // Its end came before, or this is another life of the worker.
    else if (message.kind === 'item') {
      const why = 'nothing is known of the session';
      this.#send(home, topic, { kind: 'refused', session: message.session, code: 'unknown-session', message: why });
    }
  }

  #take(session: Session, message: Exclude<HomeMessage, StreamOpen>): void {
    this.#heard(session);
    if ('settledBelow' in message) forgetBelow(session, message.settledBelow);
    if (message.kind === 'item') this.#item(session, message);
    else if (message.kind === 'skip') this.#skip(session, message.from, message.upTo);
    else if (message.kind === 'close') this.#drop(session);
  }

  releaseGone(release: string): void {
    for (const session of [...this.#sessions.values()]) if (session.about.release === release) this.#drop(session);
  }

  releaseOf(home: string, pipeline: string): string | undefined {
    const live = [...this.#sessions.values()].filter(({ about }) => !about.isBeside && about.pipeline === pipeline);
    return live.findLast((session) => session.home === home)?.about.release;
  }

  #open(home: string, message: StreamOpen, known: Session | undefined): void {
    const { session: id, first, release, pipeline, part, isBeside } = message;
    const about: PartOf = { release, pipeline, part, isBeside };
    try {
      const session = known ?? this.#begin(home, id, about, first);
      this.#heard(session);
      forgetBelow(session, first);
      session.next = Math.max(session.next, first);
      session.toldGapAt = -1;
      for (const answer of session.answers.values()) this.#ports.send(home, about, answer);
      this.#ready(session, false);
    } catch (error) {
      const code = isStarlingError(error) ? error.code : 'part-failed';
      this.#send(home, about, { kind: 'refused', session: id, code, message: messageOf(error).slice(0, 2000) });
    }
  }

  #begin(home: string, id: string, about: PartOf, first: number): Session {
    const part = this.#ports.openPart(home, about);
    // Another life of the device with the items: nobody waits for the one before. One of another release goes on: that device may be on its way
    // from the one to the other, or back.
    for (const other of [...this.#sessions.values()]) {
      const { release, pipeline, part: name, isBeside } = other.about;
      if (other.home !== home || isBeside || about.isBeside || release !== about.release) continue;
      if (pipeline === about.pipeline && name === about.part) this.#drop(other);
    }
    const session: Session = {
      ...{ home, id, about, part, next: first, working: new Map(), answers: new Map() },
      ...{ heardMs: this.#ports.clock.monotonicMs(), toldGapAt: -1 },
    };
    this.#sessions.set(keyOf(home, id), session);
    const [oldest] = this.#sessions.values();
    if (this.#sessions.size > SESSIONS_MAXIMUM && oldest !== undefined) this.#drop(oldest);
    return session;
  }

  #item(session: Session, item: StreamItem): void {
    const { number } = item;
    if (number < session.next) {
      const answer = session.answers.get(number);
      if (answer !== undefined) this.#ports.send(session.home, session.about, answer);
      return;
    }
    if (number > session.next) {
      this.#gap(session);
      return;
    }
    // Attack: a device that sends without being let. What is not taken has to come again.
    if (session.working.size + session.answers.size >= 2 * STREAM_WINDOW_MAXIMUM) return;
    session.next += 1;
    session.toldGapAt = -1;
    this.#run(session, item);
  }

  #run(session: Session, { number, stream, sequence, timeMs, traceparent, showBytes, values }: StreamItem): void {
    const controller = new AbortController();
    session.working.set(number, controller);
    let shown: ShownPart | undefined;
    const tell = (given: ShownPart): void => {
      shown = given;
    };
    const answer = (what: Pick<Extract<WorkerMessage, { kind: 'answer' }>, 'values' | 'failure'>): void => {
      if (!session.working.delete(number) || controller.signal.aborted) return;
      const seen = shown === undefined ? {} : { shown };
      const bytes = encodeAnswer({ kind: 'answer', session: session.id, number, credits: this.#credits(), ...what, ...seen });
      session.answers.set(number, bytes);
      this.#ports.send(session.home, session.about, bytes);
    };
    const fail = (error: unknown): void => answer({ values: {}, failure: failureOf(error) });
    try {
      const decoded = Object.fromEntries(Object.entries(values).map(([port, value]) => [port, decodePortValue(value)]));
      const item: PartItem = {
        stream,
        sequence,
        timeMs,
        values: decoded,
        signal: controller.signal,
        ...(traceparent === undefined ? {} : { traceparent }),
        ...(showBytes === undefined ? {} : { show: { maximumBytes: showBytes, tell } }),
      };
      session.part
        .run(item)
        .then((outputs) =>
          answer({ values: Object.fromEntries(Object.entries(outputs).map(([port, value]) => [port, encodePortValue(value)])) }),
        )
        .catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  #skip(session: Session, from: number, upTo: number): void {
    if (from > session.next) {
      this.#gap(session);
      return;
    }
    for (const [number, controller] of [...session.working]) {
      if (number < from || number > upTo) continue;
      session.working.delete(number);
      controller.abort(new StarlingError('cancelled', 'nobody waits for the item any more'));
    }
    session.next = Math.max(session.next, upTo + 1);
    this.#ready(session, false);
  }

  /** Said once: everything from there on comes again. */
  #gap(session: Session): void {
    if (session.toldGapAt === session.next) return;
    session.toldGapAt = session.next;
    this.#ready(session, true);
  }

  #ready({ home, about, id, next }: Session, hasGap: boolean): void {
    this.#send(home, about, { kind: 'ready', session: id, next, hasGap, credits: this.#credits() });
  }

  #send(home: string, topic: StreamTopic, message: WorkerMessage): void {
    this.#ports.send(home, topic, encodeMessage(message));
  }

  /** An equal share for each device that is at work. */
  #credits(): number {
    const sinceMs = this.#ports.clock.monotonicMs() - ACTIVE_MS;
    let active = 0;
    for (const { heardMs } of this.#sessions.values()) if (heardMs >= sinceMs) active += 1;
    return Math.max(1, Math.min(STREAM_WINDOW_MAXIMUM, Math.floor(ITEMS_MAXIMUM / Math.max(1, active))));
  }

  #heard(session: Session): void {
    session.heardMs = this.#ports.clock.monotonicMs();
    const key = keyOf(session.home, session.id);
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
  }

  #drop(session: Session): void {
    this.#sessions.delete(keyOf(session.home, session.id));
    for (const controller of session.working.values()) controller.abort(new StarlingError('cancelled', 'the stream has ended'));
    session.working.clear();
    session.part.close();
  }
}

function keyOf(home: string, session: string): string {
  return `${home} ${session}`;
}

function forgetBelow({ answers }: Session, number: number): void {
  for (const each of [...answers.keys()]) if (each < number) answers.delete(each);
}

/** An answer that cannot be sent is one all the same. */
function encodeAnswer(answer: Extract<WorkerMessage, { kind: 'answer' }>): Uint8Array {
  try {
    return encodeMessage(answer);
  } catch (error) {
    const { shown: _shown, ...rest } = answer;
    return encodeMessage({ ...rest, values: {}, failure: failureOf(error) });
  }
}

function failureOf(error: unknown): NonNullable<Extract<WorkerMessage, { kind: 'answer' }>['failure']> {
  if (!isStarlingError(error)) return { code: 'node-failed', message: messageOf(error).slice(0, 4000) };
  const { code, message, field, hint } = error;
  return {
    ...{ code: code.slice(0, 64), message: message.slice(0, 4000) },
    ...(field === undefined ? {} : { field: field.slice(0, 500) }),
    ...(hint === undefined ? {} : { hint: hint.slice(0, 2000) }),
  };
}
