import { createHash } from 'node:crypto';

/** SHA-256 of a blob whose chunks come almost in order, without reading it again when it is complete. */
export interface RunningDigest {
  add(index: number, bytes: Uint8Array): void;
  /** The digest of all chunks; undefined if some never came this way, or came too far out of order. */
  finish(): string | undefined;
}

/** Chunks that came early and wait for those before them. */
const WAITING_BYTES_MAXIMUM = 8 * 1024 * 1024;

export function createRunningDigest(chunkCount: number): RunningDigest {
  const hash = createHash('sha256');
  const waiting = new Map<number, Uint8Array>();
  let waitingBytes = 0;
  let next = 0;
  return {
    add(index, bytes) {
      if (index < next || waiting.has(index) || waitingBytes > WAITING_BYTES_MAXIMUM) return;
      waiting.set(index, bytes);
      waitingBytes += bytes.length;
      for (let following = waiting.get(next); following !== undefined; following = waiting.get(next)) {
        hash.update(following);
        waiting.delete(next);
        waitingBytes -= following.length;
        next += 1;
      }
      if (waitingBytes > WAITING_BYTES_MAXIMUM) waiting.clear();
    },
    finish: () => (next === chunkCount ? hash.digest('hex') : undefined),
  };
}
