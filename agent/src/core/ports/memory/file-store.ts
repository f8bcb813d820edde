import { StarlingError } from '@starling/shared';
import type { FileStore } from '../file-store.ts';

/** What reaches the disk, one operation at a time, in order. */
export type DiskOperation =
  | { type: 'append'; name: string; bytes: Uint8Array }
  | { type: 'write'; name: string; bytes: Uint8Array }
  | { type: 'remove'; name: string };

export interface MemoryFileStore extends FileStore {
  /** Everything that was done since the start. */
  readonly operations: readonly DiskOperation[];
  /** Takes this many bytes more; what goes beyond is cut off and fails, as on a full disk. */
  limit(bytes: number): void;
}

/** A file store without a disk, which can run full and tells what it was asked to do. */
export function createMemoryFileStore(operations: readonly DiskOperation[] = []): MemoryFileStore {
  const files = new Map<string, Uint8Array>();
  const done: DiskOperation[] = [];
  let roomBytes = Number.POSITIVE_INFINITY;
  const perform = (operation: DiskOperation): void => {
    done.push(operation);
    const { type, name } = operation;
    if (type === 'remove') files.delete(name);
    else if (type === 'write') files.set(name, operation.bytes);
    else files.set(name, joined(files.get(name) ?? new Uint8Array(0), operation.bytes));
  };
  const full = (): StarlingError => new StarlingError('disk-full', 'no space left', { retryable: true });
  for (const operation of operations) perform(operation);
  return {
    operations: done,
    limit(bytes) {
      roomBytes = bytes;
    },
    read: async (name) => files.get(name)?.slice(),
    async write(name, bytes) {
      // Written under another name first: nothing appears when it fails.
      if (bytes.length > roomBytes) throw full();
      roomBytes -= bytes.length;
      perform({ type: 'write', name, bytes: bytes.slice() });
    },
    async append(name, bytes) {
      const fits = bytes.slice(0, Math.min(bytes.length, roomBytes));
      roomBytes -= fits.length;
      // Nothing added makes a file too, as a disk does.
      if (fits.length > 0 || bytes.length === 0) perform({ type: 'append', name, bytes: fits });
      if (fits.length < bytes.length) throw full();
    },
    list: async (prefix) =>
      [...files].filter(([name]) => name.startsWith(prefix)).map(([name, bytes]) => ({ name, sizeBytes: bytes.length })),
    async remove(name) {
      perform({ type: 'remove', name });
    },
  };
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const whole = new Uint8Array(left.length + right.length);
  whole.set(left);
  whole.set(right, left.length);
  return whole;
}
