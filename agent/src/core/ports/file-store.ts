/** Small files with flat names, durable when a call returns. What the journal and the spool are kept in. */
export interface FileStore {
  /** @returns undefined if there is no such file */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Replaces a file at once: after a power cut it holds the old bytes or the new ones. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Adds to the end. A power cut may leave a part of the bytes, at the end of the file only. */
  append(name: string, bytes: Uint8Array): Promise<void>;
  list(prefix: string): Promise<{ name: string; sizeBytes: number }[]>;
  remove(name: string): Promise<void>;
}
