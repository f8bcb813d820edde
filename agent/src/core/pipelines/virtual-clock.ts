import type { Clock } from '../ports/clock.ts';

/** A clock that stands still until it is told to go on: what waits for time then depends on nothing else. */
export interface VirtualClock extends Clock {
  /** Goes to the next timer and rings it. @returns whether there was one */
  advance(): boolean;
}

export function createVirtualClock(startWallMs = 0): VirtualClock {
  const timers: { atMs: number; order: number; run: () => void }[] = [];
  let nowMs = 0;
  let order = 0;
  return {
    monotonicMs: () => nowMs,
    wallMs: () => startWallMs + nowMs,
    after(delayMs, run) {
      order += 1;
      const timer = { atMs: nowMs + delayMs, order, run };
      timers.push(timer);
      return () => {
        const at = timers.indexOf(timer);
        if (at >= 0) timers.splice(at, 1);
      };
    },
    advance() {
      let next = timers[0];
      for (const timer of timers) {
        if (next === undefined || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order)) next = timer;
      }
      if (next === undefined) return false;
      timers.splice(timers.indexOf(next), 1);
      nowMs = next.atMs;
      next.run();
      return true;
    },
  };
}
