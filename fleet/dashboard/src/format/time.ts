const steps: readonly [unit: Intl.RelativeTimeFormatUnit, lengthMs: number][] = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

/** `2026-11-24 03:12:05 UTC` */
export function utcTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `03:12` or `03:12:05`, UTC, for axes of charts. */
export function utcClock(atMs: number, withSeconds = false): string {
  return new Date(atMs).toISOString().slice(11, withSeconds ? 19 : 16);
}

/** `5 min. ago`, `in 2 days`; clocks that differ by a few seconds say `now`. */
export function relativeTime(atMs: number, nowMs: number): string {
  const differenceMs = atMs - nowMs;
  if (Math.abs(differenceMs) < 5000) return 'just now';
  const [unit, lengthMs] = steps.find(([, length]) => Math.abs(differenceMs) >= length) ?? ['second', 1000];
  return relative.format(Math.trunc(differenceMs / lengthMs), unit);
}

/** `1.20 s`, `340 ms`, `3 min 20 s`. Each bound is where the unit below it would be rounded up to a whole one: `60.0 s`, `1000 ms`. */
export function duration(lengthMs: number): string {
  if (lengthMs < 0.05) return '0 ms';
  if (lengthMs < 9.95) return `${lengthMs.toFixed(1)} ms`;
  if (lengthMs < 999.5) return `${Math.round(lengthMs)} ms`;
  if (lengthMs < 59_950) return `${(lengthMs / 1000).toFixed(lengthMs < 9_995 ? 2 : 1)} s`;
  const seconds = Math.round(lengthMs / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
