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
  /** Acknowledged, and let go under load. */
  shed: number;
}

export interface Delivery {
  cursor: Pick<Cursor, 'sequence' | 'stored' | 'repeated' | 'declaredDropped' | 'lost' | 'shed'>;
  /** Records that were not stored before. */
  fresh: TelemetryRecord[];
}

/**
 * What a batch adds to a stream. Devices send in order and drop a record only when it is acknowledged, so a sequence at or below the
 * cursor is a repeat, and a gap above it was either declared as dropped or is lost for good: counted, and not waited for.
 * @param isShed what is new is counted and let go
 */
export function advance(cursor: Cursor, batch: TelemetryBatch, isShed = false): Delivery {
  const next = {
    sequence: cursor.sequence,
    stored: cursor.stored,
    repeated: cursor.repeated,
    declaredDropped: cursor.declaredDropped,
    lost: cursor.lost,
    shed: cursor.shed,
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
    if (isShed) next.shed += 1;
    else {
      next.stored += 1;
      fresh.push(record);
    }
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
