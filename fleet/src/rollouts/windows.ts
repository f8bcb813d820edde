import { durationMs, type MaintenanceWindows, messageOf } from '@starling/shared';
import { Cron } from 'croner';

/** No window that people mean opens less often than once in so long. */
const OPENS_WITHIN_MS = 366 * 86_400_000;

/** Does the time zone data of this machine know it? */
export function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}

/**
 * Until when the windows are open in a time zone; undefined while they are shut. The clock is that of the fleet: that of a device may be
 * wrong, and its label says where it stands.
 */
export function openUntilMs(windows: MaintenanceWindows, timeZone: string, nowMs: number): number | undefined {
  const ends = windows.open.flatMap(({ cron, for: length }) => {
    const lengthMs = durationMs(length);
    // Starts are on whole minutes, and the one that is looked for may be this very millisecond.
    const [last] = new Cron(cron, { timezone: timeZone, mode: '5-part' }).previousRuns(1, new Date(nowMs + 1_000));
    const startMs = last !== undefined && last.getTime() <= nowMs && nowMs < last.getTime() + lengthMs ? last.getTime() : undefined;
    return startMs === undefined ? [] : [startMs + lengthMs];
  });
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** When the windows open next in a time zone; undefined if they never do. */
export function opensAtMs(windows: MaintenanceWindows, timeZone: string, nowMs: number): number | undefined {
  const starts = windows.open.flatMap(({ cron }) => {
    const next = new Cron(cron, { timezone: timeZone, mode: '5-part' }).nextRun(new Date(nowMs));
    return next === null ? [] : [next.getTime()];
  });
  return starts.length === 0 ? undefined : Math.min(...starts);
}

export interface WindowProblem {
  field: string;
  code: 'unknown-time-zone' | 'bad-window' | 'window-never-opens';
  message: string;
  hint: string;
}

/** What is wrong with windows: a time zone that is none, a line that cannot be read, a window that never opens. */
export function problemsOfWindows(windows: MaintenanceWindows, nowMs: number): WindowProblem[] {
  if (!isTimeZone(windows.timeZone)) {
    const hint = 'write it as in the time zone database, such as Europe/Berlin or UTC';
    return [{ field: 'windows.timeZone', code: 'unknown-time-zone', message: `there is no time zone "${windows.timeZone}"`, hint }];
  }
  return windows.open.flatMap(({ cron }, index): WindowProblem[] => {
    const field = `windows.open.${index}.cron`;
    try {
      const next = new Cron(cron, { timezone: windows.timeZone, mode: '5-part' }).nextRun(new Date(nowMs));
      // The 29th of February is longer away than a year, and a window of nobody.
      if (next !== null && next.getTime() - nowMs <= OPENS_WITHIN_MS) return [];
      const message = next === null ? `"${cron}" never comes` : `"${cron}" does not come within a year`;
      return [
        { field, code: 'window-never-opens', message, hint: 'day and month have to go together, such as "0 1 * * *" for every night' },
      ];
    } catch (error) {
      const hint = 'write minute, hour, day, month and weekday, such as "0 1 * * 1-5"';
      return [{ field, code: 'bad-window', message: `"${cron}" is no time: ${messageOf(error)}`, hint }];
    }
  });
}
