import { createReadStream } from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { isStarlingError, messageOf, StarlingError, verifyEpoch } from '@starling/shared';
import { Parser } from 'tar';
import type { z } from 'zod';
import type { BlobStore } from '../blobs/index.ts';
import type { Database, Transaction } from '../db/index.ts';
import { newestRoot, writeEpoch } from '../trust/index.ts';
import {
  type BackupEnd,
  type BackupHead,
  backupEndSchema,
  backupHeadSchema,
  END_FILE,
  ENTRY_BYTES_MAXIMUM,
  HEAD_FILE,
  KEPT_FOLDERS,
} from './format.ts';
import { asOfNow } from './older.ts';
import { emptyTables, hasContents, insertRows, listTables, moveSequences, raiseDesired } from './store.ts';

export interface RestorePorts {
  db: Database;
  blobs: Pick<BlobStore, 'putChunk'>;
  /** Data directory of a fleet that does not run. */
  directory: string;
  nowMs: number;
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

export interface Restored {
  head: BackupHead;
  end: BackupEnd;
  epoch: number;
  /** Devices whose desired state is of the new epoch. */
  devices: number;
}

/** What a backup is of, without reading further. @throws StarlingError `bad-backup` */
export async function readBackupHead(file: string): Promise<BackupHead> {
  let head: BackupHead | undefined;
  await readEntries(file, async (path, bytes) => {
    head = parse(backupHeadSchema, path === HEAD_FILE ? bytes : new Uint8Array(0), HEAD_FILE);
    return false;
  });
  if (head === undefined) throw bad('it is empty');
  return head;
}

/**
 * Fills an empty database, blob store and data directory from a backup. Rows come in one transaction: a backup that is damaged leaves
 * the database as it was.
 * @param proof the next epoch, signed by a publisher or root key; undefined where everything moves elsewhere and nothing is set back
 * @throws StarlingError `not-empty`, `bad-backup`, `unknown-key`
 */
export async function restoreBackup(file: string, proof: string | undefined, ports: RestorePorts): Promise<Restored> {
  await requireEmpty(ports);
  const { size: totalBytes } = await stat(file);
  return ports.db.transaction(async (tx) => {
    const taken = await takeEntries(file, tx, ports, (done) => ports.onProgress?.(done, totalBytes));
    const { head, end } = taken;
    for (const [table, rows] of Object.entries(end.tables)) {
      if ((taken.rows.get(table) ?? 0) !== rows) throw bad(`${table} has ${taken.rows.get(table) ?? 0} rows instead of ${rows}`);
    }
    if (taken.chunks !== end.chunks) throw bad(`it has ${taken.chunks} chunks instead of ${end.chunks}`);
    await moveSequences(tx);
    const raised = proof === undefined ? { epoch: head.epoch, devices: 0 } : await raiseEpoch(tx, proof, head, ports.nowMs);
    // Last: what goes wrong before leaves no keys behind.
    for (const kept of taken.files) await writeKept(ports.directory, kept);
    return { head, end, ...raised };
  });
}

async function raiseEpoch(tx: Transaction, proof: string, head: BackupHead, nowMs: number): Promise<Pick<Restored, 'epoch' | 'devices'>> {
  const root = await newestRoot(tx);
  if (root === undefined) throw bad('it is of a fleet without a root document');
  const { epoch } = await verifyEpoch(proof, root);
  if (epoch <= head.epoch) {
    throw new StarlingError('bad-epoch', `the epoch ${epoch} is no higher than ${head.epoch}, that of the backup`, { field: 'epoch' });
  }
  await writeEpoch(tx, { epoch, proof }, nowMs);
  return { epoch, devices: await raiseDesired(tx, epoch) };
}

async function requireEmpty({ db, directory }: RestorePorts): Promise<void> {
  for (const folder of KEPT_FOLDERS) {
    const names = await readdir(join(directory, folder)).catch(() => []);
    if (names.length > 0) {
      throw new StarlingError('not-empty', `${join(directory, folder)} holds the keys of a fleet`, {
        field: 'dataDirectory',
        hint: 'name a directory that does not exist yet',
      });
    }
  }
  if (await hasContents(db)) {
    throw new StarlingError('not-empty', 'the database holds a fleet already', { field: 'databaseUrl', hint: 'name an empty database' });
  }
}

interface Taken {
  head: BackupHead;
  end: BackupEnd;
  rows: Map<string, number>;
  chunks: number;
  files: KeptFile[];
}

interface KeptFile {
  folder: string;
  name: string;
  bytes: Uint8Array;
}

async function takeEntries(file: string, tx: Transaction, ports: RestorePorts, onBytes: (doneBytes: number) => void): Promise<Taken> {
  const tables = await listTables(tx);
  const known = new Set(tables);
  const rows = new Map<string, number>();
  let head: BackupHead | undefined;
  let end: BackupEnd | undefined;
  let chunks = 0;
  const files: KeptFile[] = [];
  await readEntries(
    file,
    async (path, bytes) => {
      const [kind = '', first = '', second = ''] = path.split('/');
      if (head === undefined && path !== HEAD_FILE) throw bad(`it begins with ${path}`);
      if (path === HEAD_FILE) {
        head = parse(backupHeadSchema, bytes, path);
        await emptyTables(tx, tables);
      } else if (path === END_FILE) end = parse(backupEndSchema, bytes, path);
      else if (kind === 'files' && KEPT_FOLDERS.some((folder) => folder === first)) files.push({ folder: first, name: second, bytes });
      else if (kind === 'tables') {
        const lines = Buffer.from(bytes)
          .toString('utf8')
          .split('\n')
          .filter((line) => line !== '');
        const now = asOfNow(first, lines);
        if (!known.has(now.table))
          throw bad(`it has a table ${first}, which this fleet does not know`, 'restore it with the version that made it');
        await insertRows(tx, now.table, now.rows);
        rows.set(first, (rows.get(first) ?? 0) + lines.length);
      } else if (kind === 'chunks') {
        // Chunks are named by what is in them: one that came out differently is damaged.
        if ((await ports.blobs.putChunk(bytes)) !== first) throw bad(`the chunk ${first} is damaged`);
        chunks += 1;
      } else throw bad(`it holds ${path}, which means nothing here`);
      return true;
    },
    onBytes,
  );
  if (head === undefined || end === undefined) throw bad('it was cut off before its end', 'take it again, to a disk with room');
  return { head, end, rows, chunks, files };
}

async function writeKept(directory: string, { folder, name, bytes }: KeptFile): Promise<void> {
  // Attack: a name that leads out of the directory.
  if (name === '' || basename(name) !== name || name.startsWith('.')) throw bad(`it holds a file "${folder}/${name}"`);
  await mkdir(join(directory, folder), { recursive: true, mode: 0o700 });
  await writeFile(join(directory, folder, name), bytes, { mode: 0o600, flag: 'wx' });
}

/** @param take answers whether to go on; each file is taken before more is read */
async function readEntries(
  file: string,
  take: (path: string, bytes: Uint8Array) => Promise<boolean>,
  onBytes: (doneBytes: number) => void = () => undefined,
): Promise<void> {
  const whole: { path: string; bytes: Uint8Array }[] = [];
  const broken: Error[] = [];
  const parser = new Parser({
    strict: true,
    onReadEntry(entry) {
      const pieces: Uint8Array[] = [];
      if (entry.size > ENTRY_BYTES_MAXIMUM) broken.push(bad(`${entry.path} has ${entry.size} bytes`));
      entry.on('data', (piece: Uint8Array) => void pieces.push(piece));
      entry.on('end', () => void whole.push({ path: entry.path, bytes: Buffer.concat(pieces) }));
    },
  });
  parser.on('error', (error: Error) => void broken.push(error));
  const takeWhole = async (): Promise<boolean> => {
    for (const { path, bytes } of whole.splice(0)) if (!(await take(path, bytes))) return false;
    // Attack: a small file that unpacks into an endless one. What is whole was taken first: it may have said to stop.
    if (broken[0] !== undefined) throw isStarlingError(broken[0]) ? broken[0] : bad(messageOf(broken[0]), NO_BACKUP);
    return true;
  };
  const source = createReadStream(file);
  let doneBytes = 0;
  source.on('data', (piece) => {
    doneBytes += piece.length;
    onBytes(doneBytes);
  });
  const unpacked = source.pipe(createGunzip());
  source.once('error', (error) => unpacked.destroy(error));
  try {
    for await (const piece of unpacked) {
      parser.write(piece as Buffer);
      if (!(await takeWhole())) return;
    }
    parser.end();
    await takeWhole();
  } catch (error) {
    throw isStarlingError(error) || !isOfFile(error) ? error : bad(messageOf(error), NO_BACKUP);
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}

const NO_BACKUP = 'is it a whole backup of Starling?';

/** Zlib and the file system have codes; what the database says is another matter. */
function isOfFile(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(Z_|E[A-Z]+$)/.test(String(error.code));
}

function parse<Schema extends z.ZodType>(schema: Schema, bytes: Uint8Array, path: string): z.infer<Schema> {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    throw bad(`${path} is not what it should be: ${messageOf(cause)}`);
  }
}

function bad(why: string, hint = 'take another backup'): StarlingError {
  return new StarlingError('bad-backup', `the backup cannot be read: ${why}`, { field: 'file', hint });
}
