import type { BlobManifest } from '@starling/shared';

/** A blob that is being pulled. */
export interface PartialBlob {
  /** Indices of chunks that were verified in this or an earlier life of the agent. */
  readonly verified: ReadonlySet<number>;
  /** Writes a verified chunk to its place and marks it. @throws StarlingError `disk-full` */
  write(index: number, bytes: Uint8Array): Promise<void>;
  /** Makes the blob appear under its digest, after everything is on disk. @throws StarlingError `digest-mismatch` */
  commit(): Promise<void>;
  close(): Promise<void>;
}

/** Verified bytes on this device: documents (one chunk each) and blobs. */
export interface BlobStore {
  getDocument(digest: string): Promise<Uint8Array | undefined>;
  putDocument(digest: string, bytes: Uint8Array): Promise<void>;
  has(digest: string): Promise<boolean>;
  /** Reads the whole blob again and compares its digest; one that differs is removed. */
  verify(digest: string): Promise<boolean>;
  /** What the engine loads. Where it is a path, all blobs lie in one folder under their digests: a model may name another as its weights. */
  locate(digest: string): string;
  /** Opens or resumes a pull; chunks marked by an earlier life were hashed again. */
  openPartial(manifest: BlobManifest): Promise<PartialBlob>;
  /** Bytes of a complete blob. */
  readRange(digest: string, offset: number, length: number): Promise<Uint8Array | undefined>;
  freeBytes(): Promise<number>;
  /** Removes every document, blob and partial pull that is not named. */
  keepOnly(digests: ReadonlySet<string>): Promise<void>;
  /** Removes these documents, blobs and partial pulls. */
  remove(digests: ReadonlySet<string>): Promise<void>;
}
