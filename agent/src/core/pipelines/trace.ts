import {
  formatTraceparent,
  type ItemTrace,
  isStarlingError,
  messageOf,
  type Span,
  TRACE_SPANS_MAXIMUM,
  type TraceContext,
  type TracesRecord,
} from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Graph } from './graph.ts';
import type { GraphObserver } from './observe.ts';

/** Traces that a second of a device holds, of its items and of parts that it runs for others; further ones are counted. */
const TRACES_PER_SECOND_MAXIMUM = 50;
const FLUSH_MS = 1_000;
/** Spans of a record: about 200 bytes each, so that records fit into a batch many times. */
const SPANS_PER_RECORD_MAXIMUM = 300;

export interface TracedItem {
  /** What brought it. */
  source: string;
  stream: string;
  /** When it was taken, in milliseconds since 1970. */
  timeMs: number;
  parent?: TraceContext | undefined;
  /** The part of the pipeline that runs here, of an item that another machine has: source, queue and result are seen there. */
  part?: string | undefined;
}

/** One item whose way is recorded. */
export interface ItemRecording {
  traceId: string;
  /** What another machine needs to go on with the trace (W3C Trace Context). */
  traceparent: string;
  /** It leaves the queue in front of the graph. */
  dequeued(): void;
  /** Its result is there, or it failed. */
  end(error?: unknown): void;
}

/** Records the way of some items through one graph. */
export interface Tracer {
  /**
   * @returns undefined where the item is not recorded. The share is that of all items; whoever sends a context decides for the item
   * by itself, as long as anything is recorded at all.
   */
  begin(item: TracedItem): ItemRecording | undefined;
  /** Sends what is there. */
  flush(): void;
}

export interface TracerPorts {
  clock: Clock;
  random: Random;
  graph: Pick<Graph, 'observe'>;
  pipeline: string;
  release: string;
  /** Share of the items, 0 to 1. */
  ratio(): number;
  /** Gathers traces; all tracers of a device share one. */
  batch: TraceBatch;
}

/** The traces of a second go together. */
export interface TraceBatch {
  /** Counts the item, whether it may be recorded or not. */
  hasRoom(): boolean;
  add(trace: ItemTrace): void;
  /** Sends what is there. */
  flush(): void;
}

export function createTracer(ports: TracerPorts): Tracer {
  const { clock, random, graph, batch } = ports;
  const underWay = new Map<string, Recording>();
  let detach = (): void => undefined;

  const observer: GraphObserver = {
    item: (event, atMs, { traceId, sequence }) => underWay.get(traceId ?? '')?.passed(event, atMs, sequence),
    node: (name, run, { traceId }) => underWay.get(traceId ?? '')?.ran(name, run),
  };
  const isChosen = (parent: TraceContext | undefined, ratio: number): boolean => parent?.isSampled ?? random.number() < ratio;
  return {
    begin(item) {
      const ratio = ports.ratio();
      if (ratio <= 0 || !isChosen(item.parent, ratio)) return undefined;
      if (!batch.hasRoom()) return undefined;
      const traceId = item.parent?.traceId ?? hex(random.bytes(16));
      // Two items of one context at once: their spans could not be told apart.
      if (underWay.has(traceId)) return undefined;
      if (underWay.size === 0) detach = graph.observe(observer);
      const recording = new Recording(traceId, item, clock, random);
      underWay.set(traceId, recording);
      return {
        traceId,
        traceparent: formatTraceparent({ traceId, spanId: recording.rootSpanId, isSampled: true }),
        dequeued: () => recording.dequeued(),
        end(error) {
          if (!underWay.delete(traceId)) return;
          if (underWay.size === 0) detach();
          batch.add({ pipeline: ports.pipeline, release: ports.release, ...recording.end(error) });
        },
      };
    },
    flush: () => batch.flush(),
  };
}

interface NodeRun {
  startedMs: number;
  endedMs: number;
  queuedMs: number;
  error?: unknown;
}

class Recording {
  readonly #traceId: string;
  readonly #item: TracedItem;
  readonly #clock: Clock;
  /** What the monotonic clock has to be set forward by to tell the time of day. */
  readonly #offsetMs: number;
  readonly #beganMs: number;
  readonly #firstSpan: bigint;
  readonly #runs: [name: string, run: NodeRun][] = [];
  #dequeuedMs: number | undefined;
  #enteredMs: number | undefined;
  #leftMs: number | undefined;
  #sequence: number | null = null;
  #leftOut = 0;

  constructor(traceId: string, item: TracedItem, clock: Clock, random: Random) {
    this.#traceId = traceId;
    this.#item = item;
    this.#clock = clock;
    this.#beganMs = clock.monotonicMs();
    this.#offsetMs = clock.wallMs() - this.#beganMs;
    this.#firstSpan = BigInt(`0x${hex(random.bytes(8))}`);
  }

  get rootSpanId(): string {
    return spanIdOf(this.#firstSpan);
  }

  dequeued(): void {
    this.#dequeuedMs = this.#clock.monotonicMs();
  }

  passed(event: 'entered' | 'left', atMs: number, sequence: number): void {
    if (event === 'left') this.#leftMs = atMs;
    else [this.#enteredMs, this.#sequence] = [atMs, sequence];
  }

  ran(name: string, run: NodeRun): void {
    // Source, queue, graph and result are there in any case.
    if (this.#runs.length >= TRACE_SPANS_MAXIMUM - 5) this.#leftOut += 1;
    else this.#runs.push([name, run]);
  }

  end(error: unknown): Omit<ItemTrace, 'pipeline' | 'release'> {
    const endedMs = this.#clock.monotonicMs();
    const { source, stream, timeMs, parent, part } = this.#item;
    const takenMs = Math.min(this.#beganMs, timeMs - this.#offsetMs);
    const root = this.#span(0, null, part === undefined ? 'item' : 'part', takenMs, endedMs, error);
    root.kind = parent === undefined ? 'consumer' : 'server';
    root.parentSpanId = parent?.spanId ?? null;
    const from: Record<string, string> =
      part === undefined ? { 'starling.source': source.slice(0, 200) } : { 'starling.part': part.slice(0, 200) };
    root.attributes = { ...from, 'starling.stream': stream.slice(0, 200) };
    const spans = [root];
    const child = (name: string, startMs: number, endMs: number, failure?: unknown): Span => {
      const made = this.#span(spans.length, root, name, startMs, endMs, failure);
      spans.push(made);
      return made;
    };
    if (part === undefined) {
      child('source', takenMs, this.#beganMs);
      child('queue', this.#beganMs, this.#dequeuedMs ?? this.#enteredMs ?? endedMs);
    }
    for (const [name, run] of this.#runs) {
      const span = child(name, run.startedMs, run.endedMs, run.error);
      span.attributes = { 'starling.node': name.slice(0, 200), ...(run.queuedMs > 0 ? { 'starling.queued_ms': run.queuedMs } : {}) };
    }
    if (part === undefined && this.#leftMs !== undefined && error === undefined) child('result', this.#leftMs, endedMs);
    return { traceId: this.#traceId, stream: stream.slice(0, 200), sequence: this.#sequence, spans, spansLeftOut: this.#leftOut };
  }

  #span(index: number, parent: Span | null, name: string, startMs: number, endMs: number, error?: unknown): Span {
    return {
      spanId: spanIdOf(this.#firstSpan + BigInt(index)),
      parentSpanId: parent?.spanId ?? null,
      name: name.slice(0, 200),
      kind: 'internal',
      startMs: Math.max(0, startMs + this.#offsetMs),
      durationMs: Math.max(0, endMs - startMs),
      attributes: {},
      ...(error === undefined ? {} : { error: failureOf(error) }),
    };
  }
}

function failureOf(error: unknown): { code: string; message: string } {
  return { code: isStarlingError(error) ? error.code.slice(0, 100) : 'node-failed', message: messageOf(error).slice(0, 500) };
}

/** 64 bits in hex, never all zero (W3C Trace Context, 3.2.2.4). */
function spanIdOf(number: bigint): string {
  const wrapped = BigInt.asUintN(64, number);
  return (wrapped === 0n ? 1n << 63n : wrapped).toString(16).padStart(16, '0');
}

function hex(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return /^0+$/.test(text) ? text.replace(/0$/, '1') : text;
}

/** Gathers the traces of a second: a record each would be a write to the disk each. */
export function createTraceBatch({ clock, emit }: { clock: Clock; emit(record: TracesRecord): void }): TraceBatch {
  let traces: ItemTrace[] = [];
  let spans = 0;
  let leftOut = 0;
  let secondMs = Number.NEGATIVE_INFINITY;
  let inSecond = 0;
  let cancel: (() => void) | undefined;

  const flush = (): void => {
    cancel?.();
    cancel = undefined;
    if (traces.length === 0) return;
    emit({ traces, tracesLeftOut: leftOut });
    [traces, spans, leftOut] = [[], 0, 0];
  };
  return {
    flush,
    hasRoom() {
      const nowMs = clock.monotonicMs();
      if (nowMs - secondMs >= 1_000) [secondMs, inSecond] = [nowMs, 0];
      inSecond += 1;
      if (inSecond <= TRACES_PER_SECOND_MAXIMUM) return true;
      leftOut += 1;
      return false;
    },
    add(trace) {
      traces.push(trace);
      spans += trace.spans.length;
      if (spans >= SPANS_PER_RECORD_MAXIMUM) flush();
      else cancel ??= clock.after(FLUSH_MS, flush);
    },
  };
}
