import type { Log } from '../core/ports/log.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';
const rank: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };
/** Lines kept for the `logs` command. */
const KEPT_LINES = 1000;

/** JSON lines on standard output, the newest of them kept. */
export function createLog(level: Level, nowMs: () => number, write: (line: string) => void): Log {
  const kept: string[] = [];
  const at =
    (severity: Level) =>
    (message: string, detail: Record<string, unknown> = {}) => {
      if (rank[severity] < rank[level]) return;
      const line = JSON.stringify({ time: new Date(nowMs()).toISOString(), level: severity, message, ...detail });
      kept.push(line);
      if (kept.length > KEPT_LINES) kept.shift();
      write(line);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), newest: (count) => kept.slice(-count) };
}
