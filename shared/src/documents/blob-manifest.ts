import { z } from 'zod';
import { cborDecode, cborEncode } from '../codec/cbor.ts';
import { bytesToHex, digestSchema, hexToBytes } from '../digest.ts';
import { StarlingError } from '../errors.ts';
import {
  BLOB_BYTES_MAXIMUM,
  BLOB_CHUNKS_MAXIMUM,
  CHUNK_BYTES_MAXIMUM,
  MANIFEST_CHUNKS_MAXIMUM,
  MANIFEST_PAGES_MAXIMUM,
} from '../limits.ts';

export const chunkReferenceSchema = z.object({ digest: digestSchema, sizeBytes: z.number().int().positive().max(CHUNK_BYTES_MAXIMUM) });
export type ChunkReference = z.infer<typeof chunkReferenceSchema>;

/** The chunks of a blob in order, and the digest of the whole. */
export const blobManifestSchema = z
  .object({
    digest: digestSchema,
    sizeBytes: z.number().int().nonnegative().max(BLOB_BYTES_MAXIMUM),
    chunks: z.array(chunkReferenceSchema).max(BLOB_CHUNKS_MAXIMUM),
  })
  .meta({ id: 'BlobManifest', title: 'Blob manifest' });
export type BlobManifest = z.infer<typeof blobManifestSchema>;

const digestBytesSchema = z
  .instanceof(Uint8Array)
  .refine((bytes) => bytes.length === 32, 'a digest has 32 bytes')
  .meta({ description: 'SHA-256, a CBOR byte string of 32 bytes' });

/** As stored: digests as bytes; `pages` instead of `chunks` where there are more than one page holds. */
export const storedManifestSchema = z
  .object({
    v: z.literal(1),
    digest: digestBytesSchema,
    size: z.number().int().nonnegative().max(BLOB_BYTES_MAXIMUM),
    chunks: z.array(z.tuple([digestBytesSchema, z.number().int().positive().max(CHUNK_BYTES_MAXIMUM)])).max(MANIFEST_CHUNKS_MAXIMUM),
    pages: z.array(digestBytesSchema).max(MANIFEST_PAGES_MAXIMUM).default([]),
  })
  .meta({ id: 'ManifestPage', title: 'Blob manifest page' });

/** One page: either chunks, or the digests of pages that hold them. Each page is itself one chunk. */
export interface ManifestPage {
  digest: string;
  sizeBytes: number;
  chunks: ChunkReference[];
  pages: string[];
}

export function encodeManifestPage(page: ManifestPage): Uint8Array {
  return cborEncode({
    v: 1,
    digest: hexToBytes(page.digest),
    size: page.sizeBytes,
    chunks: page.chunks.map((chunk) => [hexToBytes(chunk.digest), chunk.sizeBytes]),
    pages: page.pages.map(hexToBytes),
  });
}

/** @throws StarlingError `invalid-cbor`, `invalid-message` */
export function decodeManifestPage(bytes: Uint8Array): ManifestPage {
  const stored = cborDecode(bytes, storedManifestSchema);
  return {
    digest: bytesToHex(stored.digest),
    sizeBytes: stored.size,
    chunks: stored.chunks.map(([digest, sizeBytes]) => ({ digest: bytesToHex(digest), sizeBytes })),
    pages: stored.pages.map(bytesToHex),
  };
}

/** Splits a manifest into the pages to store, leaves first, the page that names the blob last. `hash` names a page by its bytes. @throws StarlingError `invalid-manifest` */
export async function paginateManifest(
  manifest: BlobManifest,
  hash: (bytes: Uint8Array) => Promise<string>,
): Promise<{ digest: string; bytes: Uint8Array }[]> {
  const { digest, sizeBytes, chunks } = manifest;
  if (chunks.length > BLOB_CHUNKS_MAXIMUM) throw invalidManifest(`it has more than ${BLOB_CHUNKS_MAXIMUM} chunks`);
  const stored = async (page: ManifestPage): Promise<{ digest: string; bytes: Uint8Array }> => {
    const bytes = encodeManifestPage(page);
    return { digest: await hash(bytes), bytes };
  };
  if (chunks.length <= MANIFEST_CHUNKS_MAXIMUM) return [await stored({ digest, sizeBytes, chunks, pages: [] })];
  const leaves: { digest: string; bytes: Uint8Array }[] = [];
  for (let from = 0; from < chunks.length; from += MANIFEST_CHUNKS_MAXIMUM) {
    leaves.push(await stored({ digest, sizeBytes, chunks: chunks.slice(from, from + MANIFEST_CHUNKS_MAXIMUM), pages: [] }));
  }
  return [...leaves, await stored({ digest, sizeBytes, chunks: [], pages: leaves.map((leaf) => leaf.digest) })];
}

/** A whole manifest, with the digests of all pages that it was read from. */
export interface ManifestTree {
  manifest: BlobManifest;
  /** The page that names the blob first. */
  pages: string[];
}

/**
 * Reads a manifest, page by page.
 * @param read bytes of a page by its digest, already verified
 * @throws StarlingError `invalid-manifest` if pages disagree, nest, or sizes do not add up; `invalid-cbor`, `invalid-message`
 */
export async function readManifestTree(digest: string, read: (digest: string) => Promise<Uint8Array>): Promise<ManifestTree> {
  const top = decodeManifestPage(await read(digest));
  if (top.chunks.length > 0 && top.pages.length > 0) throw invalidManifest('it has both chunks and pages');
  const chunks = [...top.chunks];
  let sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.sizeBytes, 0);
  for (const page of top.pages) {
    const leaf = decodeManifestPage(await read(page));
    // Attack: endless data. A tree has one level, all its pages speak of one blob, and each brings its part.
    const belongs = leaf.pages.length === 0 && leaf.chunks.length > 0 && leaf.digest === top.digest && leaf.sizeBytes === top.sizeBytes;
    if (!belongs) throw invalidManifest('its pages do not belong together');
    chunks.push(...leaf.chunks);
    sizeBytes += leaf.chunks.reduce((sum, chunk) => sum + chunk.sizeBytes, 0);
    if (sizeBytes > top.sizeBytes || chunks.length > BLOB_CHUNKS_MAXIMUM) break;
  }
  if (chunks.length > BLOB_CHUNKS_MAXIMUM) throw invalidManifest(`it has more than ${BLOB_CHUNKS_MAXIMUM} chunks`);
  if (sizeBytes !== top.sizeBytes) throw invalidManifest(`its chunks make ${sizeBytes} bytes, not ${top.sizeBytes}`);
  return { manifest: { digest: top.digest, sizeBytes, chunks }, pages: [digest, ...top.pages] };
}

/** As `readManifestTree`, without the pages. */
export async function readManifest(digest: string, read: (digest: string) => Promise<Uint8Array>): Promise<BlobManifest> {
  return (await readManifestTree(digest, read)).manifest;
}

function invalidManifest(reason: string): StarlingError {
  return new StarlingError('invalid-manifest', `the blob manifest is not consistent: ${reason}`);
}
