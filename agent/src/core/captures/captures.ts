import {
  CAPTURES_DISK_BYTES_MAXIMUM,
  type CommandArguments,
  type CommandProgress,
  type CommandResultOf,
  messageOf,
  StarlingError,
  type TapMessage,
} from '@starling/shared';
import type { Journal } from '../journal/index.ts';
import type { Trust } from '../link/index.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { RuntimeHost } from '../ports/runtime-host.ts';
import type { OpenTap } from '../taps/index.ts';
import type { Uploads } from '../uploads/index.ts';
import { captureDocument, captureFileOf, listCaptures, readCapture } from './capture-file.ts';
import { openRecording, type Recording, type RecordingPorts } from './recording.ts';

/**
 * INVARIANTS
 * - A value is on the disk before it counts as kept: whatever ends the agent, at most the one that is being written is lost.
 * - A file goes only after the result of its command is in the journal, or once nobody may ask for it any more.
 * - All captures together keep within CAPTURES_DISK_BYTES_MAXIMUM: room is set aside before the first value.
 */
export interface Captures {
  /**
   * Keeps, or goes on where a life before this one ended, and resolves when the fleet has stored all of it.
   * @throws StarlingError what `RuntimeHost.tap` throws, `captures-full`, `disk-full`, `command-expired`, `cancelled`
   */
  run(command: CaptureCommand): Promise<CommandResultOf<'capture'>>;
  /** @returns false if there is no such capture that still keeps */
  stop(id: string): boolean;
  /** @returns false if the message belongs to no capture */
  receive(message: TapMessage): boolean;
  /** The host is gone, and what it watched with it: it is watched again when it is back. */
  hostEnded(): void;
  /** Its result is in the journal: what it kept is not needed here any more. */
  forget(id: string): Promise<void>;
  /** Who keeps what, for those in front of the device. */
  open(): OpenTap[];
  /** Writes what is under way, and nothing more: a next life goes on. */
  close(): Promise<void>;
}

export interface CaptureCommand {
  id: string;
  account: string;
  asked: CommandArguments<'capture'>;
  notAfterMs: number;
  signal: AbortSignal;
  onProgress(progress: CommandProgress): void;
}

export interface CapturePorts extends Pick<RecordingPorts, 'files' | 'clock' | 'log'> {
  device: string;
  host: Pick<RuntimeHost, 'tap' | 'untap'>;
  store: Pick<BlobStore, 'freeBytes'>;
  uploads: Pick<Uploads, 'send'>;
  trust: Pick<Trust, 'nowMs'>;
  journal: Pick<Journal, 'state'>;
}

/** Left free for everything else. */
const RESERVE_BYTES = 64 * 1024 * 1024;

export async function openCaptures(ports: CapturePorts): Promise<Captures> {
  const { files, clock, uploads } = ports;
  /** Room that is set aside, by capture: of those that are under way, and of those that a life before left. */
  const reserved = await takeStock(ports);
  const recordings = new Map<string, Recording>();

  const reserve = async (id: string, bytes: number, notAfterMs: number): Promise<void> => {
    if (reserved.has(id)) return;
    const expired = [...reserved].filter(([each, room]) => !recordings.has(each) && isPast(room.notAfterMs, ports));
    for (const [each] of expired) await release(each);
    const takenBytes = [...reserved.values()].reduce((sum, room) => sum + room.bytes, 0);
    if (takenBytes + bytes > CAPTURES_DISK_BYTES_MAXIMUM) {
      throw new StarlingError(
        'captures-full',
        `captures on this device have set aside ${takenBytes} of ${CAPTURES_DISK_BYTES_MAXIMUM} bytes`,
        {
          field: 'arguments.fileBytes',
          hint: 'wait until one of them is uploaded, end one with capture-stop, or ask for less',
          retryable: true,
        },
      );
    }
    // Now, not after the next wait: two that begin at once share one budget.
    reserved.set(id, { bytes, notAfterMs });
    const freeBytes = await ports.store.freeBytes();
    if (bytes + RESERVE_BYTES <= freeBytes) return;
    reserved.delete(id);
    throw new StarlingError('disk-full', `${bytes} bytes and a reserve of ${RESERVE_BYTES} are needed, ${freeBytes} are free`, {
      field: 'arguments.fileBytes',
      hint: 'make room on the device, or ask for less',
    });
  };
  const release = async (id: string): Promise<void> => {
    await recordings.get(id)?.close();
    recordings.delete(id);
    reserved.delete(id);
    await files.remove(captureFileOf(id));
  };
  return {
    async run({ id, account, asked, notAfterMs, signal, onProgress }) {
      const before = await readCapture(files, id);
      await reserve(id, asked.fileBytes, notAfterMs);
      const recording = openRecording({ id, account, asked, notAfterMs }, before, ports, onProgress);
      recordings.set(id, recording);
      const until = untilAborted(signal, clock, notAfterMs - (ports.trust.nowMs() ?? clock.wallMs()));
      try {
        const manifest = await Promise.race([recording.manifest, until.aborted]);
        const document = captureDocument((await files.read(captureFileOf(id))) ?? new Uint8Array(0), manifest);
        onProgress({ done: manifest.items, total: manifest.items, what: 'items, uploading' });
        await uploads.send(id, document, until.signal);
        const { pipeline, release: digest, edges, end, items, interruptions, counts } = manifest;
        return { pipeline, release: digest, edges, end, items, interruptions, counts, sizeBytes: document.length };
      } finally {
        until.stop();
        await recording.close();
      }
    },
    stop: (id) => recordings.get(id)?.stop() ?? false,
    receive(message) {
      const recording = recordings.get(message.tap);
      recording?.receive(message);
      return recording !== undefined;
    },
    hostEnded() {
      for (const recording of recordings.values()) recording.hostEnded();
    },
    async forget(id) {
      if (reserved.has(id)) await release(id);
    },
    async close() {
      await Promise.all([...recordings.values()].map((recording) => recording.close()));
    },
    open: () => [...recordings.values()].flatMap((recording) => recording.shown() ?? []),
  };
}

interface Room {
  bytes: number;
  notAfterMs: number;
}

function isPast(notAfterMs: number, { trust }: Pick<CapturePorts, 'trust'>): boolean {
  return (trust.nowMs() ?? 0) > notAfterMs;
}

/** Deletes what nobody can ask for any more. @returns room that the others have set aside */
async function takeStock(ports: CapturePorts): Promise<Map<string, Room>> {
  const { files, journal, log } = ports;
  const reserved = new Map<string, Room>();
  for (const id of await listCaptures(files)) {
    const state = await readCapture(files, id).catch(() => undefined);
    const isOver = state === undefined || journal.state.executed[id] !== undefined || isPast(state.head.notAfterMs, ports);
    if (!isOver) reserved.set(id, { bytes: state.head.asked.fileBytes, notAfterMs: state.head.notAfterMs });
    else {
      if (state !== undefined && journal.state.executed[id] === undefined)
        log.warn('a capture has expired before the fleet had it', { capture: id, items: state.items });
      await files.remove(captureFileOf(id)).catch((error: unknown) => log.warn('a capture was not deleted', { reason: messageOf(error) }));
    }
  }
  return reserved;
}

/** Ends with the signal, or when the command has expired: the fleet takes nothing of it any more. */
function untilAborted(signal: AbortSignal, clock: Pick<Clock, 'after'>, leftMs: number) {
  const own = new AbortController();
  const expired = new StarlingError('command-expired', 'the command has expired before the fleet had all of it', {
    hint: 'was the device away? ask again',
  });
  const cancel = clock.after(Math.max(0, leftMs), () => own.abort(expired));
  const both = AbortSignal.any([signal, own.signal]);
  const aborted = new Promise<never>((_, reject) => {
    both.addEventListener('abort', () => reject(both.reason), { once: true });
    if (both.aborted) reject(both.reason);
  });
  // Whoever waits hears of it; nobody may wait.
  aborted.catch(() => undefined);
  return { signal: both, aborted, stop: cancel };
}
