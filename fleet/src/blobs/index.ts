/** Files and streams -> content-addressed chunks with manifests -> frames for devices; garbage goes after a week. */
export type { BlobStore, PutOptions, StoredBlob, StoredChunk } from './blob-store.ts';
export type { Region } from './chunk.ts';
export { collectGarbage, GRACE_MS, type SweepReport } from './collect-garbage.ts';
export { type BlobPlace, openBlobStore } from './open-store.ts';
export { parseS3Address } from './s3-address.ts';
export { type ChunkServer, createChunkServer } from './serve.ts';
export { openDiskStore } from './store-disk.ts';
