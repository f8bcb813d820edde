import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, type FileHandle, mkdir, open, readdir, readFile, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobManifest, StarlingError } from '@starling/shared';
import type { BlobStore, PartialBlob } from '../core/ports/blob-store.ts';
import { durably, syncDirectory } from './file-store.ts';
import { createRunningDigest } from './running-digest.ts';

/**
 * Directories: `documents/<digest>`, `blobs/<digest>` (complete and verified), `partial/<digest>` with `partial/<digest>.have`, which
 * lists the chunks that were verified and written, 4 bytes each. Everything else is named only after it is on the disk.
 */
export async function openBlobStore(directory: string): Promise<BlobStore> {
  const paths = { documents: join(directory, 'documents'), blobs: join(directory, 'blobs'), partial: join(directory, 'partial') };
  for (const path of Object.values(paths)) await mkdir(path, { recursive: true, mode: 0o700 });
  const blobPath = (digest: string): string => join(paths.blobs, digest);

  return {
    async getDocument(digest) {
      const bytes = await readFile(join(paths.documents, digest)).catch(() => undefined);
      // A bit that flipped at rest: the document is fetched again.
      if (bytes === undefined || sha256(bytes) !== digest) return undefined;
      return new Uint8Array(bytes);
    },
    async putDocument(digest, bytes) {
      const path = join(paths.documents, digest);
      await durably(async () => {
        const file = await open(`${path}.new`, 'w', 0o600);
        await file.writeFile(bytes);
        await file.sync();
        await file.close();
        await rename(`${path}.new`, path);
        await syncDirectory(paths.documents);
      });
    },
    has: (digest) => exists(blobPath(digest)),
    async verify(digest) {
      if (!(await exists(blobPath(digest)))) return false;
      if ((await hashFile(blobPath(digest))) === digest) return true;
      // A bit that flipped at rest: what is not here is pulled again.
      await rm(blobPath(digest), { force: true });
      return false;
    },
    locate: blobPath,
    openPartial: (manifest) => openPartial(manifest, join(paths.partial, manifest.digest), blobPath(manifest.digest)),
    async readRange(digest, offset, length) {
      const file = await open(blobPath(digest), 'r').catch(() => undefined);
      if (file === undefined) return undefined;
      try {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        return bytesRead === length ? bytes : undefined;
      } finally {
        await file.close();
      }
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(directory);
      return bavail * bsize;
    },
    async remove(digests) {
      for (const path of Object.values(paths)) {
        for (const digest of digests) for (const end of ['', '.have', '.new']) await rm(join(path, `${digest}${end}`), { force: true });
      }
    },
    async keepOnly(digests) {
      for (const path of Object.values(paths)) {
        for (const name of await readdir(path)) {
          if (!digests.has(name.replace(/\.(have|new)$/, ''))) await rm(join(path, name), { force: true });
        }
      }
    },
  };
}

/** Marks gathered before they are written: what is lost with a crash is asked for again, at most this many chunks. */
const MARKS_AT_ONCE = 1;
/** Written bytes after which the disk is told to keep them, so that little is left to do at the end. */
const SYNC_BYTES = 16 * 1024 * 1024;

async function openPartial(manifest: BlobManifest, path: string, finalPath: string): Promise<PartialBlob> {
  const data = await open(path, 'r+').catch(() => open(path, 'w+', 0o600));
  const marks = await open(`${path}.have`, 'a+', 0o600);
  const offsets = offsetsOf(manifest);
  const verified = await readMarks(marks, data, manifest, offsets);
  let pending: number[] = [];
  const running = createRunningDigest(manifest.chunks.length);
  let unsyncedBytes = 0;
  let syncing: Promise<void> = Promise.resolve();
  let marking: Promise<void> = Promise.resolve();

  const flushMarks = (): Promise<void> => {
    const written = pending;
    pending = [];
    const bytes = Buffer.alloc(4 * written.length);
    for (const [at, index] of written.entries()) bytes.writeUInt32BE(index, 4 * at);
    marking = marking.then(async () => {
      await marks.appendFile(bytes);
    });
    return marking;
  };
  return {
    verified,
    async write(index, bytes) {
      await durably(async () => {
        await data.write(bytes, 0, bytes.length, offsets[index]);
        running.add(index, bytes);
        unsyncedBytes += bytes.length;
        if (unsyncedBytes >= SYNC_BYTES) {
          unsyncedBytes = 0;
          // Not waited for: the disk works while the network does. What fails here fails at the end again.
          syncing = data.datasync().catch(() => undefined);
        }
        verified.add(index);
        pending.push(index);
        if (pending.length >= MARKS_AT_ONCE) await flushMarks();
      });
    },
    async commit() {
      await durably(async () => {
        await syncing;
        await data.truncate(manifest.sizeBytes);
        await data.datasync();
        if ((running.finish() ?? (await hashFile(path))) !== manifest.digest) {
          // Every chunk held, the whole does not: the manifest lies. Nothing of this is kept.
          await rm(path, { force: true });
          await rm(`${path}.have`, { force: true });
          throw new StarlingError('digest-mismatch', `blob ${manifest.digest} is not what its chunks make`);
        }
        await rename(path, finalPath);
        await syncDirectory(join(finalPath, '..'));
        await rm(`${path}.have`, { force: true });
      });
    },
    async close() {
      await Promise.allSettled([marking, syncing]);
      await data.close();
      await marks.close();
    },
  };
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
async function readMarks(marks: FileHandle, data: FileHandle, manifest: BlobManifest, offsets: readonly number[]): Promise<Set<number>> {
  const bytes = await marks.readFile();
  const verified = new Set<number>();
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const index = bytes.readUInt32BE(at);
    const chunk = manifest.chunks[index];
    if (chunk === undefined || verified.has(index)) continue;
    const buffer = Buffer.alloc(chunk.sizeBytes);
    const { bytesRead } = await data.read(buffer, 0, chunk.sizeBytes, offsets[index] ?? 0);
    if (bytesRead === chunk.sizeBytes && sha256(buffer) === chunk.digest) verified.add(index);
  }
  return verified;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
