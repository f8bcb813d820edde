import {
  type BlobManifest,
  type ChunkFrame,
  cborEncode,
  hexToBytes,
  messageOf,
  PULL_WINDOW_BYTES,
  readManifest,
  StarlingError,
  WANT_CHUNKS_MAXIMUM,
} from '@starling/shared';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Hash } from '../ports/hash.ts';
import type { Inflate } from '../ports/inflate.ts';
import type { Log } from '../ports/log.ts';

export interface PullProgress {
  doneBytes: number;
  totalBytes: number;
}

export interface Puller {
  /** A signed document or golden set, from disk or from the fleet. @throws StarlingError `chunk-missing`, `chunk-damaged`, `offline` */
  document(digest: string, signal: AbortSignal): Promise<Uint8Array>;
  /** Pulls what is missing of a blob. @returns its manifest */
  blob(
    manifest: string,
    known: readonly BlobManifest[],
    signal: AbortSignal,
    onProgress?: (progress: PullProgress) => void,
  ): Promise<BlobManifest>;
  receive(frame: ChunkFrame): Promise<void>;
  online(): void;
  offline(): void;
  counters(): { chunks: number; bytes: number; refused: number };
}

interface PullPorts {
  store: BlobStore;
  clock: Clock;
  log: Log;
  inflate: Inflate;
  hash: Hash;
  /** Publishes a want; false while there is no session. */
  publish(payload: Uint8Array): Promise<boolean>;
  refused(reason: string): void;
}

interface Waiting {
  accept(bytes: Uint8Array): Promise<void>;
  reject(error: unknown): void;
  /** Bad copies so far. */
  damaged: number;
}

/** Chunks of one blob that are asked for and not here yet: their sum stays within the credit even if all are of the largest size. */
const CHUNKS_IN_FLIGHT = 48;
/** A confirmation goes out after this many bytes, so that the fleet can keep sending. */
const CONFIRM_BYTES = PULL_WINDOW_BYTES / 4;
/** While plenty is under way, chunks are asked for this many at a time: each message costs the fleet more than its chunks. */
const ASK_AT_ONCE = 12;
/** Bad copies of one chunk before the pull is given up. */
const DAMAGED_MAXIMUM = 3;
/** Nothing has come for this long: ask again. */
const SILENCE_MS = 10_000;

export function createPuller(ports: PullPorts): Puller {
  const { store, clock } = ports;
  const waiting = new Map<string, Waiting[]>();
  const counters = { chunks: 0, bytes: 0, refused: 0 };
  let unasked: string[] = [];
  let want = 0;
  let received = 0;
  let unconfirmedBytes = 0;
  let isOnline = false;
  let asking = false;
  let cancelSilence = (): void => undefined;

  const watchSilence = (): void => {
    cancelSilence();
    cancelSilence = waiting.size === 0 || !isOnline ? () => undefined : clock.after(SILENCE_MS, askAgain);
  };
  const ask = async (cancel: boolean): Promise<void> => {
    const chunks = unasked.splice(0, WANT_CHUNKS_MAXIMUM);
    want += 1;
    unconfirmedBytes = 0;
    const message = { want, chunks: chunks.map(hexToBytes), receivedChunks: received, creditBytes: PULL_WINDOW_BYTES, cancel };
    if (!(await ports.publish(cborEncode(message)))) unasked.unshift(...chunks);
    watchSilence();
  };
  const shouldAsk = (): boolean => isOnline && unasked.length > 0 && waiting.size - unasked.length <= CHUNKS_IN_FLIGHT - ASK_AT_ONCE;
  /** Requests that are made in one turn go out in one message. */
  const askSoon = (): void => {
    if (asking || !shouldAsk()) return;
    asking = true;
    Promise.resolve()
      .then(async () => {
        while (shouldAsk()) await ask(false);
      })
      .finally(() => {
        asking = false;
      });
  };
  const askAgain = (): void => {
    unasked = [...waiting.keys()];
    void ask(true).then(askSoon);
  };
  const request = (digest: string, signal: AbortSignal, accept: (bytes: Uint8Array) => Promise<void>): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(cancelled());
      const entry: Waiting = { accept: (bytes) => accept(bytes).then(resolve, reject), reject, damaged: 0 };
      const others = waiting.get(digest);
      if (others === undefined) {
        waiting.set(digest, [entry]);
        unasked.push(digest);
        askSoon();
      } else others.push(entry);
      signal.addEventListener(
        'abort',
        () => {
          const left = waiting.get(digest)?.filter((each) => each !== entry) ?? [];
          if (left.length === 0) waiting.delete(digest);
          else waiting.set(digest, left);
          unasked = unasked.filter((each) => waiting.has(each));
          reject(cancelled());
        },
        { once: true },
      );
    });
  const refuse = (digest: string, entries: Waiting[], reason: string): void => {
    counters.refused += 1;
    ports.refused(`chunk ${digest.slice(0, 12)}: ${reason}`);
    for (const entry of entries) entry.damaged += 1;
    if (entries.every((entry) => entry.damaged < DAMAGED_MAXIMUM)) {
      unasked.push(digest);
      askSoon();
      return;
    }
    waiting.delete(digest);
    const error = new StarlingError('chunk-damaged', `chunk ${digest} came damaged ${DAMAGED_MAXIMUM} times`, { retryable: true });
    for (const entry of entries) entry.reject(error);
  };
  const fetchDocument = async (digest: string, signal: AbortSignal): Promise<Uint8Array> => {
    const kept = await store.getDocument(digest);
    if (kept !== undefined) return kept;
    let bytes: Uint8Array | undefined;
    await request(digest, signal, async (got) => {
      await store.putDocument(digest, got);
      bytes = got;
    });
    return bytes ?? new Uint8Array(0);
  };
  return {
    document: fetchDocument,
    async blob(manifestDigest, known, signal, onProgress) {
      const manifest = await readManifest(manifestDigest, (digest) => fetchDocument(digest, signal));
      if (await store.has(manifest.digest)) return manifest;
      const startedMs = clock.monotonicMs();
      const before = counters.bytes;
      await pullBlob(manifest, known, { store, hash: ports.hash, request, signal, onProgress });
      ports.log.info('pulled', {
        blob: manifest.digest.slice(0, 12),
        sizeBytes: manifest.sizeBytes,
        receivedBytes: counters.bytes - before,
        tookMs: Math.round(clock.monotonicMs() - startedMs),
      });
      return manifest;
    },
    async receive(frame) {
      received += 1;
      const entries = waiting.get(frame.digest);
      if (entries !== undefined) {
        if (frame.kind === 'missing') {
          waiting.delete(frame.digest);
          const error = new StarlingError('chunk-missing', `the fleet does not give chunk ${frame.digest}`, { retryable: true });
          for (const entry of entries) entry.reject(error);
        } else {
          const bytes = await openFrame(frame, ports);
          if (bytes === undefined) refuse(frame.digest, entries, 'its bytes are not those of its digest');
          else {
            counters.chunks += 1;
            counters.bytes += frame.payload.length;
            waiting.delete(frame.digest);
            await Promise.all(entries.map((entry) => entry.accept(bytes)));
          }
        }
      }
      unconfirmedBytes += frame.kind === 'chunk' ? frame.payload.length : 0;
      if (unconfirmedBytes >= CONFIRM_BYTES) await ask(false);
      else askSoon();
      watchSilence();
    },
    online() {
      isOnline = true;
      // The fleet forgets a session with its connection.
      received = 0;
      unconfirmedBytes = 0;
      if (waiting.size > 0) askAgain();
    },
    offline() {
      isOnline = false;
      cancelSilence();
    },
    counters: () => ({ ...counters }),
  };
}

/** Verified raw bytes, or nothing: a flipped bit anywhere in a frame ends here. */
async function openFrame(
  frame: Extract<ChunkFrame, { kind: 'chunk' }>,
  { inflate, hash }: Pick<PullPorts, 'inflate' | 'hash'>,
): Promise<Uint8Array | undefined> {
  try {
    const bytes = frame.compressed ? await inflate(frame.payload, frame.sizeBytes) : frame.payload;
    return (await hash(bytes)) === frame.digest ? bytes : undefined;
  } catch {
    return undefined;
  }
}

interface BlobPull {
  store: BlobStore;
  hash: Hash;
  request(digest: string, signal: AbortSignal, accept: (bytes: Uint8Array) => Promise<void>): Promise<void>;
  signal: AbortSignal;
  onProgress: ((progress: PullProgress) => void) | undefined;
}

async function pullBlob(
  manifest: BlobManifest,
  known: readonly BlobManifest[],
  { store, hash, request, signal, onProgress }: BlobPull,
): Promise<void> {
  const partial = await store.openPartial(manifest);
  try {
    let doneBytes = 0;
    const missing: number[] = [];
    const local = await chunksAtHand(known, store);
    for (const [index, chunk] of manifest.chunks.entries()) {
      const at = local.get(chunk.digest);
      if (partial.verified.has(index)) doneBytes += chunk.sizeBytes;
      else if (at !== undefined && (await copyLocal({ store, hash }, at, chunk, (bytes) => partial.write(index, bytes))))
        doneBytes += chunk.sizeBytes;
      else missing.push(index);
    }
    onProgress?.({ doneBytes, totalBytes: manifest.sizeBytes });
    const next = missing.values();
    const lane = async (): Promise<void> => {
      for (const index of next) {
        const chunk = manifest.chunks[index] as BlobManifest['chunks'][number];
        await request(chunk.digest, signal, async (bytes) => {
          if (bytes.length !== chunk.sizeBytes)
            throw new StarlingError('chunk-damaged', `chunk ${chunk.digest} has ${bytes.length} bytes, not ${chunk.sizeBytes}`);
          await partial.write(index, bytes);
        });
        doneBytes += chunk.sizeBytes;
        onProgress?.({ doneBytes, totalBytes: manifest.sizeBytes });
      }
    };
    await Promise.all(Array.from({ length: CHUNKS_IN_FLIGHT }, lane));
    await partial.commit();
  } catch (error) {
    throw error instanceof StarlingError ? error : new StarlingError('pull-failed', messageOf(error), { retryable: true, cause: error });
  } finally {
    await partial.close();
  }
}

interface Place {
  blob: string;
  offset: number;
}

/** Where chunks lie in blobs that are complete: a model of which one layer changed is mostly here already. */
async function chunksAtHand(known: readonly BlobManifest[], store: BlobStore): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  for (const manifest of known) {
    if (!(await store.has(manifest.digest))) continue;
    let offset = 0;
    for (const chunk of manifest.chunks) {
      places.set(chunk.digest, { blob: manifest.digest, offset });
      offset += chunk.sizeBytes;
    }
  }
  return places;
}

async function copyLocal(
  { store, hash }: Pick<BlobPull, 'store' | 'hash'>,
  at: Place,
  chunk: BlobManifest['chunks'][number],
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<boolean> {
  const bytes = await store.readRange(at.blob, at.offset, chunk.sizeBytes);
  if (bytes === undefined || (await hash(bytes)) !== chunk.digest) return false;
  await write(bytes);
  return true;
}

function cancelled(): StarlingError {
  return new StarlingError('cancelled', 'the pull was cancelled', { retryable: true });
}
