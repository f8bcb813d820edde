/** How measuring makes room for what runs: decisions only, over plain numbers. */

/** A burst lasts about this long: short, so that a live item never waits long for its cores. */
export const BURST_MS = 100;
/** Slowed live pipelines are given this many times the pause, at the most. */
const BACK_OFF_MAXIMUM = 16;
/** Slowed that often in a row, measuring is given up. */
export const SLOWED_MAXIMUM = 6;
/** Items of live pipelines below which their mean says nothing. */
const LIVE_ITEMS_MINIMUM = 3;
/** Any pipeline varies by this much. */
const LIVE_SLACK_MS = 2;

/** Runs of the next burst. @param runMs what one run took so far */
export function burstRuns(runMs: number, remaining: number): number {
  return Math.max(1, Math.min(remaining, Math.floor(BURST_MS / Math.max(runMs, 0.01))));
}

/**
 * The pause after a burst that keeps measuring within its share of all cores.
 * @param slowed bursts in a row during which live pipelines were too slow
 */
export function pauseMs(burst: { cpuSeconds: number; wallMs: number }, cores: number, maximumLoadShare: number, slowed: number): number {
  const sharedMs = (burst.cpuSeconds * 1000) / (cores * maximumLoadShare);
  const pause = Math.max(0, sharedMs - burst.wallMs);
  if (slowed === 0) return pause;
  return Math.max(pause, burst.wallMs) * Math.min(BACK_OFF_MAXIMUM, 2 ** slowed);
}

export interface LiveMean {
  items: number;
  meanMs: number;
}

export function liveMean(before: { items: number; totalMs: number }, after: { items: number; totalMs: number }): LiveMean {
  const items = after.items - before.items;
  return { items, meanMs: items <= 0 ? 0 : (after.totalMs - before.totalMs) / items };
}

/** Did live pipelines get slower than they may? Too few items say nothing. */
export function isSlowed(before: LiveMean, during: LiveMean, maximumLoadShare: number): boolean {
  if (before.items < LIVE_ITEMS_MINIMUM || during.items < LIVE_ITEMS_MINIMUM) return false;
  return during.meanMs > before.meanMs * (1 + maximumLoadShare) + LIVE_SLACK_MS;
}
