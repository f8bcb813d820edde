import { type BlobManifest, StarlingError, sha256Hex } from '@starling/shared';
import type { BlobStore, PartialBlob } from '../blob-store.ts';

interface Pulled {
  bytes: Uint8Array;
  verified: Set<number>;
}

/** A blob store without a disk. @param freeBytes what it says is free, whatever it holds */
export function createMemoryBlobStore(freeBytes = Number.POSITIVE_INFINITY): BlobStore {
  const documents = new Map<string, Uint8Array>();
  const blobs = new Map<string, Uint8Array>();
  const partials = new Map<string, Pulled>();
  const all: readonly Map<string, unknown>[] = [documents, blobs, partials];

  const openPartial = (manifest: BlobManifest): PartialBlob => {
    const { digest, sizeBytes, chunks } = manifest;
    const pulled = partials.get(digest) ?? { bytes: new Uint8Array(sizeBytes), verified: new Set() };
    partials.set(digest, pulled);
    return {
      verified: pulled.verified,
      async write(index, bytes) {
        const offset = chunks.slice(0, index).reduce((sum, chunk) => sum + chunk.sizeBytes, 0);
        pulled.bytes.set(bytes, offset);
        pulled.verified.add(index);
      },
      async commit() {
        partials.delete(digest);
        if ((await sha256Hex(pulled.bytes)) !== digest)
          throw new StarlingError('digest-mismatch', `blob ${digest} is not what its chunks make`);
        blobs.set(digest, pulled.bytes);
      },
      close: async () => undefined,
    };
  };
  return {
    getDocument: async (digest) => documents.get(digest)?.slice(),
    async putDocument(digest, bytes) {
      documents.set(digest, bytes.slice());
    },
    has: async (digest) => blobs.has(digest),
    async verify(digest) {
      const bytes = blobs.get(digest);
      return bytes !== undefined && (await sha256Hex(bytes)) === digest;
    },
    locate: (digest) => digest,
    openPartial: async (manifest) => openPartial(manifest),
    async readRange(digest, offset, length) {
      const bytes = blobs.get(digest)?.slice(offset, offset + length);
      return bytes?.length === length ? bytes : undefined;
    },
    freeBytes: async () => freeBytes,
    async keepOnly(digests) {
      for (const map of all) for (const digest of [...map.keys()]) if (!digests.has(digest)) map.delete(digest);
    },
    async remove(digests) {
      for (const map of all) for (const digest of digests) map.delete(digest);
    },
  };
}
