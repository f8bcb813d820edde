import { sha256 } from '@noble/hashes/sha2.js';
import { type BlobManifest, bytesToHex, StarlingError, sha256Hex } from '@starling/shared';
import type { BlobStore, PartialBlob } from '../core/ports/blob-store.ts';
import { durably, fileIn, moveFile, namesIn, openForWriting, readFile, removeFile, replaceFile, writeAll } from './private-folder.ts';

interface Folders {
  documents: FileSystemDirectoryHandle;
  blobs: FileSystemDirectoryHandle;
  partial: FileSystemDirectoryHandle;
}

const MARK_BYTES = 4;

/**
 * Folders as on a disk: `documents/<digest>`, `blobs/<digest>` (complete and verified), `partial/<digest>` with `<digest>.have`, which
 * lists the chunks that were verified and written, 4 bytes each. A blob bears its name only after it is whole.
 */
export async function openBlobStore(home: FileSystemDirectoryHandle): Promise<BlobStore> {
  const folderOf = (name: string): Promise<FileSystemDirectoryHandle> => home.getDirectoryHandle(name, { create: true });
  const folders: Folders = { documents: await folderOf('documents'), blobs: await folderOf('blobs'), partial: await folderOf('partial') };
  return {
    async getDocument(digest) {
      const bytes = await readFile(folders.documents, digest);
      // Something else has changed it: the document is fetched again.
      return bytes === undefined || (await sha256Hex(bytes)) !== digest ? undefined : bytes;
    },
    putDocument: (digest, bytes) => replaceFile(folders.documents, digest, bytes),
    has: async (digest) => (await fileIn(folders.blobs, digest)) !== undefined,
    async verify(digest) {
      const file = await fileIn(folders.blobs, digest);
      if (file === undefined) return false;
      if ((await digestOf(file)) === digest) return true;
      await removeFile(folders.blobs, digest);
      return false;
    },
    locate: (digest) => digest,
    openPartial: (manifest) => openPartial(manifest, folders),
    async readRange(digest, offset, length) {
      const file = await fileIn(folders.blobs, digest);
      if (file === undefined || offset + length > file.size) return undefined;
      return new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
    },
    async freeBytes() {
      const { quota = 0, usage = 0 } = await navigator.storage.estimate();
      return Math.max(0, quota - usage);
    },
    async remove(digests) {
      for (const folder of Object.values(folders)) {
        for (const digest of digests) for (const end of ['', '.have', '.new']) await removeFile(folder, `${digest}${end}`);
      }
    },
    async keepOnly(digests) {
      for (const folder of Object.values(folders)) {
        for (const name of await namesIn(folder)) if (!digests.has(name.replace(/\.(have|new)$/, ''))) await removeFile(folder, name);
      }
    },
  };
}

async function openPartial(manifest: BlobManifest, { partial, blobs }: Folders): Promise<PartialBlob> {
  const name = manifest.digest;
  const data = await openForWriting(partial, name);
  const marks = await openForWriting(partial, `${name}.have`);
  const offsets = offsetsOf(manifest);
  const verified = await readMarks(marks, data, manifest, offsets);
  const restBytes = (): number => manifest.chunks.reduce((sum, { sizeBytes }, index) => sum + (verified.has(index) ? 0 : sizeBytes), 0);
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    data.close();
    marks.close();
  };
  return {
    verified,
    write: (index, bytes) =>
      durably(restBytes(), async () => {
        writeAll(data, bytes, offsets[index] ?? 0);
        const mark = new Uint8Array(MARK_BYTES);
        new DataView(mark.buffer).setUint32(0, index);
        const marked = marks.getSize();
        try {
          writeAll(marks, mark, marked);
        } catch (error) {
          // The marks behind half of one would all be read wrongly.
          marks.truncate(marked);
          throw error;
        }
        verified.add(index);
      }),
    commit: () =>
      durably(0, async () => {
        data.truncate(manifest.sizeBytes);
        data.flush();
        close();
        const whole = await fileIn(partial, name);
        if (whole === undefined || (await digestOf(whole)) !== manifest.digest) {
          // Every chunk held, the whole does not: the manifest lies. Nothing of this is kept.
          await removeFile(partial, name);
          await removeFile(partial, `${name}.have`);
          throw new StarlingError('digest-mismatch', `blob ${manifest.digest} is not what its chunks make`);
        }
        await moveFile(partial, name, blobs, name);
        await removeFile(partial, `${name}.have`);
      }),
    close: async () => close(),
  };
}

/** Read so many bytes at a time: Web Crypto wants all of a blob at once, and a phone may not have room for it beside the model that runs. */
const PIECE_BYTES = 1024 ** 2;

async function digestOf(file: File): Promise<string> {
  const hash = sha256.create();
  for (let at = 0; at < file.size; at += PIECE_BYTES) hash.update(new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer()));
  return bytesToHex(hash.digest());
}

function offsetsOf(manifest: BlobManifest): number[] {
  const offsets: number[] = [];
  let offset = 0;
  for (const chunk of manifest.chunks) {
    offsets.push(offset);
    offset += chunk.sizeBytes;
  }
  return offsets;
}

/** Chunks that an earlier life marked, hashed again: after a power cut a mark may be there without its data. */
async function readMarks(
  marks: FileSystemSyncAccessHandle,
  data: FileSystemSyncAccessHandle,
  manifest: BlobManifest,
  offsets: readonly number[],
): Promise<Set<number>> {
  const bytes = new Uint8Array(marks.getSize());
  marks.read(bytes, { at: 0 });
  const view = new DataView(bytes.buffer);
  const verified = new Set<number>();
  for (let at = 0; at + MARK_BYTES <= bytes.length; at += MARK_BYTES) {
    const index = view.getUint32(at);
    const chunk = manifest.chunks[index];
    if (chunk === undefined || verified.has(index)) continue;
    const written = new Uint8Array(chunk.sizeBytes);
    const length = data.read(written, { at: offsets[index] ?? 0 });
    if (length === chunk.sizeBytes && (await sha256Hex(written)) === chunk.digest) verified.add(index);
  }
  return verified;
}
