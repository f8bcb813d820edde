import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import {
  type ChunkFrame,
  cborEncode,
  decodeChunkFrame,
  hexToBytes,
  PULL_WINDOW_BYTES,
  StarlingError,
  WANT_CHUNKS_MAXIMUM,
} from '@starling/shared';
import type { CrowdFigures } from './messages.ts';

/** Asks for chunks as agents do, with the same window. What comes is verified, counted, and given to whoever asked: nothing is kept. */
export interface Puller {
  /** @returns its raw bytes. @throws StarlingError `chunk-missing`, `chunk-damaged`, `cancelled` */
  chunk(digest: string, signal: AbortSignal): Promise<Uint8Array>;
  receive(frame: Uint8Array): void;
  /** A session has begun, or ended. Chunks that were under way are asked for again. */
  online(): void;
  offline(): void;
}

interface PullerParts {
  publish(want: Uint8Array): void;
  after(ms: number, act: () => void, name: string): void;
  stop(name: string): void;
  figures: Pick<CrowdFigures, 'pulledChunks' | 'pulledBytes' | 'refusedChunks'>;
}

interface Waiting {
  resolve(bytes: Uint8Array): void;
  reject(error: StarlingError): void;
  damaged: number;
}

/** As in agents: chunks under way, and bytes after which the fleet is told that it may go on. */
export const CHUNKS_IN_FLIGHT = 48;
const CONFIRM_BYTES = PULL_WINDOW_BYTES / 4;
const ASK_AT_ONCE = 12;
const DAMAGED_MAXIMUM = 3;
const SILENCE_MS = 10_000;
const SILENCE = 'pull-silence';

export function createPuller({ publish, after, stop, figures }: PullerParts): Puller {
  const waiting = new Map<string, Waiting>();
  let unasked: string[] = [];
  let [want, received, unconfirmedBytes] = [0, 0, 0];
  let [isOnline, isAsking] = [false, false];

  const watchSilence = (): void => {
    if (waiting.size === 0 || !isOnline) stop(SILENCE);
    else after(SILENCE_MS, askAgain, SILENCE);
  };
  const ask = (cancel: boolean): void => {
    const chunks = unasked.splice(0, WANT_CHUNKS_MAXIMUM);
    want += 1;
    unconfirmedBytes = 0;
    publish(cborEncode({ want, chunks: chunks.map(hexToBytes), receivedChunks: received, creditBytes: PULL_WINDOW_BYTES, cancel }));
    watchSilence();
  };
  const shouldAsk = (): boolean => isOnline && unasked.length > 0 && waiting.size - unasked.length <= CHUNKS_IN_FLIGHT - ASK_AT_ONCE;
  /** What is asked for in one turn goes out in one message. */
  const askSoon = (): void => {
    if (isAsking || !shouldAsk()) return;
    isAsking = true;
    queueMicrotask(() => {
      isAsking = false;
      while (shouldAsk()) ask(false);
    });
  };
  const askAgain = (): void => {
    unasked = [...waiting.keys()];
    ask(true);
    askSoon();
  };
  const refuse = (digest: string, entry: Waiting): void => {
    figures.refusedChunks += 1;
    entry.damaged += 1;
    if (entry.damaged < DAMAGED_MAXIMUM) {
      unasked.push(digest);
      askSoon();
      return;
    }
    waiting.delete(digest);
    entry.reject(new StarlingError('chunk-damaged', `chunk ${digest} came damaged ${DAMAGED_MAXIMUM} times`, { retryable: true }));
  };
  const take = (frame: ChunkFrame): void => {
    const { digest } = frame;
    const entry = waiting.get(digest);
    if (entry === undefined) return;
    if (frame.kind === 'missing') {
      waiting.delete(digest);
      entry.reject(new StarlingError('chunk-missing', `the fleet does not give chunk ${digest}`, { retryable: true }));
      return;
    }
    const bytes = open(frame);
    if (bytes === undefined) {
      refuse(digest, entry);
      return;
    }
    figures.pulledChunks += 1;
    figures.pulledBytes += frame.payload.length;
    waiting.delete(digest);
    entry.resolve(bytes);
  };
  return {
    chunk: (digest, signal) =>
      new Promise((resolve, reject) => {
        const cancelled = (): void => {
          waiting.delete(digest);
          unasked = unasked.filter((each) => each !== digest);
          reject(new StarlingError('cancelled', 'the pull was cancelled', { retryable: true }));
        };
        if (signal.aborted) return cancelled();
        signal.addEventListener('abort', cancelled, { once: true });
        const settled = (): void => signal.removeEventListener('abort', cancelled);
        waiting.set(digest, {
          damaged: 0,
          resolve: (bytes) => {
            settled();
            resolve(bytes);
          },
          reject: (error) => {
            settled();
            reject(error);
          },
        });
        unasked.push(digest);
        askSoon();
      }),
    receive(message) {
      const frame = decodeChunkFrame(message);
      received += 1;
      take(frame);
      unconfirmedBytes += frame.kind === 'chunk' ? frame.payload.length : 0;
      if (unconfirmedBytes >= CONFIRM_BYTES) ask(false);
      else askSoon();
      watchSilence();
    },
    online() {
      isOnline = true;
      // The fleet forgets a session with its connection.
      [received, unconfirmedBytes] = [0, 0];
      if (waiting.size > 0) askAgain();
    },
    offline() {
      isOnline = false;
      stop(SILENCE);
    },
  };
}

/** Verified raw bytes, or nothing. */
function open(frame: Extract<ChunkFrame, { kind: 'chunk' }>): Uint8Array | undefined {
  try {
    const bytes = frame.compressed ? inflateRawSync(frame.payload, { maxOutputLength: frame.sizeBytes }) : frame.payload;
    const isWhole = bytes.length === frame.sizeBytes && createHash('sha256').update(bytes).digest('hex') === frame.digest;
    return isWhole ? bytes : undefined;
  } catch {
    return undefined;
  }
}
