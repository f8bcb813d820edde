import { type Acknowledgement, cborEncode, type DroppedRange, type TelemetryRecord } from '@starling/shared';

/** Records of one kind that the fleet has not acknowledged. Bounded: the oldest go first, and are declared. */
export interface Outbox {
  add(record: Omit<TelemetryRecord, 'sequence'>): void;
  /** The next batch, if none is under way. @param again whatever was under way is sent once more, as after a reconnection */
  next(again?: boolean): Uint8Array | undefined;
  /** @returns how many records it freed */
  acknowledge(acknowledgement: Acknowledgement): number;
}

const RECORDS_MAXIMUM = 500;
const BATCH_RECORDS = 50;

export function createOutbox(streamId: string): Outbox {
  let records: TelemetryRecord[] = [];
  let dropped: DroppedRange[] = [];
  let lastSequence = 0;
  let underWay: number | undefined;
  return {
    add(record) {
      lastSequence += 1;
      records.push({ sequence: lastSequence, ...record });
      if (records.length <= RECORDS_MAXIMUM) return;
      const [oldest] = records.splice(0, 1);
      const sequence = oldest?.sequence ?? 0;
      const last = dropped.at(-1);
      dropped =
        last?.to === sequence - 1 ? [...dropped.slice(0, -1), { ...last, to: sequence }] : [...dropped, { from: sequence, to: sequence }];
    },
    next(again = false) {
      if (again) underWay = undefined;
      if (underWay !== undefined || records.length === 0) return undefined;
      const batch = records.slice(0, BATCH_RECORDS);
      underWay = batch.at(-1)?.sequence;
      return cborEncode({ streamId, records: batch, dropped });
    },
    acknowledge({ streamId: stream, sequence }) {
      if (stream !== streamId) return 0;
      const before = records.length;
      records = records.filter((record) => record.sequence > sequence);
      dropped = dropped.filter(({ to }) => to > sequence);
      if (underWay !== undefined && sequence >= underWay) underWay = undefined;
      return before - records.length;
    },
  };
}
