import { messageOf } from '@starling/shared';
import type { Database } from '../db/index.ts';
import type { Clock, EventBus, Log } from '../ports.ts';
import { appendLog, updateOwned } from './store.ts';

/** Progress comes in bursts; a database that is written at each step would be busy with nothing else. */
const FLUSH_MS = 400;
/** Native libraries may write a lot: what comes at once beyond this is left out. */
const BURST_LINES_MAXIMUM = 500;
const LINE_CHARACTERS_MAXIMUM = 2000;

/** Takes what a running build says, and writes it down now and then. */
export interface ProgressReporter {
  progress(percent: number, step: string): void;
  line(text: string): void;
  /** Writes what is left, and takes nothing more. */
  end(): Promise<void>;
}

export interface ReporterPorts {
  db: Database;
  clock: Clock;
  events: EventBus;
  log: Log;
}

export function reportProgress(job: { id: string; owner: string }, { db, clock, events, log }: ReporterPorts): ProgressReporter {
  let lines: { atMs: number; text: string }[] = [];
  let state: { progress: number; step: string } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let ended = false;
  const flush = async (): Promise<void> => {
    const [pending, current] = [lines, state];
    lines = [];
    state = undefined;
    if (pending.length === 0 && current === undefined) return;
    const atMs = clock.nowMs();
    try {
      if (current !== undefined) await updateOwned(db, job, { ...current, updatedAtMs: atMs });
      await appendLog(db, job.id, pending);
      events.publish({ type: 'build', id: job.id, atMs, detail: { state: 'running', ...current, lines: pending.length } });
    } catch (error) {
      log.warn({ job: job.id, error: messageOf(error) }, 'the progress of a build could not be written');
    }
  };
  const soon = (): void => {
    if (ended || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      writing = writing.then(flush);
    }, FLUSH_MS);
  };
  return {
    progress(percent, step) {
      state = { progress: Math.round(Math.min(100, Math.max(0, percent))), step };
      lines.push({ atMs: clock.nowMs(), text: step });
      soon();
    },
    line(text) {
      if (lines.length >= BURST_LINES_MAXIMUM) return;
      // Postgres keeps no NUL.
      lines.push({ atMs: clock.nowMs(), text: text.replaceAll('\0', '').slice(0, LINE_CHARACTERS_MAXIMUM) });
      soon();
    },
    async end() {
      ended = true;
      clearTimeout(timer);
      writing = writing.then(flush);
      await writing;
    },
  };
}
