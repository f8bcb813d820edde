import type { Log } from '../core/ports/log.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };
/** Lines kept for the `logs` command. */
const KEPT_LINES = 1000;

/** JSON lines, the newest of them kept. */
export function createLog(level: LogLevel, nowMs: () => number, write: (severity: LogLevel, line: string) => void): Log {
  const kept: string[] = [];
  const at =
    (severity: LogLevel) =>
    (message: string, detail: Record<string, unknown> = {}) => {
      if (rank[severity] < rank[level]) return;
      const line = JSON.stringify({ time: new Date(nowMs()).toISOString(), level: severity, message, ...detail });
      kept.push(line);
      if (kept.length > KEPT_LINES) kept.shift();
      write(severity, line);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), newest: (count) => kept.slice(-count) };
}
