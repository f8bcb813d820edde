import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cborEncode } from '../codec/cbor.ts';
import { bytesToHex, sha256Hex } from '../digest.ts';
import { isStarlingError } from '../errors.ts';
import { BLOB_BYTES_MAXIMUM, BLOB_CHUNKS_MAXIMUM, CHUNK_BYTES_MAXIMUM, MANIFEST_CHUNKS_MAXIMUM } from '../limits.ts';
import {
  type BlobManifest,
  blobManifestSchema,
  encodeManifestPage,
  type ManifestPage,
  paginateManifest,
  readManifest,
  readManifestTree,
} from './blob-manifest.ts';

const digestOf = (seed: number): string => seed.toString(16).padStart(64, '0');

function manifestOf(sizes: readonly number[]): BlobManifest {
  const chunks = sizes.map((sizeBytes, index) => ({ digest: digestOf(index + 1), sizeBytes }));
  return { digest: digestOf(0xb10b), sizeBytes: sizes.reduce((sum, size) => sum + size, 0), chunks };
}

/** Pages in memory, read as a device reads them. */
function shelf() {
  const pages = new Map<string, Uint8Array>();
  return {
    pages,
    async put(page: Partial<ManifestPage>): Promise<string> {
      const bytes = encodeManifestPage({ digest: digestOf(1), sizeBytes: 0, chunks: [], pages: [], ...page });
      const digest = await sha256Hex(bytes);
      pages.set(digest, bytes);
      return digest;
    },
    read: async (digest: string): Promise<Uint8Array> => pages.get(digest) ?? new Uint8Array(0),
  };
}

async function store(manifest: BlobManifest) {
  const { pages, read } = shelf();
  const stored = await paginateManifest(manifest, sha256Hex);
  for (const page of stored) pages.set(page.digest, page.bytes);
  return { stored, read, name: stored.at(-1)?.digest ?? '' };
}

describe('a blob manifest', () => {
  test('comes back from its pages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: CHUNK_BYTES_MAXIMUM }), { maxLength: 50 }), async (sizes) => {
        const manifest = manifestOf(sizes);
        const { name, read, stored } = await store(manifest);
        expect(await readManifest(name, read)).toEqual(manifest);
        expect(stored).toHaveLength(1);
      }),
    );
  });

  test.each([0, 1, MANIFEST_CHUNKS_MAXIMUM, MANIFEST_CHUNKS_MAXIMUM + 1, 3 * MANIFEST_CHUNKS_MAXIMUM + 7])(
    'of %i chunks is a tree of pages that are chunks themselves',
    async (count) => {
      const manifest = manifestOf(Array.from({ length: count }, () => CHUNK_BYTES_MAXIMUM));
      const { name, read, stored } = await store(manifest);
      const tree = await readManifestTree(name, read);
      expect(tree.manifest).toEqual(manifest);
      expect(new Set(tree.pages)).toEqual(new Set(stored.map((page) => page.digest)));
      expect(tree.pages[0]).toBe(name);
      expect(stored.length).toBe(count > MANIFEST_CHUNKS_MAXIMUM ? Math.ceil(count / MANIFEST_CHUNKS_MAXIMUM) + 1 : 1);
      for (const page of stored) expect(page.bytes.length).toBeLessThanOrEqual(CHUNK_BYTES_MAXIMUM);
    },
  );

  test('of a blob too long for it is refused when it is written', async () => {
    const manifest = manifestOf(Array.from({ length: BLOB_CHUNKS_MAXIMUM + 1 }, () => 1));
    await expect(paginateManifest(manifest, sha256Hex)).rejects.toMatchObject({ code: 'invalid-manifest' });
    expect(blobManifestSchema.safeParse(manifest).success).toBe(false);
  });
});

describe('a bad manifest', () => {
  const chunk = { digest: digestOf(9), sizeBytes: 10 };
  const cases: [string, (made: ReturnType<typeof shelf>) => Promise<string>, string][] = [
    ['with sizes that do not add up', ({ put }) => put({ sizeBytes: 11, chunks: [chunk] }), 'invalid-manifest'],
    [
      'with chunks and pages',
      async ({ put }) => put({ sizeBytes: 20, chunks: [chunk], pages: [await put({ sizeBytes: 20, chunks: [chunk] })] }),
      'invalid-manifest',
    ],
    [
      'with a page of another blob',
      async ({ put }) => put({ sizeBytes: 10, pages: [await put({ digest: digestOf(2), sizeBytes: 10, chunks: [chunk] })] }),
      'invalid-manifest',
    ],
    ['with an empty page', async ({ put }) => put({ sizeBytes: 0, pages: [await put({})] }), 'invalid-manifest'],
    [
      'with pages of pages',
      async ({ put }) => {
        const leaf = await put({ sizeBytes: 10, chunks: [chunk] });
        return put({ sizeBytes: 10, pages: [await put({ sizeBytes: 10, pages: [leaf] })] });
      },
      'invalid-manifest',
    ],
    ['with an empty chunk', ({ put }) => put({ chunks: [{ ...chunk, sizeBytes: 0 }] }), 'invalid-message'],
    ['with a chunk too large', ({ put }) => put({ chunks: [{ ...chunk, sizeBytes: CHUNK_BYTES_MAXIMUM + 1 }] }), 'invalid-message'],
    ['of a blob too large', ({ put }) => put({ sizeBytes: BLOB_BYTES_MAXIMUM + 1 }), 'invalid-message'],
    ['with a short digest', ({ put }) => put({ chunks: [{ digest: 'ab', sizeBytes: 1 }] }), 'invalid-message'],
    ['of no bytes', async () => digestOf(77), 'invalid-cbor'],
  ];

  test.each(cases)('%s is refused', async (_what, make, code) => {
    const made = shelf();
    const name = await make(made);
    await expect(readManifest(name, made.read)).rejects.toMatchObject({ code });
  });

  test('that repeats one page for ever ends at the size that it claims', async () => {
    const { put, read } = shelf();
    const leaf = await put({ sizeBytes: 25, chunks: [chunk] });
    let reads = 0;
    const counted = (digest: string): Promise<Uint8Array> => {
      reads += 1;
      return read(digest);
    };
    const name = await put({ sizeBytes: 25, pages: Array.from({ length: 200 }, () => leaf) });
    await expect(readManifest(name, counted)).rejects.toMatchObject({ code: 'invalid-manifest' });
    expect(reads).toBeLessThan(6);
  });

  test('of any CBOR or any bytes is refused with a code', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.jsonValue().map((value) => cborEncode(value)),
      fc
        .record(
          {
            v: fc.constantFrom(1, 2),
            digest: fc.uint8Array({ minLength: 31, maxLength: 33 }),
            size: fc.integer(),
            chunks: fc.array(fc.anything()),
          },
          { requiredKeys: [] },
        )
        .map((value) => {
          try {
            return cborEncode(value);
          } catch {
            return cborEncode(bytesToHex(new Uint8Array(3)));
          }
        }),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (page) => {
        const outcome = await readManifest(digestOf(1), async () => page).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(isStarlingError(outcome)).toBe(true);
        else expect(blobManifestSchema.safeParse(outcome).success).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
