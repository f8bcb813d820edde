import {
  type Acknowledgement,
  cborEncode,
  type DroppedRange,
  TELEMETRY_BATCH_BYTES_MAXIMUM,
  type TelemetryBatch,
  type TelemetryKind,
  type TelemetryPayload,
  type TelemetryRecord,
  telemetryKinds,
} from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import type { FileStore } from '../ports/file-store.ts';
import { encodeRecord, parseSegmentName, readSegment, SEGMENT_BYTES, type Segment, segmentName } from './segments.ts';

/** Telemetry that the fleet has not confirmed, on disk within a budget. */
export interface Spool {
  add<Kind extends TelemetryKind>(kind: Kind, payload: TelemetryPayload<Kind>): Promise<void>;
  acknowledged(kind: TelemetryKind, acknowledgement: Acknowledgement): Promise<void>;
  online(): void;
  offline(): void;
  sizeBytes(): number;
  close(): void;
}

export interface SpoolPorts {
  files: FileStore;
  clock: Clock;
  streamId: string;
  bootId: string;
  budgetBytes: number;
  /** Trusted now, if the device knows it. */
  trustedNowMs(): number | undefined;
  publish(kind: TelemetryKind, payload: Uint8Array): Promise<boolean>;
}

/** Least valuable first: what goes when the budget is used up. */
const dropOrder: readonly TelemetryKind[] = ['traces', 'health', 'energy', 'inference', 'drift', 'events'];
/** No acknowledgement for this long: the batch is sent again. */
const RESEND_MS = 10_000;
/** Room for the batch's own fields and the ranges that were dropped. */
const BATCH_ROOM_BYTES = TELEMETRY_BATCH_BYTES_MAXIMUM - 16 * 1024;
const BATCH_RECORDS = 1_000;

interface Queue {
  streamId: string;
  kind: TelemetryKind;
  segments: Segment[];
  acknowledged: number;
  dropped: DroppedRange[];
  inFlight: boolean;
  cancelResend: () => void;
}

export async function openSpool(ports: SpoolPorts): Promise<Spool> {
  const { files, clock } = ports;
  const queues = new Map<string, Queue>();
  let isOnline = false;
  let closed = false;
  let writing: Promise<void> = Promise.resolve();

  const queueOf = (streamId: string, kind: TelemetryKind): Queue => {
    const key = `${streamId} ${kind}`;
    const known = queues.get(key);
    if (known !== undefined) return known;
    const queue: Queue = { streamId, kind, segments: [], acknowledged: 0, dropped: [], inFlight: false, cancelResend: () => undefined };
    queues.set(key, queue);
    return queue;
  };
  await loadSegments(files, queueOf);

  const totalBytes = (): number =>
    [...queues.values()].flatMap((queue) => queue.segments).reduce((sum, segment) => sum + segment.sizeBytes, 0);
  const makeRoom = async (): Promise<void> => {
    while (totalBytes() > ports.budgetBytes) {
      const victim = dropOrder
        .flatMap((kind) => [...queues.values()].filter((queue) => queue.kind === kind))
        .find((queue) => queue.segments.length > (queue.streamId === ports.streamId ? 1 : 0));
      const segment = victim?.segments.shift();
      if (victim === undefined || segment === undefined) return;
      victim.dropped.push({ from: Math.max(segment.first, victim.acknowledged + 1), to: segment.last });
      victim.dropped = joinRanges(victim.dropped);
      await files.remove(segment.name);
    }
  };
  const append = async (kind: TelemetryKind, payload: unknown): Promise<void> => {
    const queue = queueOf(ports.streamId, kind);
    const last = queue.segments.at(-1);
    const sequence = Math.max(last?.last ?? 0, queue.acknowledged, queue.dropped.at(-1)?.to ?? 0) + 1;
    const trustedMs = ports.trustedNowMs();
    const record: TelemetryRecord = {
      sequence,
      bootId: ports.bootId,
      monotonicMs: clock.monotonicMs(),
      wallMs: Math.max(0, Math.round(trustedMs ?? clock.wallMs())),
      clock: trustedMs === undefined ? 'unverified' : 'trusted',
      payload,
    };
    const bytes = encodeRecord(record);
    const target = last !== undefined && last.sizeBytes + bytes.length <= SEGMENT_BYTES ? last : newSegment(queue, sequence);
    try {
      await files.append(target.name, bytes);
    } catch (error) {
      await leaveTorn(queue, target);
      throw error;
    }
    target.last = sequence;
    target.sizeBytes += bytes.length;
    await makeRoom();
  };
  /** A write that failed may have left part of a record, behind which nothing could be read: the next one goes into a new file. */
  const leaveTorn = async (queue: Queue, segment: Segment): Promise<void> => {
    if (segment.sizeBytes > 0) {
      segment.sizeBytes = Math.max(segment.sizeBytes, SEGMENT_BYTES);
      return;
    }
    queue.segments = queue.segments.filter((each) => each !== segment);
    await files.remove(segment.name).catch(() => undefined);
  };
  const send = async (queue: Queue): Promise<void> => {
    if (!isOnline || closed || queue.inFlight) return;
    queue.inFlight = true;
    const batch = await nextBatch(queue, files);
    const sent = batch !== undefined && (await ports.publish(queue.kind, cborEncode(batch)));
    if (!sent) {
      queue.inFlight = false;
      return;
    }
    queue.cancelResend = clock.after(RESEND_MS, () => {
      queue.inFlight = false;
      void send(queue);
    });
  };
  const exclusively = (work: () => Promise<void>): Promise<void> => {
    const done = writing.then(work);
    writing = done.catch(() => undefined);
    return done;
  };
  return {
    async add(kind, payload) {
      await exclusively(() => append(kind, telemetryKinds[kind].parse(payload)));
      void send(queueOf(ports.streamId, kind));
    },
    async acknowledged(kind, { streamId, sequence }) {
      const queue = queues.get(`${streamId} ${kind}`);
      if (queue === undefined) return;
      await exclusively(async () => {
        queue.acknowledged = Math.max(queue.acknowledged, sequence);
        queue.dropped = queue.dropped.filter((range) => range.to > sequence);
        for (const segment of queue.segments.filter((each) => each.last <= sequence)) await files.remove(segment.name);
        queue.segments = queue.segments.filter((segment) => segment.last > sequence);
        // A stream of an earlier life ends with its last acknowledgement.
        if (queue.segments.length === 0 && streamId !== ports.streamId) queues.delete(`${streamId} ${kind}`);
      });
      queue.cancelResend();
      queue.inFlight = false;
      void send(queue);
    },
    online() {
      isOnline = true;
      for (const queue of queues.values()) {
        queue.cancelResend();
        queue.inFlight = false;
        void send(queue);
      }
    },
    offline() {
      isOnline = false;
      for (const queue of queues.values()) queue.cancelResend();
    },
    sizeBytes: totalBytes,
    close() {
      closed = true;
      for (const queue of queues.values()) queue.cancelResend();
    },
  };
}

async function loadSegments(files: FileStore, queueOf: (streamId: string, kind: TelemetryKind) => Queue): Promise<void> {
  const listed = await files.list('spool-');
  for (const { name, sizeBytes } of listed.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const parsed = parseSegmentName(name);
    if (parsed === undefined || !(parsed.kind in telemetryKinds)) continue;
    const records = await readSegment(files, name);
    const last = records.at(-1)?.sequence;
    if (last === undefined) await files.remove(name);
    else queueOf(parsed.streamId, parsed.kind).segments.push({ name, first: parsed.first, last, sizeBytes });
  }
  // A gap between segments was dropped by an earlier life; it is declared again.
}

function newSegment(queue: Queue, first: number): Segment {
  const segment: Segment = { name: segmentName(queue.streamId, queue.kind, first), first, last: first, sizeBytes: 0 };
  queue.segments.push(segment);
  return segment;
}

/** The next records that are not acknowledged, up to the size of a batch, with the gaps among them declared. */
async function nextBatch(queue: Queue, files: FileStore): Promise<TelemetryBatch | undefined> {
  const records: TelemetryRecord[] = [];
  let bytes = 0;
  for (const segment of [...queue.segments]) {
    if (bytes >= BATCH_ROOM_BYTES - SEGMENT_BYTES || records.length >= BATCH_RECORDS) break;
    for (const record of await readSegment(files, segment.name)) {
      if (record.sequence <= queue.acknowledged || records.length >= BATCH_RECORDS) continue;
      records.push(record);
    }
    bytes += segment.sizeBytes;
  }
  const dropped = declaredGaps(queue, records);
  if (records.length === 0 && dropped.length === 0) return undefined;
  return { streamId: queue.streamId, records, dropped: dropped.slice(0, 256) };
}

/** A device never skips a sequence, so every hole in front of a record is something it had to drop. */
function declaredGaps(queue: Queue, records: readonly TelemetryRecord[]): DroppedRange[] {
  const gaps: DroppedRange[] = [];
  let expected = queue.acknowledged + 1;
  for (const { sequence } of records) {
    if (sequence > expected) gaps.push({ from: expected, to: sequence - 1 });
    expected = sequence + 1;
  }
  const last = queue.dropped.at(-1);
  if (records.length === 0 && last !== undefined) gaps.push({ from: expected, to: last.to });
  return gaps;
}

function joinRanges(ranges: readonly DroppedRange[]): DroppedRange[] {
  const joined: DroppedRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last !== undefined && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else joined.push({ ...range });
  }
  return joined;
}
