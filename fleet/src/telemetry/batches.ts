import { BATCH_SLOT_MS } from './layers.ts';
import type { BatchRow, StoredRecord } from './store.ts';

/** A record on its way into the database. */
export interface RecordRow extends StoredRecord {
  device: string;
  streamId: string;
  kind: string;
  bootId: string;
  arrivedAtMs: number;
  /** When it was made, as far as its clock can be believed; else when it came. */
  atMs: number;
}

/** Packs records that came together, in their order, into as few rows as there are streams, boots and stretches of time among them. */
export function packBatches(rows: readonly RecordRow[]): BatchRow[] {
  const batches: BatchRow[] = [];
  let last: BatchRow | undefined;
  for (const row of rows) {
    const { device, streamId, kind, bootId, arrivedAtMs, atMs, sequence, monotonicMs, wallMs, clock, payload } = row;
    const record: StoredRecord = { sequence, monotonicMs, wallMs, clock, payload };
    if (last !== undefined && isSame(last, row)) {
      last.contents.push(record);
      last.records += 1;
      last.atMs = Math.min(last.atMs, atMs);
      last.lastAtMs = Math.max(last.lastAtMs, atMs);
      continue;
    }
    last = { device, streamId, kind, sequence, bootId, arrivedAtMs, atMs, lastAtMs: atMs, records: 1, contents: [record] };
    batches.push(last);
  }
  return batches;
}

function isSame(batch: BatchRow, row: RecordRow): boolean {
  return (
    batch.device === row.device &&
    batch.kind === row.kind &&
    batch.streamId === row.streamId &&
    batch.bootId === row.bootId &&
    batch.arrivedAtMs === row.arrivedAtMs &&
    slotOf(batch.atMs) === slotOf(row.atMs)
  );
}

function slotOf(atMs: number): number {
  return Math.floor(atMs / BATCH_SLOT_MS);
}
