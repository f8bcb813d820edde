import {
  type CaptureCounts,
  type CaptureEnd,
  type CaptureManifest,
  type CommandArguments,
  type CommandProgress,
  isStarlingError,
  messageOf,
  type TapCounts,
  type TapMessage,
} from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import type { FileStore } from '../ports/file-store.ts';
import type { Log } from '../ports/log.ts';
import type { RuntimeHost, StartedTap } from '../ports/runtime-host.ts';
import type { OpenTap } from '../taps/index.ts';
import { type CaptureHead, type CaptureState, captureFileOf, encodeCaptureRecord, nothingCounted } from './capture-file.ts';

export interface RecordingPorts {
  device: string;
  files: FileStore;
  clock: Clock;
  log: Log;
  host: Pick<RuntimeHost, 'tap' | 'untap'>;
}

/** One capture, while it keeps values. */
export interface Recording {
  /** Resolves once it is over and on the disk. @throws what kept it from beginning */
  readonly manifest: Promise<CaptureManifest>;
  receive(message: TapMessage): void;
  hostEnded(): void;
  /** Ends it with what there is. @returns false if it was over already, or has not begun */
  stop(): boolean;
  /** Nothing is written any more once this resolves. */
  close(): Promise<void>;
  /** Undefined once it is over. */
  shown(): OpenTap | undefined;
}

export interface RecordingGiven {
  id: string;
  account: string;
  asked: CommandArguments<'capture'>;
  notAfterMs: number;
}

/** A release that is not there yet, after a start or a crash, is asked for again this often. */
const RETRY_MS = 1_000;
/** Values that wait for the disk: more means that it is slower than the edges. */
const WAITING_BYTES_MAXIMUM = 2 * 1024 * 1024;

/** @param before what a life before this one has kept */
export function openRecording(
  { id, account, asked, notAfterMs }: RecordingGiven,
  before: CaptureState | undefined,
  { device, files, clock, log, host }: RecordingPorts,
  onProgress: (progress: CommandProgress) => void,
): Recording {
  const name = captureFileOf(id);
  let head = before?.head;
  let { items, sizeBytes, interruptions } = before ?? { items: 0, sizeBytes: 0, interruptions: 0 };
  /** Of the taps that have ended, and of the one that runs. */
  let counted = before?.counts ?? nothingCounted;
  let counting = nothingCounted;
  let ended = before?.ended;
  let isWatching = false;
  /** It is known that the values are of the release that it began with. */
  let isConfirmed = false;
  let isClosed = false;
  let waitingBytes = 0;
  let cancelRetry = (): void => undefined;
  let writing: Promise<void> = Promise.resolve();
  let resolve: (manifest: CaptureManifest) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const manifest = new Promise<CaptureManifest>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Whoever closes it early waits for nothing.
  manifest.catch(() => undefined);

  const nowMs = (): number => Math.max(0, Math.round(clock.wallMs()));
  const counts = (): CaptureCounts => added(counted, counting);
  const count = ({ link: _link, ...told }: TapCounts): void => {
    counting = { ...told, disk: counting.disk };
  };
  const untilMs = (): number => (head?.startedAtMs ?? nowMs()) + asked.durationMs;
  /** A clock that was set back does not make it longer than it was asked for. */
  const leftMs = (): number => Math.min(asked.durationMs, Math.max(0, untilMs() - nowMs()));

  const exclusively = (work: () => Promise<void>): void => {
    writing = writing.then(work).catch((error: unknown) => {
      log.warn('a capture ends early', { capture: id, reason: messageOf(error) });
      // What stands before is whole. Nothing is added behind what may be torn.
      finish('disk-failed');
    });
  };
  const append = async (record: Uint8Array): Promise<void> => {
    await files.append(name, record);
    sizeBytes += record.length;
  };
  const finish = (end: CaptureEnd): void => {
    ended ??= { end, atMs: nowMs() };
    if (head === undefined) return;
    const { notAfterMs: _notAfterMs, ...known } = head;
    resolve({ kind: 'capture', schemaVersion: 1, ...known, endedAtMs: ended.atMs, end: ended.end, items, interruptions, counts: counts() });
  };
  const unwatch = async (): Promise<TapCounts | undefined> => {
    cancelRetry();
    if (!isWatching) return undefined;
    isWatching = false;
    return host.untap(id).catch(() => undefined);
  };
  const retry = (): void => {
    isWatching = false;
    cancelRetry();
    cancelRetry = clock.after(RETRY_MS, () => void watch());
  };
  const end = (reason: CaptureEnd): boolean => {
    if (ended !== undefined || isClosed || head === undefined) return false;
    ended = { end: reason, atMs: nowMs() };
    const { atMs } = ended;
    const last = unwatch();
    exclusively(async () => {
      const told = await last;
      if (told !== undefined) count(told);
      await append(encodeCaptureRecord({ type: 'ended', end: reason, counts: counts(), atMs }));
      finish(reason);
    });
    return true;
  };
  /** Behind the values that wait for the disk. */
  const endInOrder = (reason: CaptureEnd): void => exclusively(async () => void end(reason));
  const keep = async (record: Uint8Array): Promise<void> => {
    waitingBytes -= record.length;
    if (ended !== undefined || isClosed) return;
    if (sizeBytes + record.length > asked.fileBytes) return void end('bytes');
    await append(record);
    items += 1;
    onProgress({ done: items, total: asked.items, what: 'items' });
    if (items >= asked.items) end('items');
  };
  const begin = async (started: StartedTap): Promise<void> => {
    if (head === undefined) {
      const { pipeline, release, edges } = started;
      head = { id, device, account, pipeline, release, edges, asked, startedAtMs: nowMs(), notAfterMs } satisfies CaptureHead;
      return append(encodeCaptureRecord({ type: 'begun', head }));
    }
    interruptions += 1;
    await append(encodeCaptureRecord({ type: 'resumed', atMs: nowMs() }));
  };
  /** Watches, or watches again. */
  const watch = async (): Promise<void> => {
    if (ended !== undefined || isClosed || isWatching) return;
    // Killed between the last value and its end.
    if (items >= asked.items) return void end('items');
    if (leftMs() === 0) return void end('expired');
    try {
      isWatching = true;
      isConfirmed = false;
      counted = counts();
      counting = nothingCounted;
      const { pipeline, edges, every, maximumPerSecond, maximumBytes } = asked;
      const durationMs = Math.max(1, leftMs());
      const started = await host.tap({ tap: id, pipeline, edges, every, maximumPerSecond, maximumBytes, durationMs, isCapture: true });
      // What was allowed of one release says nothing about another.
      if (head !== undefined && head.release !== started.release) return void end('release-changed');
      isConfirmed = true;
      exclusively(() => begin(started));
    } catch (error) {
      isWatching = false;
      if (head === undefined) reject(error);
      else if (isStarlingError(error) && error.retryable) retry();
      else end('release-changed');
    }
  };
  if (ended === undefined) void watch();
  else finish(ended.end);
  return {
    manifest,
    receive({ edge, item, value, counts: told, end: over }) {
      if (ended !== undefined || isClosed) return;
      count(told);
      if (over !== undefined) {
        isWatching = false;
        if (over === 'host-ended') retry();
        else endInOrder(over === 'replay-done' ? 'stopped' : over);
      }
      if (!isConfirmed || edge === undefined || item === undefined || value === undefined) return;
      const record = encodeCaptureRecord({ type: 'kept', kept: { edge, item, value, atMs: nowMs() }, counts: counts() });
      if (waitingBytes + record.length > WAITING_BYTES_MAXIMUM) {
        counting = { ...counting, disk: counting.disk + 1 };
        return;
      }
      waitingBytes += record.length;
      exclusively(() => keep(record));
    },
    hostEnded() {
      if (isWatching) retry();
    },
    stop() {
      if (ended !== undefined || isClosed || head === undefined) return false;
      endInOrder('stopped');
      return true;
    },
    async close() {
      isClosed = true;
      void unwatch();
      await writing;
    },
    shown: () =>
      ended !== undefined || isClosed || head === undefined
        ? undefined
        : { tap: id, edges: head.edges, account, untilMs: untilMs(), isKept: true },
  };
}

function added(left: CaptureCounts, right: CaptureCounts): CaptureCounts {
  return {
    seen: left.seen + right.seen,
    skipped: left.skipped + right.skipped,
    rate: left.rate + right.rate,
    busy: left.busy + right.busy,
    disk: left.disk + right.disk,
  };
}
