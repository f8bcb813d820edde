import type { StoredChunk } from './blob-store.ts';

/** Where chunks lie under their digests. What a store does with them is the same everywhere: `create-store.ts`. */
export interface ChunkShelf {
  /** For messages: `on disk`, `in the bucket`. */
  place: string;
  /** Requests that may be under way at once. */
  atOnce: number;
  has(digest: string): Promise<boolean>;
  /** A new use of an old chunk protects it from a sweep that is under way. @returns whether the chunk is here */
  touch(digest: string): Promise<boolean>;
  /** The chunk is there whole, or not at all. @throws StarlingError `disk-full`, `store-failed`, `store-unreachable`, `store-denied` */
  write(digest: string, chunk: StoredChunk): Promise<void>;
  read(digest: string): Promise<StoredChunk | undefined>;
  remove(digest: string): Promise<void>;
  /** Deletes a chunk unless it was touched at this time or later. @returns whether it was deleted */
  deleteUntouched(digest: string, sinceMs: number): Promise<boolean>;
  list(): AsyncGenerator<{ digest: string; storedBytes: number; touchedAtMs: number }>;
}
