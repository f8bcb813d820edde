import { bytesToHex, CHUNK_FRAME_HEADER_BYTES, encodeChunkFrame, PULL_QUEUE_CHUNKS_MAXIMUM, type Want } from '@starling/shared';
import type { BlobStore, StoredChunk } from './blob-store.ts';

export interface ChunkServerPorts {
  store: Pick<BlobStore, 'getStored'>;
  /** May this device have this chunk? */
  isReachable(device: string, digest: string): Promise<boolean>;
  /** Hands a frame to the one client; resolves when it is written or the client is gone. */
  send(device: string, frame: Uint8Array): Promise<void>;
  /** The store cannot be read now. The device is not told that it has no such chunk: it asks again when nothing comes. */
  failed(error: unknown): void;
}

/** Answers `blob/want` of all devices. */
export interface ChunkServer {
  want(device: string, want: Want): void;
  /** Forgets a device that has gone. */
  forget(device: string): void;
  counters(): { sentBytes: number; sentChunks: number; missing: number };
}

/** Chunks read at once over all devices: enough to keep the disk busy. A read ends by itself, whatever a device does. */
const READS_AT_ONCE = 16;
/** One device alone may have this many reads and sends under way, so that others always find a free one. */
const SENDS_PER_DEVICE = 6;
/**
 * What waits for sockets over all devices, beyond which each has one frame at a time. It is not less than one: a send to a device that takes
 * nothing lasts until the broker cuts it, so what a few such devices can use up, others would wait for.
 */
const UNSENT_BYTES = 16 * 1024 * 1024;
/** Beyond this nobody has one: hundreds of devices take nothing, or the link to the one broker does. */
const UNSENT_BYTES_MAXIMUM = 128 * 1024 * 1024;
/** Chunks of a wave are asked for by many devices within moments. */
const CACHE_BYTES = 32 * 1024 * 1024;
interface Session {
  queue: { want: number; digest: string }[];
  /** Sizes of frames that were sent and not confirmed, oldest first. */
  unconfirmed: number[];
  unconfirmedBytes: number;
  confirmedChunks: number;
  creditBytes: number;
  /** The next frame does not fit into the credit: wait for a confirmation. */
  isFull: boolean;
}

/**
 * Credits bound what a device that stopped reading can hold; it keeps nothing that others need, for whom the round robin is fair.
 */
export function createChunkServer(ports: ChunkServerPorts): ChunkServer {
  const sessions = new Map<string, Session>();
  const cache = createCache();
  const counters = { sentBytes: 0, sentChunks: 0, missing: 0 };
  let reading = 0;
  let unsentBytes = 0;
  /** Reads and sends under way of each device. A device that says hello again is not rid of those of its last session. */
  const underWay = new Map<string, number>();
  /** Devices that may have something to send, in their turn. Others wait for a confirmation, or for the end of a send of their own. */
  const ready = new Set<string>();
  // Lives on over all turns: one from the beginning would pass by everything that was taken out since the set last shrank.
  let turns = ready.values();
  const takeTurn = (): string | undefined => {
    let next = turns.next();
    if (next.done) {
      turns = ready.values();
      next = turns.next();
    }
    if (next.value !== undefined) ready.delete(next.value);
    return next.value;
  };

  const read = async (device: string, digest: string): Promise<StoredChunk | undefined> => {
    reading += 1;
    try {
      if (!(await ports.isReachable(device, digest))) return undefined;
      const cached = cache.get(digest);
      if (cached !== undefined) return cached;
      const stored = await ports.store.getStored(digest);
      if (stored !== undefined) cache.put(digest, stored);
      return stored;
    } finally {
      reading -= 1;
    }
  };
  const sendOne = async (device: string, session: Session): Promise<void> => {
    const { queue } = session;
    const next = queue.shift();
    if (next === undefined) return;
    const { want, digest } = next;
    let stored: StoredChunk | undefined;
    try {
      stored = await read(device, digest);
    } catch (error) {
      return ports.failed(error);
    }
    // The device is gone, or has taken back what it asked for.
    if (sessions.get(device) !== session || session.queue !== queue) return;
    const frameBytes = CHUNK_FRAME_HEADER_BYTES + (stored?.payload.length ?? 0);
    if (session.unconfirmedBytes + frameBytes > session.creditBytes) {
      queue.unshift(next);
      session.isFull = true;
      return;
    }
    const frame = encodeChunkFrame(stored === undefined ? { kind: 'missing', want, digest } : { kind: 'chunk', want, digest, ...stored });
    session.unconfirmed.push(frame.length);
    session.unconfirmedBytes += frame.length;
    counters.sentBytes += frame.length;
    if (stored === undefined) counters.missing += 1;
    else counters.sentChunks += 1;
    unsentBytes += frame.length;
    try {
      const sent = ports.send(device, frame);
      // Its read has ended: the next one may begin.
      pump();
      await sent;
    } finally {
      unsentBytes -= frame.length;
    }
  };
  const begin = (device: string, session: Session): void => {
    underWay.set(device, (underWay.get(device) ?? 0) + 1);
    sendOne(device, session)
      .catch(() => undefined)
      .finally(() => {
        const left = (underWay.get(device) ?? 1) - 1;
        if (left > 0) underWay.set(device, left);
        else underWay.delete(device);
        ready.add(device);
        pump();
      });
  };
  const pump = (): void => {
    while (reading < READS_AT_ONCE && unsentBytes < UNSENT_BYTES_MAXIMUM) {
      const device = takeTurn();
      if (device === undefined) return;
      const session = sessions.get(device);
      const may = unsentBytes < UNSENT_BYTES ? SENDS_PER_DEVICE : 1;
      if (session === undefined || session.queue.length === 0 || session.isFull || (underWay.get(device) ?? 0) >= may) continue;
      ready.add(device);
      begin(device, session);
    }
  };
  return {
    want(device, want) {
      const session = sessions.get(device) ?? newSession();
      sessions.set(device, session);
      if (want.cancel) session.queue = [];
      session.creditBytes = want.creditBytes;
      session.isFull = false;
      confirm(session, want.receivedChunks);
      for (const chunk of want.chunks) {
        if (session.queue.length >= PULL_QUEUE_CHUNKS_MAXIMUM) break;
        session.queue.push({ want: want.want, digest: bytesToHex(chunk) });
      }
      ready.add(device);
      pump();
    },
    forget(device) {
      sessions.delete(device);
      ready.delete(device);
    },
    counters: () => ({ ...counters }),
  };
}

function newSession(): Session {
  return { queue: [], unconfirmed: [], unconfirmedBytes: 0, confirmedChunks: 0, creditBytes: 0, isFull: false };
}

function confirm(session: Session, receivedChunks: number): void {
  while (session.confirmedChunks < receivedChunks && session.unconfirmed.length > 0) {
    session.unconfirmedBytes -= session.unconfirmed.shift() as number;
    session.confirmedChunks += 1;
  }
}

/** Least recently used chunks, bounded by bytes. A Map keeps insertion order. */
function createCache() {
  const entries = new Map<string, StoredChunk>();
  let bytes = 0;
  return {
    get(digest: string): StoredChunk | undefined {
      const entry = entries.get(digest);
      if (entry === undefined) return undefined;
      entries.delete(digest);
      entries.set(digest, entry);
      return entry;
    },
    put(digest: string, chunk: StoredChunk): void {
      if (entries.has(digest)) return;
      entries.set(digest, chunk);
      bytes += chunk.payload.length;
      for (const [oldest, { payload }] of entries) {
        if (bytes <= CACHE_BYTES) break;
        entries.delete(oldest);
        bytes -= payload.length;
      }
    },
  };
}
