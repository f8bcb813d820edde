import {
  type EdgeValue,
  type ItemReference,
  StarlingError,
  TAPS_MAXIMUM,
  type TapCounts,
  type TapEnd,
  type TapMessage,
} from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import type { TapRequest } from '../ports/runtime-host.ts';
import type { Graph } from './graph.ts';
import type { ObservedItem } from './observe.ts';

/** A graph whose edges can be looked at. */
export type ObservableGraph = Pick<Graph, 'observe'>;

export type TapArguments = TapRequest;

export interface TapPorts {
  clock: Clock;
  encode(value: unknown, maximumBytes: number, isKept?: boolean): Promise<EdgeValue>;
  emit(message: TapMessage): void;
}

/** The taps of a device. */
export interface Taps {
  /** @param onEnd called once it is over. @throws StarlingError `too-many-taps`, `tap-exists` */
  start(given: TapArguments, graph: ObservableGraph, onEnd?: () => void): void;
  /** @returns what it counted, or undefined if there is no such tap */
  stop(tap: string, reason: TapEnd): TapCounts | undefined;
  stopAll(reason: TapEnd): void;
}

interface Watched {
  /** Values so far, for `every`. */
  seen: number;
  nextMs: number;
  waiting: { value: unknown; item: ItemReference } | undefined;
}

interface Tap {
  counts: TapCounts;
  sequence: number;
  end(reason: TapEnd): void;
}

export function createTaps(ports: TapPorts): Taps {
  const taps = new Map<string, Tap>();
  return {
    start(given, graph, onEnd) {
      if (taps.has(given.tap)) throw new StarlingError('tap-exists', `tap ${given.tap} runs already`, { field: 'arguments.tap' });
      if (taps.size >= TAPS_MAXIMUM) {
        throw new StarlingError('too-many-taps', `${TAPS_MAXIMUM} taps run on this device already`, {
          hint: 'end one of them, or wait until one is over',
          retryable: true,
        });
      }
      const forget = (): void => {
        taps.delete(given.tap);
        onEnd?.();
      };
      taps.set(given.tap, startTap(given, graph, ports, forget));
    },
    stop(name, reason) {
      const tap = taps.get(name);
      tap?.end(reason);
      return tap?.counts;
    },
    stopAll(reason) {
      for (const tap of [...taps.values()]) tap.end(reason);
    },
  };
}

/**
 * The listener only decides and remembers; values are encoded one after the other, later. A value of an edge whose last one still waits is
 * let go, so a tap holds at most one value of each of its edges, and holds up nothing.
 */
function startTap(given: TapArguments, graph: ObservableGraph, { clock, encode, emit }: TapPorts, onEnd: () => void): Tap {
  const counts: TapCounts = { seen: 0, skipped: 0, rate: 0, busy: 0, link: 0 };
  const edges = new Map<string, Watched>(
    given.edges.map((edge) => [edge, { seen: 0, nextMs: Number.NEGATIVE_INFINITY, waiting: undefined }]),
  );
  /** Edges whose values wait, in the order in which they came. */
  const order: string[] = [];
  const intervalMs = 1000 / given.maximumPerSecond;
  let isOver = false;
  let isEncoding = false;
  /** How many values are under way between `waiting` and `emit`. */
  let encoded: 0 | 1 = 0;

  const work = async (): Promise<void> => {
    for (let edge = order.shift(); edge !== undefined; edge = order.shift()) {
      const watched = edges.get(edge);
      const taken = watched?.waiting;
      if (watched === undefined || taken === undefined) continue;
      watched.waiting = undefined;
      encoded = 1;
      const value = await encode(taken.value, given.maximumBytes, given.isCapture);
      encoded = 0;
      if (isOver) return;
      emit({ tap: given.tap, sequence: tap.sequence, edge, item: taken.item, value, counts: { ...counts } });
      tap.sequence += 1;
    }
    isEncoding = false;
  };
  const see = (reference: string, value: unknown, item: ObservedItem): void => {
    const edge = edges.get(reference);
    if (edge === undefined) return;
    counts.seen += 1;
    edge.seen += 1;
    if ((edge.seen - 1) % given.every !== 0) {
      counts.skipped += 1;
      return;
    }
    const nowMs = clock.monotonicMs();
    if (nowMs < edge.nextMs) {
      counts.rate += 1;
      return;
    }
    if (edge.waiting !== undefined) {
      counts.busy += 1;
      return;
    }
    edge.nextMs = nowMs + intervalMs;
    edge.waiting = { value, item: referenceOf(item) };
    order.push(reference);
    if (isEncoding) return;
    isEncoding = true;
    // Not now, since whoever gave the value waits for this call; but before the next model run, which in a browser blocks this worker, and
    // with it every timer, for as long as items keep coming.
    void Promise.resolve().then(work);
  };
  const detach = graph.observe({ value: see });
  const cancelExpiry = clock.after(given.durationMs, () => tap.end('expired'));
  const tap: Tap = {
    counts,
    sequence: 0,
    end(reason) {
      if (isOver) return;
      isOver = true;
      detach();
      cancelExpiry();
      // What is not sent any more is counted: whoever watches knows how much was left out.
      counts.busy += encoded + [...edges.values()].filter(({ waiting }) => waiting !== undefined).length;
      edges.clear();
      onEnd();
      emit({ tap: given.tap, sequence: tap.sequence, counts: { ...counts }, end: reason });
    },
  };
  return tap;
}

/** An item as it is spoken of away from the graph. */
function referenceOf({ stream, sequence, timeMs, traceId }: ObservedItem): ItemReference {
  return { stream: stream.slice(0, 200), sequence, timeMs, traceId: traceId ?? null };
}
