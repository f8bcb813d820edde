/** Results are counted over at least this time. */
const WINDOW_MS = 5_000;
/** Where one result takes long, over the time of this many. */
const WINDOW_RESULTS = 3;

/** Results a second, over a window of some seconds. Time comes in. */
export interface FrameRate {
  add(atMs: number, latencyMs: number): void;
  /** Undefined while there are too few results, and when none comes any more. */
  perSecond(nowMs: number): number | undefined;
  /** What comes next has nothing to do with what was. */
  forget(): void;
}

/**
 * Each result ends an interval, so results that arrive together do not count as a high rate: the first interval began when its frame was
 * taken, each other one with the result before.
 */
export function createFrameRate(): FrameRate {
  const ends: number[] = [];
  let sinceMs = 0;
  let windowMs = WINDOW_MS;
  const drop = (nowMs: number): void => {
    while (ends[0] !== undefined && ends[0] < nowMs - windowMs) sinceMs = ends.shift() ?? sinceMs;
  };
  return {
    add(atMs, latencyMs) {
      windowMs = Math.max(WINDOW_MS, latencyMs * WINDOW_RESULTS);
      drop(atMs);
      if (ends.length === 0) sinceMs = Math.max(sinceMs, atMs - latencyMs);
      ends.push(atMs);
    },
    perSecond(nowMs) {
      drop(nowMs);
      const spanMs = (ends.at(-1) ?? 0) - sinceMs;
      return ends.length < 2 || spanMs <= 0 ? undefined : (ends.length * 1000) / spanMs;
    },
    forget() {
      ends.length = 0;
    },
  };
}
