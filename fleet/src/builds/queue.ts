import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isStarlingError, messageOf, type Problem, StarlingError } from '@starling/shared';
import type { Database } from '../db/index.ts';
import type { BuildPorts } from './build-ports.ts';
import { readInstance } from './instance.ts';
import { reportProgress } from './report-progress.ts';
import { ended, runJob } from './run-job.ts';
import { countOpenJobs, freeJobsOf, freeUnowned, type JobRow, takeJob, updateOwned } from './store.ts';

/** A fleet that does not renew its lease for this long has ended, or its database is away: another one takes the job. */
const LEASE_MS = 30_000;
const RENEW_MS = 8_000;
/** Jobs of fleets that have ended are looked for this often. */
const POLL_MS = 5_000;
/** A job that was started so often and never ended takes the fleet down with it. */
const ATTEMPTS_MAXIMUM = 3;

/** Why a running build is stopped. `closing`: it goes back into the queue. `cancelled`, `lost`: its row says already what it is now. */
type StopReason = 'closing' | 'cancelled' | 'lost';

/** Runs queued jobs, so many at once. The rows decide; what is in memory only ends what runs here. */
export interface BuildQueue {
  /** Takes up what a stop of the fleet left unfinished, and works from then on. */
  start(): Promise<void>;
  /** Looks for work now. */
  wake(): void;
  /** Ends a build that runs here; its row has been changed before. */
  stop(id: string): void;
  /** Waits until nothing is queued or running. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export async function createBuildQueue(ports: BuildPorts): Promise<BuildQueue> {
  const { db, clock, ids, log, directory, concurrency } = ports;
  const instance = await readInstance(directory, ids);
  const owner = `${instance}/${ids.next()}`;
  const running = new Map<string, { abort: AbortController; over: Promise<void> }>();
  let open = false;
  let taking: Promise<void> = Promise.resolve();
  let poll: NodeJS.Timeout | undefined;

  const take = async (): Promise<void> => {
    while (open && running.size < concurrency) {
      const job = await takeJob(db, owner, clock.nowMs(), LEASE_MS);
      if (job === undefined) return;
      const abort = new AbortController();
      const over = work(job, owner, abort, ports).finally(() => {
        running.delete(job.id);
        wake();
      });
      running.set(job.id, { abort, over });
    }
  };
  const wake = (): void => {
    taking = taking.then(take).catch((error: unknown) => log.warn({ error: messageOf(error) }, 'no build could be taken'));
  };
  return {
    async start() {
      // Workers of an earlier start that are still there have nobody to answer to, and end by themselves.
      await rm(join(directory, 'builds'), { recursive: true, force: true });
      await freeJobsOf(db, instance);
      await freeUnowned(db);
      open = true;
      poll = setInterval(wake, POLL_MS);
      wake();
    },
    wake,
    stop: (id) => running.get(id)?.abort.abort('cancelled' satisfies StopReason),
    async idle() {
      for (;;) {
        await taking;
        if (running.size === 0 && (await countOpenJobs(db)) === 0) return;
        await Promise.race([...running.values()].map(({ over }) => over));
      }
    },
    async close() {
      open = false;
      clearInterval(poll);
      await taking;
      for (const { abort } of running.values()) abort.abort('closing' satisfies StopReason);
      await Promise.all([...running.values()].map(({ over }) => over));
    },
  };
}

/** One job from its lease to its end. Never throws. */
async function work(job: JobRow, owner: string, abort: AbortController, ports: BuildPorts): Promise<void> {
  const { db, clock, events, log } = ports;
  const tell = (state: string): void => events.publish({ type: 'build', id: job.id, atMs: clock.nowMs(), detail: { state } });
  const stopRenewing = renewLease(job, owner, abort, ports);
  const report = reportProgress({ id: job.id, owner }, ports);
  try {
    tell('running');
    if (job.attempts > ATTEMPTS_MAXIMUM) throw startedTooOften();
    await runJob({ job, owner, signal: abort.signal, report }, ports);
    tell('done');
  } catch (error) {
    const reason = abort.signal.reason as StopReason | undefined;
    const problem = problemOf(error);
    if (reason === undefined && problem.code !== 'lease-lost') report.line(`failed: ${problem.message}`);
    await report.end();
    await recordEnd(job, owner, { reason, problem }, db, clock.nowMs()).catch((failure: unknown) =>
      log.error({ job: job.id, error: messageOf(failure) }, 'the end of a build could not be recorded'),
    );
    if (reason === undefined) log.warn({ job: job.id, problem }, 'a build failed');
    tell(reason === 'closing' ? 'queued' : reason === undefined ? 'failed' : 'cancelled');
  } finally {
    stopRenewing();
  }
  await chooseAgain(job, ports);
}

/** Devices are chosen for once, when all that a version was to get is there. */
async function chooseAgain({ modelDigest }: JobRow, { db, log, onBuilt }: BuildPorts): Promise<void> {
  try {
    if ((await countOpenJobs(db, modelDigest)) === 0) await onBuilt(modelDigest);
  } catch (error) {
    log.warn({ model: modelDigest, error: messageOf(error) }, 'artefacts could not be chosen again');
  }
}

async function recordEnd(
  job: JobRow,
  owner: string,
  { reason, problem }: { reason: StopReason | undefined; problem: Problem },
  db: Database,
  atMs: number,
): Promise<void> {
  const owned = { id: job.id, owner };
  if (reason === 'closing') {
    // Asked to stop in the middle: that was no attempt of its own.
    const attempts = Math.max(0, job.attempts - 1);
    await updateOwned(db, owned, { ...ended(atMs), endedAtMs: null, state: 'queued', progress: 0, step: '', attempts });
  } else if (reason === undefined) await updateOwned(db, owned, { ...ended(atMs), state: 'failed', error: problem });
}

/** Keeps the lease while the job runs, and ends the job when the lease is gone. @returns a function that stops it */
function renewLease(job: JobRow, owner: string, abort: AbortController, { db, clock, log }: BuildPorts): () => void {
  let expiresAtMs = job.leaseExpiresAtMs ?? 0;
  const timer = setInterval(async () => {
    const nowMs = clock.nowMs();
    try {
      const kept = await updateOwned(db, { id: job.id, owner }, { leaseExpiresAtMs: nowMs + LEASE_MS });
      if (kept) expiresAtMs = nowMs + LEASE_MS;
      else abort.abort('lost' satisfies StopReason);
    } catch (error) {
      log.warn({ job: job.id, error: messageOf(error) }, 'the lease of a build could not be renewed');
      // From now on another fleet may run it.
      if (nowMs >= expiresAtMs) abort.abort('lost' satisfies StopReason);
    }
  }, RENEW_MS);
  return () => clearInterval(timer);
}

function startedTooOften(): StarlingError {
  return new StarlingError('build-crashed', `the build was started ${ATTEMPTS_MAXIMUM} times, and the fleet ended each time`, {
    field: 'model',
    hint: 'it may need more memory than this machine has; lower buildMemoryMebibytes, or retry it when the machine is idle',
  });
}

function problemOf(error: unknown): Problem {
  if (!isStarlingError(error)) return { code: 'build-failed', message: messageOf(error).slice(0, 2000) };
  const { code, message, field, hint } = error;
  return {
    code,
    message: message.slice(0, 2000),
    ...(field === undefined ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
  };
}
