import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { messageOf, StarlingError } from '@starling/shared';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres, { type Sql } from 'postgres';
import { openProcessGuard } from './process-guard.ts';
import * as schema from './schema/index.ts';

export type Schema = typeof schema;
export type Database = PostgresJsDatabase<Schema>;
/** Inside `db.transaction`: everything in the callback must use this, never the database itself. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** What a store function takes: it works in or out of a transaction. */
export type Queryable = Database | Transaction;

export interface OpenDatabase {
  db: Database;
  /** `postgres` for a server, `pglite` for the embedded one. */
  kind: 'postgres' | 'pglite';
  /** To the other processes on this database; undefined where there can be none. */
  channel: Channel | undefined;
  /** What one process alone may do when it starts is done: others may start now. */
  started(): Promise<void>;
  close(): Promise<void>;
}

/** Says things to every process on a database: LISTEN and NOTIFY. What is said while one is away, that one never hears. */
export interface Channel {
  /** @param text at most CHANNEL_BYTES_MAXIMUM bytes */
  tell(text: string): Promise<void>;
  /** @param onBack it was away, and may have missed something */
  hear(listener: (text: string) => void, onBack: () => void): Promise<void>;
}

/** Postgres takes 8,000 bytes, less one. */
export const CHANNEL_BYTES_MAXIMUM = 7_900;
const CHANNEL_NAME = 'starling';

export interface DatabaseOptions {
  /** Address of a Postgres server; without it PGlite runs in `directory`. */
  url?: string | undefined;
  directory: string;
  /** Of a server: may this process share it with others? Not asked for those that only look. */
  processes?: 'alone' | 'many';
  /** The right to serve the database was lost with a connection, and could not be had again. */
  onLost?: (reason: string) => void;
}

const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url));

/**
 * Opens the database and brings its tables up to date.
 * @throws StarlingError `database-unreachable`, `migration-failed`, `fleet-already-runs`
 */
export async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  const opened = options.url === undefined ? await openEmbedded(options.directory) : await openServer(options.url);
  const { sql, stop, kind, channel } = opened;
  const db = drizzle(sql, { schema });
  const guard = await guardOf(options, stop);
  try {
    await migrate(db, { migrationsFolder });
  } catch (cause) {
    await guard?.close();
    await stop();
    throw new StarlingError('migration-failed', `the tables could not be brought up to date: ${messageOf(cause)}`, { cause });
  }
  const close = async (): Promise<void> => {
    await guard?.close();
    await stop();
  };
  return { db, kind, channel, started: async () => guard?.started(), close };
}

async function guardOf({ url, processes, onLost = () => undefined }: DatabaseOptions, stop: () => Promise<void>) {
  if (url === undefined || processes === undefined) return undefined;
  try {
    return await openProcessGuard(url, { mode: processes, onLost });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Opened {
  sql: Sql;
  kind: OpenDatabase['kind'];
  channel: Channel | undefined;
  stop(): Promise<void>;
}

async function openServer(url: string): Promise<Opened> {
  const sql = postgres(url, { max: 10, connect_timeout: 10, idle_timeout: 60, onnotice: () => undefined });
  try {
    await sql`select 1`;
  } catch (cause) {
    await sql.end({ timeout: 1 });
    throw new StarlingError('database-unreachable', `the database cannot be reached: ${messageOf(cause)}`, {
      field: 'databaseUrl',
      hint: 'check address, user and password, and that the server runs',
      retryable: true,
      cause,
    });
  }
  const channel: Channel = {
    tell: async (text) => void (await sql.notify(CHANNEL_NAME, text)),
    async hear(listener, onBack) {
      let isFirst = true;
      await sql.listen(CHANNEL_NAME, listener, () => {
        if (!isFirst) onBack();
        isFirst = false;
      });
    },
  };
  return { sql, kind: 'postgres', channel, stop: () => sql.end({ timeout: 5 }) };
}

async function openEmbedded(directory: string): Promise<Opened> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const socketFolder = await socketFolderOf(directory);
  const socketPath = join(socketFolder, SOCKET_NAME);
  await rm(socketPath, { force: true });
  const worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), {
    workerData: { directory: join(directory, 'data'), socketPath },
  });
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', (cause) =>
      reject(
        new StarlingError('database-unreachable', `the embedded database in ${directory} does not open: ${messageOf(cause)}`, { cause }),
      ),
    );
  });
  // One connection: PGlite is one session, and a second one would only wait for it in another place.
  const sql = postgres({
    path: socketPath,
    user: 'postgres',
    database: 'postgres',
    max: 1,
    onnotice: () => undefined,
    connect_timeout: 30,
  });
  const stop = async (): Promise<void> => {
    await sql.end({ timeout: 5 });
    await new Promise<void>((resolve) => {
      worker.once('message', () => resolve());
      worker.once('exit', () => resolve());
      worker.postMessage('close');
    });
    await worker.terminate();
    if (socketFolder !== directory) await rm(socketFolder, { recursive: true, force: true });
  };
  return { sql, kind: 'pglite', channel: undefined, stop };
}

/** As Postgres names its own, so that clients find it by the folder. */
const SOCKET_NAME = '.s.PGSQL.5432';
/** sun_path has 108 bytes on Linux and 104 on macOS, with a zero at the end. */
const SOCKET_PATH_BYTES_MAXIMUM = 103;

/** The directory itself, or where its path is too long for a socket, a private folder with a short one. */
async function socketFolderOf(directory: string): Promise<string> {
  if (Buffer.byteLength(join(directory, SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAXIMUM) return directory;
  return mkdtemp(join(tmpdir(), 'starling-database-'));
}
