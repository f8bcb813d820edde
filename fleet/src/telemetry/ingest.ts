import {
  type Acknowledgement,
  eventRecordSchema,
  messageOf,
  type TelemetryBatch,
  type TelemetryKind,
  type TelemetryRecord,
  telemetryKindSchema,
  telemetryKinds,
} from '@starling/shared';
import { createGatherer, type Database, type Transaction } from '../db/index.ts';
import type { Clock, EventBus, Log } from '../ports.ts';
import { advance, type Delivery } from './advance.ts';
import type { RecordRow } from './batches.ts';
import { cursorsOf, type StreamKey, type StreamOfDevice } from './cursor-store.ts';
import { createCursors, type HeldCursor, isMoved, keyOf } from './cursors.ts';
import type { LayerStore } from './layer-store.ts';
import { createLoadWatch, type IngestLoad } from './load-watch.ts';
import { createWaitingRoom, lossyKinds, type Waiting } from './waiting-room.ts';

/** Takes batches of all devices and stores them in groups. */
export interface Ingest {
  /**
   * Resolves after the commit with what may be acknowledged; with nothing where more came than the database takes, or the device has sent
   * the batch again meanwhile. @throws if the database did not take it: then nothing is acknowledged
   * @param bytes of the batch as it came
   */
  add(device: string, kind: TelemetryKind, batch: TelemetryBatch, bytes?: number): Promise<Acknowledgement | undefined>;
  /** Highest contiguous sequence of each kind of a stream. */
  acknowledged(device: string, streamId: string): Promise<{ kind: TelemetryKind; acknowledgement: Acknowledgement }[]>;
  load(): IngestLoad;
  idle(): Promise<void>;
}

interface WaitingBatch extends Waiting {
  batch: TelemetryBatch;
  arrivedAtMs: number;
  resolve: (acknowledgement: Acknowledgement | undefined) => void;
  reject: (error: unknown) => void;
}

/** Batches of this long share a transaction: one commit for many devices, at the price of this much delay. */
const GROUP_MS = 15;
const GROUP_BATCHES = 256;
/** A wall clock may be this far from the time of arrival, and older by what a spool may hold. */
const FUTURE_MS = 5 * 60_000;
const PAST_MS = 90 * 86_400_000;
/** What a record takes on its way, where nobody has counted. */
const RECORD_BYTES = 512;

/** Events of one batch that those who follow the fleet are told in words; the others stand in the database. */
const EVENTS_TOLD = 8;

/** What has arrived: its kind, and of events what they say. */
function detailOf({ kind, batch }: Pick<WaitingBatch, 'kind' | 'batch'>): Record<string, unknown> {
  if (kind !== 'events') return { kind };
  const said = batch.records.slice(-EVENTS_TOLD).flatMap(({ payload }) => {
    const { data } = eventRecordSchema.safeParse(payload);
    return data === undefined ? [] : [{ level: data.level, code: data.code, message: data.message }];
  });
  return { kind, events: said };
}

export interface IngestPorts {
  db: Database;
  clock: Clock;
  events: EventBus;
  log: Log;
  /** Where rows of a moment go; partitions are there, or made. */
  layers: LayerStore;
  /** Encoded bytes that wait for the database at most. */
  waitingBytesMaximum: number;
  /** What other modules keep of records, in the transaction that stores them. */
  project?: (tx: Transaction, rows: readonly RecordRow[]) => Promise<void>;
  /** Told of what is stored, after the commit. */
  stored?: ((rows: readonly RecordRow[]) => void) | undefined;
}

export function createIngest({ db, clock, events, log, layers, waitingBytesMaximum, project, stored }: IngestPorts): Ingest {
  const room = createWaitingRoom<WaitingBatch>(waitingBytesMaximum);
  const watch = createLoadWatch({ room, waitingBytesMaximum, clock, log });
  const cursors = createCursors();
  let flushing: Promise<void> | undefined;
  /** For devices that come back, which they do in herds. */
  const streams = createGatherer((batch: ReadonlyMap<string, StreamOfDevice>) => cursorsOf(db, batch));

  /** Whose batches are being stored: the next ones of these devices come after them. */
  const busy = new Set<string>();
  let helping: Promise<number> | undefined;

  /** @returns how many batches there were that could be taken */
  const storeNext = async (): Promise<number> => {
    const isLoaded = room.isLoaded();
    const group = room.take(GROUP_BATCHES, busy);
    const devices = new Set(group.map(({ device }) => device));
    for (const device of devices) busy.add(device);
    await storeGroup(group, isLoaded);
    for (const device of devices) busy.delete(device);
    watch.look();
    return group.length;
  };
  /** Where there is a second group to fill it goes beside the first: one makes its rows while the database stores the other. */
  const flush = async (): Promise<void> => {
    while (room.batches() > 0) {
      const own = storeNext();
      if (room.batches() >= GROUP_BATCHES)
        helping ??= storeNext().finally(() => {
          helping = undefined;
        });
      // Nothing was free to take: all that waits is of devices in the other group, whose commit this loop must not keep from coming.
      if ((await own) === 0) await helping;
    }
    await helping;
  };
  const startFlush = (): void => {
    flushing ??= new Promise<void>((done) => setTimeout(done, GROUP_MS)).then(flush).finally(() => {
      flushing = undefined;
      // Whoever was just answered may have sent more before this was reached: it would wait until somebody else sends.
      if (room.batches() > 0) startFlush();
    });
  };
  const storeGroup = async (group: readonly WaitingBatch[], isLoaded: boolean, isAgain = false): Promise<void> => {
    if (group.length === 0) return;
    try {
      const acknowledgements = await store(group, isLoaded);
      for (const [index, each] of group.entries()) each.resolve(acknowledgements[index] as Acknowledgement);
      for (const each of group) events.publish({ type: 'telemetry', id: each.device, atMs: clock.nowMs(), detail: detailOf(each) });
    } catch (error) {
      // Another process may have dropped a partition that this one knows.
      layers.forget();
      cursors.forget(group.map(streamOf));
      if (isMoved(error) && !isAgain) return storeGroup(group, isLoaded, true);
      if (group.length > 1) {
        // One batch that the database refuses must not hold up the others that shared its transaction: halves, until it stands alone.
        const middle = group.length >> 1;
        await storeGroup(group.slice(0, middle), isLoaded);
        await storeGroup(group.slice(middle), isLoaded);
        return;
      }
      log.warn({ device: group[0]?.device, error: messageOf(error) }, 'telemetry was not stored; the device will send it again');
      for (const each of group) each.reject(error);
    }
  };
  const store = async (group: readonly WaitingBatch[], isLoaded: boolean): Promise<Acknowledgement[]> => {
    const written: RecordRow[] = [];
    const nowMs = clock.nowMs();
    const moments = group.flatMap((each) => each.batch.records.map((record) => timeOf(record, each.arrivedAtMs).atMs));
    await layers.ensure(moments, nowMs);
    const { acknowledgements, shed, invalid, held } = await db.transaction(async (tx) => {
      const held = await cursors.hold(tx, group.map(streamOf), nowMs);
      const rows: RecordRow[] = [];
      const shed: [TelemetryKind, number][] = [];
      let invalid = 0;
      const acknowledgements = group.map((each): Acknowledgement => {
        const { cursor } = held.get(keyOf(streamOf(each))) as HeldCursor;
        const delivery = advance(cursor, each.batch, isLoaded && lossyKinds.has(each.kind));
        shed.push([each.kind, delivery.cursor.shed - cursor.shed]);
        Object.assign(cursor, delivery.cursor);
        const fresh = rowsOf(each, delivery);
        invalid += delivery.fresh.length - fresh.length;
        rows.push(...fresh);
        return { streamId: each.batch.streamId, sequence: cursor.sequence };
      });
      await layers.add(tx, rows, nowMs);
      await project?.(tx, rows);
      await cursors.write(tx, held, nowMs);
      written.push(...rows);
      return { acknowledgements, shed, invalid, held };
    });
    cursors.remember(held);
    for (const [kind, records] of shed) watch.shed(kind, records);
    watch.invalid(invalid);
    stored?.(written);
    return acknowledgements;
  };
  return {
    add(device, kind, batch, bytes = batch.records.length * RECORD_BYTES) {
      return new Promise((resolve, reject) => {
        const sequences = batch.records.map(({ sequence }) => sequence);
        const [first, last] = sequences.length === 0 ? [0, 0] : [Math.min(...sequences), Math.max(...sequences)];
        const arrivedAtMs = clock.nowMs();
        const { superseded, deferred } = room.add({
          ...{ device, kind, streamId: batch.streamId, first, last, bytes, batch, arrivedAtMs, resolve, reject },
        });
        superseded?.resolve(undefined);
        for (const each of deferred) {
          watch.deferred(each.kind);
          each.resolve(undefined);
        }
        startFlush();
      });
    },
    async acknowledged(device, streamId) {
      const cursors = (await streams.add(`${device} ${streamId}`, { device, streamId })) ?? [];
      return cursors
        .filter((cursor) => cursor.sequence > 0)
        .map((cursor) => ({ kind: telemetryKindSchema.parse(cursor.kind), acknowledgement: { streamId, sequence: cursor.sequence } }));
    },
    load: watch.load,
    async idle() {
      while (flushing !== undefined) await flushing;
    },
  };
}

function streamOf({ device, kind, batch }: WaitingBatch): StreamKey {
  return { device, kind, streamId: batch.streamId };
}

/** When a record was made, as far as its clock can be believed; else when it came. */
function timeOf({ wallMs, clock }: TelemetryRecord, arrivedAtMs: number): { atMs: number; clock: string } {
  const isPlausible = wallMs <= arrivedAtMs + FUTURE_MS && wallMs >= arrivedAtMs - PAST_MS;
  return isPlausible ? { atMs: wallMs, clock } : { atMs: arrivedAtMs, clock: 'implausible' };
}

/** One bad record must not hold up its stream: it is passed over, and its sequence counts as stored. */
function rowsOf({ device, kind, batch, arrivedAtMs }: WaitingBatch, { fresh }: Delivery): RecordRow[] {
  return fresh.flatMap((record): RecordRow[] => {
    const payload = telemetryKinds[kind].safeParse(record.payload);
    if (!payload.success) return [];
    const { sequence, bootId, monotonicMs, wallMs } = record;
    const time = timeOf(record, arrivedAtMs);
    return [{ device, streamId: batch.streamId, kind, sequence, bootId, monotonicMs, wallMs, arrivedAtMs, ...time, payload: payload.data }];
  });
}
