import { type FileHandle, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createGzip, type Gzip } from 'node:zlib';
import { StarlingError } from '@starling/shared';
import { Header } from 'tar';
import type { BlobStore } from '../blobs/index.ts';
import type { Database } from '../db/index.ts';
import { type BackupEnd, type BackupHead, END_FILE, HEAD_FILE, KEPT_FOLDERS } from './format.ts';
import { listTables, readAsOfNow, readRows, telemetryTables } from './store.ts';

export interface BackupPorts {
  db: Database;
  blobs: Pick<BlobStore, 'listChunks' | 'getChunk'>;
  /** Data directory of the fleet. */
  directory: string;
}

/** Backups are mostly chunks, which hardly become smaller: what a faster level leaves in is little. */
const GZIP_LEVEL = 1;
const BLOCK_BYTES = 512;

/** A backup while the fleet works: the database as of one moment, and the chunks that there are after it. */
export function openBackup(ports: BackupPorts, head: BackupHead): Gzip {
  const gzip = createGzip({ level: GZIP_LEVEL });
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (gzip.destroyed || gzip.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        gzip.off('drain', go).off('close', go);
        resolve();
      };
      gzip.once('drain', go).once('close', go);
    });
  };
  (async () => {
    for await (const { path, bytes } of entriesOf(ports, head, () => gzip.destroyed)) {
      if (gzip.destroyed) return;
      await write(headerOf(path, bytes.length, head.createdAtMs));
      await write(bytes);
      await write(new Uint8Array((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES));
    }
    gzip.end(new Uint8Array(2 * BLOCK_BYTES));
  })().catch((error: Error) => gzip.destroy(error));
  return gzip;
}

interface Entry {
  path: string;
  bytes: Uint8Array;
}

async function* entriesOf(ports: BackupPorts, head: BackupHead, isStopped: () => boolean): AsyncGenerator<Entry> {
  const end: BackupEnd = { tables: {}, chunks: 0 };
  yield { path: HEAD_FILE, bytes: jsonOf(head) };
  for (const folder of KEPT_FOLDERS) {
    for (const name of await readdir(join(ports.directory, folder)).catch(() => []))
      yield { path: `files/${folder}/${name}`, bytes: await readFile(join(ports.directory, folder, name)) };
  }
  yield* tablesOf(ports, head.withTelemetry, end, isStopped);
  for await (const { digest } of ports.blobs.listChunks()) {
    yield { path: `chunks/${digest}`, bytes: await ports.blobs.getChunk(digest) };
    end.chunks += 1;
  }
  yield { path: END_FILE, bytes: jsonOf(end) };
}

/**
 * Rows are read into a file first, as fast as the database gives them: whoever takes a backup slowly, or stops taking it, must not keep a
 * transaction open, for which everything else of an embedded database waits.
 */
async function* tablesOf(
  { db, directory }: BackupPorts,
  withTelemetry: boolean,
  end: BackupEnd,
  isStopped: () => boolean,
): AsyncGenerator<Entry> {
  const folder = await mkdtemp(join(directory, 'backup-'));
  const file = await open(join(folder, 'rows'), 'wx+', 0o600);
  try {
    // It lives on without a name until it is closed, and so ends with the process too.
    await rm(folder, { recursive: true });
    const parts = await db.transaction(async (tx) => {
      await readAsOfNow(tx);
      const written: { path: string; sizeBytes: number }[] = [];
      for (const table of await listTables(tx)) {
        if (!withTelemetry && telemetryTables.has(table)) continue;
        end.tables[table] = 0;
        let part = 0;
        for await (const rows of readRows(tx, table)) {
          if (isStopped()) return [];
          part += 1;
          end.tables[table] += rows.length;
          const bytes = Buffer.from(`${rows.join('\n')}\n`);
          await file.writeFile(bytes);
          written.push({ path: `tables/${table}/${String(part).padStart(6, '0')}.ndjson`, sizeBytes: bytes.length });
        }
      }
      return written;
    });
    let at = 0;
    for (const part of parts) {
      yield { path: part.path, bytes: await readAt(file, at, part.sizeBytes) };
      at += part.sizeBytes;
    }
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, position: number, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; ) {
    const { bytesRead } = await file.read(bytes, at, sizeBytes - at, position + at);
    if (bytesRead === 0)
      throw new StarlingError('backup-failed', 'rows of the backup are gone from the data directory', { hint: 'take it again' });
    at += bytesRead;
  }
  return bytes;
}

function headerOf(path: string, size: number, createdAtMs: number): Uint8Array {
  const header = new Header({ path, size, type: 'File', mode: 0o600, mtime: new Date(createdAtMs), uid: 0, gid: 0 });
  const block = Buffer.alloc(BLOCK_BYTES);
  header.encode(block, 0);
  return block;
}

function jsonOf(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
