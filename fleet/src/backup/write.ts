import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGzip, type Gzip } from 'node:zlib';
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
    for await (const { path, bytes } of entriesOf(ports, head)) {
      // Nobody listens any more: the transaction has to end.
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

async function* entriesOf(ports: BackupPorts, head: BackupHead): AsyncGenerator<Entry> {
  const end: BackupEnd = { tables: {}, chunks: 0 };
  yield { path: HEAD_FILE, bytes: jsonOf(head) };
  for (const folder of KEPT_FOLDERS) {
    for (const name of await readdir(join(ports.directory, folder)).catch(() => []))
      yield { path: `files/${folder}/${name}`, bytes: await readFile(join(ports.directory, folder, name)) };
  }
  yield* tablesOf(ports.db, head.withTelemetry, end);
  for await (const { digest } of ports.blobs.listChunks()) {
    yield { path: `chunks/${digest}`, bytes: await ports.blobs.getChunk(digest) };
    end.chunks += 1;
  }
  yield { path: END_FILE, bytes: jsonOf(end) };
}

/** A transaction takes a function, and a backup is read as fast as it is taken: each piece is handed over before the next is read. */
async function* tablesOf(db: Database, withTelemetry: boolean, end: BackupEnd): AsyncGenerator<Entry> {
  let give: (entry: Entry | undefined) => void = () => undefined;
  let taken: () => void = () => undefined;
  let stopped = false;
  const reading = db.transaction(async (tx) => {
    await readAsOfNow(tx);
    for (const table of await listTables(tx)) {
      if (!withTelemetry && telemetryTables.has(table)) continue;
      end.tables[table] = 0;
      let part = 0;
      for await (const rows of readRows(tx, table)) {
        part += 1;
        end.tables[table] += rows.length;
        const path = `tables/${table}/${String(part).padStart(6, '0')}.ndjson`;
        const isTaken = new Promise<void>((resolve) => {
          taken = resolve;
        });
        give({ path, bytes: Buffer.from(`${rows.join('\n')}\n`) });
        await isTaken;
        if (stopped) return;
      }
    }
  });
  try {
    for (;;) {
      const next = new Promise<Entry | undefined>((resolve) => {
        give = resolve;
      });
      taken();
      const entry = await Promise.race([next, reading.then(() => undefined)]);
      if (entry === undefined) break;
      yield entry;
    }
  } finally {
    stopped = true;
    taken();
    await reading;
  }
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
