import type { DroppedRange, TelemetryBatch, TelemetryRecord } from '@starling/shared';

export interface Cursor {
  device: string;
  streamId: string;
  kind: string;
  /** Everything up to here is stored, declared dropped, or known to be lost. */
  sequence: number;
  stored: number;
  repeated: number;
  declaredDropped: number;
  lost: number;
}

export interface Delivery {
  cursor: Pick<Cursor, 'sequence' | 'stored' | 'repeated' | 'declaredDropped' | 'lost'>;
  /** Records that were not stored before. */
  fresh: TelemetryRecord[];
}

/**
 * What a batch adds to a stream. Devices send in order and drop a record only when it is acknowledged, so a sequence at or below the
 * cursor is a repeat, and a gap above it was either declared as dropped or is lost for good: counted, and not waited for.
 */
export function advance(cursor: Cursor, batch: TelemetryBatch): Delivery {
  const next = {
    sequence: cursor.sequence,
    stored: cursor.stored,
    repeated: cursor.repeated,
    declaredDropped: cursor.declaredDropped,
    lost: cursor.lost,
  };
  const fresh: TelemetryRecord[] = [];
  const dropped = [...batch.dropped].sort((a, b) => a.from - b.from);
  for (const record of [...batch.records].sort((a, b) => a.sequence - b.sequence)) {
    if (record.sequence <= next.sequence) {
      next.repeated += 1;
      continue;
    }
    skipTo(next, record.sequence, dropped);
    next.sequence = record.sequence;
    next.stored += 1;
    fresh.push(record);
  }
  // What was dropped at the end is declared as well, so that the spool may forget the declaration.
  for (const range of dropped) {
    if (range.from > next.sequence + 1 || range.to <= next.sequence) continue;
    next.declaredDropped += range.to - next.sequence;
    next.sequence = range.to;
  }
  return { cursor: next, fresh };
}

function skipTo(next: Delivery['cursor'], sequence: number, dropped: readonly DroppedRange[]): void {
  const missing = sequence - 1 - next.sequence;
  if (missing <= 0) return;
  let declared = 0;
  for (const { from, to } of dropped) declared += Math.max(0, Math.min(to, sequence - 1) - Math.max(from, next.sequence + 1) + 1);
  declared = Math.min(declared, missing);
  next.declaredDropped += declared;
  next.lost += missing - declared;
}
