import type { BlobManifest } from '@starling/shared';
import type { Region } from './chunk.ts';

/** A chunk as it lies in the store, ready to be sent without work. */
export interface StoredChunk {
  payload: Uint8Array;
  /** Deflate-raw instead of the bytes themselves. */
  compressed: boolean;
  /** Length of the raw chunk. */
  sizeBytes: number;
}

export interface StoredBlob {
  /** SHA-256 of the whole blob. */
  digest: string;
  sizeBytes: number;
  /** Digest of the manifest: what devices are given. */
  manifest: string;
}

export interface PutOptions {
  regions?: readonly Region[];
  onProgress?: (doneBytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

/** Content-addressed chunks and the blobs made of them. */
export interface BlobStore {
  putChunk(bytes: Uint8Array): Promise<string>;
  hasChunk(digest: string): Promise<boolean>;
  /** Raw bytes, verified. @throws StarlingError `chunk-missing`, `chunk-damaged` */
  getChunk(digest: string): Promise<Uint8Array<ArrayBuffer>>;
  /** As stored, for sending; whoever receives it verifies it. @returns undefined if it is not here */
  getStored(digest: string): Promise<StoredChunk | undefined>;
  putStream(source: AsyncIterable<Uint8Array>, sizeBytes: number, options?: PutOptions): Promise<StoredBlob>;
  putFile(path: string, options?: PutOptions): Promise<StoredBlob>;
  /** @throws StarlingError `chunk-missing`, `invalid-manifest` */
  readManifest(manifest: string): Promise<BlobManifest>;
  /** Digests of the manifest's pages and of all chunks that it lists. */
  reachable(manifest: string): Promise<Set<string>>;
  readBlob(manifest: string): AsyncGenerator<Uint8Array<ArrayBuffer>>;
  exportFile(manifest: string, path: string): Promise<void>;
  /**
   * Takes a blob into use again: the garbage collector spares what was touched since its grace began.
   * @returns its manifest
   * @throws StarlingError `chunk-missing`, `invalid-manifest`
   */
  touch(manifest: string): Promise<BlobManifest>;
  listChunks(): AsyncGenerator<{ digest: string; storedBytes: number; touchedAtMs: number }>;
  /** Deletes a chunk unless it was touched at this time or later. @returns whether it was deleted */
  deleteUntouched(digest: string, sinceMs: number): Promise<boolean>;
  totals(): Promise<{ chunks: number; storedBytes: number }>;
}
