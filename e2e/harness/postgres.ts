/** Debian's Postgres -> a throw-away server of its own user, folder and port -> its address, and a way to stop it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from './free-ports.ts';

export interface PostgresServer {
  /** As DATABASE_URL expects it; the role owns the database. */
  url: string;
  /** Kills the server as a power cut would (no shutdown, no flush by it), and starts it again on the same folder and port. */
  crash(): Promise<void>;
  /** Kills the server and leaves it down. */
  down(): Promise<void>;
  /** Starts it again on the same folder and port. */
  up(): Promise<void>;
  /** Stops the server and removes its folder. */
  stop(): Promise<void>;
}

interface Owner {
  uid: number;
  gid: number;
}

const START_ATTEMPTS = 3;
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const ROLE = 'starling';
const DATABASE = 'starling';

/**
 * Starts Postgres on a free loopback port, with its data in a temporary folder. As root it runs as the user `postgres`, since
 * Postgres refuses root.
 * @param program absolute path of `postgres`; `initdb` stands beside it
 */
export async function startPostgres(program: string): Promise<PostgresServer> {
  const owner = databaseOwner();
  const folder = mkdtempSync(join(tmpdir(), 'starling-postgres-'));
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (owner !== undefined) for (const path of [folder, data]) chownSync(path, owner.uid, owner.gid);
  const options = ['--pgdata', data, '--username', ROLE, '--auth', 'trust', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'];
  await promisify(execFile)(join(dirname(program), 'initdb'), options, { ...owner, cwd: folder });

  const { child, port } = await startOnFreePort(program, folder, owner);
  await createDatabase(program, port, owner);
  let running = child;
  const killOnExit = (): void => void running.kill('SIGQUIT');
  process.once('exit', killOnExit);

  return {
    url: `postgres://${ROLE}@127.0.0.1:${port}/${DATABASE}`,
    crash: async () => {
      await end(running, 'SIGQUIT');
      running = await start(program, folder, port, owner);
    },
    down: () => end(running, 'SIGQUIT'),
    up: async () => {
      running = await start(program, folder, port, owner);
    },
    stop: async () => {
      process.off('exit', killOnExit);
      await end(running, 'SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startOnFreePort(program: string, folder: string, owner: Owner | undefined): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const [port = 0] = await freePorts(1);
    try {
      return { child: await start(program, folder, port, owner), port };
    } catch (error) {
      // Someone else may take the port between our look and Postgres's.
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function start(program: string, folder: string, port: number, owner: Owner | undefined): Promise<ChildProcess> {
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${folder}`, 'max_connections=50'];
  const options = ['-D', join(folder, 'data'), ...settings.flatMap((setting) => ['-c', setting])];
  const child = spawn(program, options, { ...owner, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  const { promise, resolve, reject } = Promise.withResolvers<ChildProcess>();
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-4000);
    if (log.includes('database system is ready to accept connections')) resolve(child);
  });
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`postgres ended with ${code}:\n${log}`)));
  const timer = setTimeout(() => reject(new Error(`postgres was not ready in ${START_TIMEOUT_MS} ms:\n${log}`)), START_TIMEOUT_MS);
  try {
    return await promise;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}

/** `createdb` is a client program that stands beside the server's in every package of Postgres. */
async function createDatabase(program: string, port: number, owner: Owner | undefined): Promise<void> {
  const options = ['--host', '127.0.0.1', '--port', String(port), '--username', ROLE, DATABASE];
  await promisify(execFile)(join(dirname(program), 'createdb'), options, { ...owner, cwd: '/' });
}

/** Whom Postgres runs as: nobody else than we are, unless we are root. */
function databaseOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === 'postgres');
  if (entry === undefined) throw new Error('running as root, and there is no user "postgres" to run Postgres as');
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}
