import type { TelemetryKind } from '@starling/shared';
import type { Clock, Log } from '../ports.ts';
import type { Waiting, WaitingRoom } from './waiting-room.ts';

/** What this process could not take at once, since it started. */
export interface IngestLoad {
  waitingBatches: number;
  waitingBytes: number;
  waitingBytesMaximum: number;
  isLoaded: boolean;
  /** Records that did not match the schema of their kind. */
  invalidRecords: number;
  kinds: { kind: TelemetryKind; deferredBatches: number; shedRecords: number }[];
}

export interface LoadWatch {
  deferred(kind: TelemetryKind): void;
  shed(kind: TelemetryKind, records: number): void;
  invalid(records: number): void;
  /** Tells the log when load begins and ends. */
  look(): void;
  load(): IngestLoad;
}

interface WatchPorts {
  room: Pick<WaitingRoom<Waiting>, 'isLoaded' | 'bytes' | 'batches'>;
  waitingBytesMaximum: number;
  clock: Clock;
  log: Log;
}

/** Load that comes and goes is told this often. */
const TELL_MS = 10_000;

export function createLoadWatch({ room, waitingBytesMaximum, clock, log }: WatchPorts): LoadWatch {
  const counts = new Map<TelemetryKind, { deferredBatches: number; shedRecords: number }>();
  let invalidRecords = 0;
  let toldMs = Number.NEGATIVE_INFINITY;

  const of = (kind: TelemetryKind): { deferredBatches: number; shedRecords: number } => {
    const known = counts.get(kind) ?? { deferredBatches: 0, shedRecords: 0 };
    counts.set(kind, known);
    return known;
  };
  const load = (): IngestLoad => ({
    waitingBatches: room.batches(),
    waitingBytes: room.bytes(),
    waitingBytesMaximum,
    isLoaded: room.isLoaded(),
    invalidRecords,
    kinds: [...counts].map(([kind, each]) => ({ kind, ...each })),
  });
  return {
    deferred(kind) {
      of(kind).deferredBatches += 1;
    },
    shed(kind, records) {
      if (records > 0) of(kind).shedRecords += records;
    },
    invalid(records) {
      invalidRecords += records;
    },
    look() {
      if (!room.isLoaded() || clock.nowMs() - toldMs < TELL_MS) return;
      toldMs = clock.nowMs();
      log.warn(load(), 'telemetry comes faster than the database takes it: traces and health are let go, other kinds wait on devices');
    },
    load,
  };
}
