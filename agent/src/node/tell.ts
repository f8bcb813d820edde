import type { Clock } from '../core/ports/clock.ts';
import type { Failing } from '../core/ports/pipeline-ends.ts';

/** Something that people who look after a device should know; it becomes a record of kind `events`. */
export type Tell = (level: 'info' | 'warning' | 'error', code: string, message: string, detail?: Record<string, unknown>) => void;

/** What fails now, for whoever looks at the device while it lasts. */
export interface FailingList {
  list(): Failing[];
  /** @returns how it is taken away again */
  add(failing: Failing): () => void;
}

/** @param changed something has begun to fail, or is over */
export function createFailingList(changed: () => void): FailingList {
  const all = new Set<Failing>();
  return {
    list: () => [...all].map((each) => ({ ...each })),
    add(failing) {
      all.add(failing);
      changed();
      return () => {
        if (all.delete(failing)) changed();
      };
    },
  };
}

export interface EpisodePorts {
  tell: Tell;
  clock: Pick<Clock, 'wallMs' | 'monotonicMs'>;
  failing?: FailingList | undefined;
}

/** What goes wrong again and again is told when it begins, ever more rarely while it lasts, and when it is over. */
export interface Episode {
  failed(code: string, message: string, detail?: Record<string, unknown>): void;
  recovered(detail?: Record<string, unknown>): void;
  /** Whatever failed is not wanted any more: nobody hears of it again. */
  close(): void;
}

/** Until it is told for the second time; each time after that it is twice as long. */
const FIRST_REMINDER_MS = 60_000;
const REMINDER_MAXIMUM_MS = 3_600_000;

interface Lasting {
  failing: Failing;
  startedMs: number;
  /** When it is told again, in milliseconds since it began. */
  reminderMs: number;
  pauseMs: number;
  takeAway: () => void;
}

/** @param recoveredCode event that ends the episode */
export function createEpisode({ tell, clock, failing }: EpisodePorts, recoveredCode: string, subject: { node: string }): Episode {
  let current: Lasting | undefined;
  const lastedMs = ({ startedMs }: Lasting): number => Math.round(clock.monotonicMs() - startedMs);
  const begin = (code: string, message: string): Lasting => {
    const entry: Failing = { node: subject.node, code, message, sinceMs: Math.round(clock.wallMs()), attempts: 1 };
    const times = { startedMs: clock.monotonicMs(), reminderMs: FIRST_REMINDER_MS, pauseMs: FIRST_REMINDER_MS };
    return { failing: entry, ...times, takeAway: failing?.add(entry) ?? (() => undefined) };
  };
  const end = (): void => {
    current?.takeAway();
    current = undefined;
  };
  return {
    failed(code, message, detail = {}) {
      if (current?.failing.code !== code) {
        end();
        current = begin(code, message);
        tell('warning', code, message, { ...subject, ...detail });
        return;
      }
      const { failing: entry } = current;
      Object.assign(entry, { message, attempts: entry.attempts + 1 });
      const { sinceMs, attempts } = entry;
      if (lastedMs(current) < current.reminderMs) return;
      current.pauseMs = Math.min(2 * current.pauseMs, REMINDER_MAXIMUM_MS);
      current.reminderMs = lastedMs(current) + current.pauseMs;
      const words = `${message}; so for ${spanOf(lastedMs(current))}, tried ${attempts} times`;
      tell('warning', code, words, { ...subject, ...detail, sinceMs, attempts });
    },
    recovered(detail = {}) {
      if (current === undefined) return;
      const { code, sinceMs, attempts } = current.failing;
      const words = `after ${code}, which lasted ${spanOf(lastedMs(current))}`;
      end();
      tell('info', recoveredCode, words, { ...subject, ...detail, sinceMs, attempts });
    },
    close: end,
  };
}

function spanOf(lastedMs: number): string {
  const minutes = Math.round(lastedMs / 60_000);
  if (minutes < 1) return `${Math.round(lastedMs / 1000)} s`;
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
