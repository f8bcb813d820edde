import { messageOf, StarlingError } from '@starling/shared';
import postgres from 'postgres';

/** Keeps a database from being served by more processes than can. */
export interface ProcessGuard {
  /** What one process alone may do when it starts is done. */
  started(): Promise<void>;
  close(): Promise<void>;
}

/** Two keys of advisory locks, which are apart for each database: who starts, and who is there. */
const STARTING = 7_827_410;
const SERVING = 7_827_411;
/** The server takes a moment to see that a process which was killed has gone. */
const ATTEMPTS = 12;
const ATTEMPT_MS = 250;
const LOOK_MS = 10_000;

interface GuardOptions {
  /** `alone`: with the embedded broker, whose devices no other process sees. `many`: with one that all processes share. */
  mode: 'alone' | 'many';
  onLost(reason: string): void;
}

/**
 * Locks of a session of its own: Postgres lets go of them with the connection, however a process ends, so a restart never waits.
 * Processes start one after the other, so that the first makes keys and tables, and the others find them.
 * @throws StarlingError `fleet-already-runs`
 */
export async function openProcessGuard(url: string, { mode, onLost }: GuardOptions): Promise<ProcessGuard> {
  const sql = postgres(url, { max: 1, idle_timeout: 0, max_lifetime: null, connect_timeout: 10, onnotice: () => undefined });
  const isTaken = async (): Promise<boolean> => {
    const [row] =
      mode === 'alone'
        ? await sql<{ taken: boolean }[]>`select pg_try_advisory_lock(${SERVING}) as taken`
        : await sql<{ taken: boolean }[]>`select pg_try_advisory_lock_shared(${SERVING}) as taken`;
    return row?.taken === true;
  };
  const session = async (): Promise<number> => (await sql<{ pid: number }[]>`select pg_backend_pid() as pid`)[0]?.pid ?? 0;
  const close = (): Promise<void> => sql.end({ timeout: 5 });
  try {
    await sql`select pg_advisory_lock(${STARTING})`;
    for (let attempt = 1; !(await isTaken()); attempt += 1) {
      if (attempt === ATTEMPTS) throw alreadyRuns(mode);
      await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MS));
    }
  } catch (error) {
    await close();
    throw error;
  }
  let pid = await session();
  const timer = setInterval(() => {
    // A database that was away has forgotten the lock with the session.
    const look = async (): Promise<void> => {
      const now = await session();
      if (now === pid) return;
      if (await isTaken()) pid = now;
      else onLost('another process serves this database now');
    };
    look().catch((error: unknown) => onLost(messageOf(error)));
  }, LOOK_MS);
  timer.unref();
  return {
    async started() {
      await sql`select pg_advisory_unlock(${STARTING})`;
    },
    async close() {
      clearInterval(timer);
      await close();
    },
  };
}

function alreadyRuns(mode: GuardOptions['mode']): StarlingError {
  const hint =
    mode === 'alone'
      ? 'stop the other process, or let all of them use a broker that they share (brokerUrl); see docs/guides/scaling.md'
      : 'a process with the embedded broker serves this database: stop it first';
  return new StarlingError('fleet-already-runs', 'another process of a fleet serves this database', { field: 'databaseUrl', hint });
}
