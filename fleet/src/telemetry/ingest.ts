import {
  type Acknowledgement,
  eventRecordSchema,
  messageOf,
  type TelemetryBatch,
  type TelemetryKind,
  telemetryKinds,
} from '@starling/shared';
import type { Database, Transaction } from '../db/index.ts';
import type { Clock, EventBus, Log } from '../ports.ts';
import { advance, type Cursor, type Delivery } from './advance.ts';
import { insertRecords, lockCursors, type RecordRow, writeCursors } from './store.ts';

/** Takes batches of all devices and stores them in groups. */
export interface Ingest {
  /** Resolves after the commit with what may be acknowledged. @throws if the database did not take it: then nothing is acknowledged */
  add(device: string, kind: TelemetryKind, batch: TelemetryBatch): Promise<Acknowledgement>;
  /** Highest contiguous sequence of each kind of a stream. */
  acknowledged(device: string, streamId: string): Promise<{ kind: TelemetryKind; acknowledgement: Acknowledgement }[]>;
  invalidRecords(): number;
  idle(): Promise<void>;
}

interface Waiting {
  device: string;
  kind: TelemetryKind;
  batch: TelemetryBatch;
  arrivedAtMs: number;
  resolve: (acknowledgement: Acknowledgement) => void;
  reject: (error: unknown) => void;
}

/** Batches of this long share a transaction: one commit for many devices, at the price of this much delay. */
const GROUP_MS = 15;
const GROUP_BATCHES = 256;
/** A wall clock may be this far from the time of arrival, and older by what a spool may hold. */
const FUTURE_MS = 5 * 60_000;
const PAST_MS = 90 * 86_400_000;

/** Events of one batch that those who follow the fleet are told in words; the others stand in the database. */
const EVENTS_TOLD = 8;

/** What has arrived: its kind, and of events what they say. */
function detailOf({ kind, batch }: Pick<Waiting, 'kind' | 'batch'>): Record<string, unknown> {
  if (kind !== 'events') return { kind };
  const said = batch.records.slice(-EVENTS_TOLD).flatMap(({ payload }) => {
    const { data } = eventRecordSchema.safeParse(payload);
    return data === undefined ? [] : [{ level: data.level, code: data.code, message: data.message }];
  });
  return { kind, events: said };
}

interface IngestPorts {
  db: Database;
  clock: Clock;
  events: EventBus;
  log: Log;
  /** What other modules keep of records, in the transaction that stores them. */
  project?: (tx: Transaction, rows: readonly RecordRow[]) => Promise<void>;
  /** Told of what is stored, after the commit. */
  stored?: ((rows: readonly RecordRow[]) => void) | undefined;
}

export function createIngest({ db, clock, events, log, project, stored }: IngestPorts): Ingest {
  const waiting: Waiting[] = [];
  let flushing: Promise<void> | undefined;
  let invalid = 0;

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      await storeGroup(waiting.splice(0, GROUP_BATCHES));
    }
  };
  const storeGroup = async (group: readonly Waiting[]): Promise<void> => {
    try {
      const acknowledgements = await store(group);
      for (const [index, each] of group.entries()) each.resolve(acknowledgements[index] as Acknowledgement);
      for (const each of group) events.publish({ type: 'telemetry', id: each.device, atMs: clock.nowMs(), detail: detailOf(each) });
    } catch (error) {
      if (group.length > 1) {
        // One batch that the database refuses must not hold up the others that shared its transaction: halves, until it stands alone.
        const middle = group.length >> 1;
        await storeGroup(group.slice(0, middle));
        await storeGroup(group.slice(middle));
        return;
      }
      log.warn({ device: group[0]?.device, error: messageOf(error) }, 'telemetry was not stored; the device will send it again');
      for (const each of group) each.reject(error);
    }
  };
  const store = async (group: readonly Waiting[]): Promise<Acknowledgement[]> => {
    const written: RecordRow[] = [];
    const acknowledgements = await db.transaction(async (tx) => {
      const keys = group.map(({ device, kind, batch }) => ({ device, kind, streamId: batch.streamId }));
      const cursors = await lockCursors(tx, keys, clock.nowMs());
      const rows: RecordRow[] = [];
      const acknowledgements = group.map((each): Acknowledgement => {
        const cursor = cursors.get(`${each.device} ${each.batch.streamId} ${each.kind}`) as Cursor;
        const delivery = advance(cursor, each.batch);
        Object.assign(cursor, delivery.cursor);
        rows.push(...rowsOf(each, delivery));
        return { streamId: each.batch.streamId, sequence: cursor.sequence };
      });
      await insertRecords(tx, rows);
      await project?.(tx, rows);
      await writeCursors(tx, [...cursors.values()], clock.nowMs());
      written.push(...rows);
      return acknowledgements;
    });
    stored?.(written);
    return acknowledgements;
  };
  const rowsOf = (each: Waiting, { fresh }: Delivery): RecordRow[] =>
    fresh.flatMap((record): RecordRow[] => {
      const payload = telemetryKinds[each.kind].safeParse(record.payload);
      // One bad record must not hold up its stream: it is counted, and passed over.
      if (!payload.success) {
        invalid += 1;
        return [];
      }
      const plausible = record.wallMs <= each.arrivedAtMs + FUTURE_MS && record.wallMs >= each.arrivedAtMs - PAST_MS;
      return [
        {
          device: each.device,
          streamId: each.batch.streamId,
          kind: each.kind,
          sequence: record.sequence,
          bootId: record.bootId,
          monotonicMs: record.monotonicMs,
          wallMs: record.wallMs,
          clock: plausible ? record.clock : 'implausible',
          arrivedAtMs: each.arrivedAtMs,
          atMs: plausible ? record.wallMs : each.arrivedAtMs,
          payload: payload.data,
        },
      ];
    });
  return {
    add(device, kind, batch) {
      return new Promise((resolve, reject) => {
        waiting.push({ device, kind, batch, arrivedAtMs: clock.nowMs(), resolve, reject });
        flushing ??= new Promise<void>((done) => setTimeout(done, GROUP_MS)).then(flush).finally(() => {
          flushing = undefined;
        });
      });
    },
    async acknowledged(device, streamId) {
      const kinds = Object.keys(telemetryKinds) as TelemetryKind[];
      const cursors = await db.transaction((tx) =>
        lockCursors(
          tx,
          kinds.map((kind) => ({ device, kind, streamId })),
          clock.nowMs(),
        ),
      );
      return [...cursors.values()]
        .filter((cursor) => cursor.sequence > 0)
        .map((cursor) => ({ kind: cursor.kind as TelemetryKind, acknowledgement: { streamId, sequence: cursor.sequence } }));
    },
    invalidRecords: () => invalid,
    async idle() {
      while (flushing !== undefined) await flushing;
    },
  };
}
