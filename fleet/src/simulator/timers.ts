/** Waiting of one device, all of which ends with it. */
export interface Timers {
  /** @param name the one before of this name is forgotten */
  after(ms: number, act: () => void, name?: string): void;
  stop(name: string): void;
  stopAll(): void;
}

/** Longest time that a timer of Node waits. */
const TIMER_MS_MAXIMUM = 2 ** 31 - 1;

export function createTimers(): Timers {
  const running = new Map<string | symbol, NodeJS.Timeout>();
  return {
    after(ms, act, name) {
      const key = name ?? Symbol();
      clearTimeout(running.get(key));
      const timer = setTimeout(
        () => {
          running.delete(key);
          act();
        },
        Math.min(TIMER_MS_MAXIMUM, ms),
      );
      running.set(key, timer);
    },
    stop(name) {
      clearTimeout(running.get(name));
      running.delete(name);
    },
    stopAll() {
      for (const timer of running.values()) clearTimeout(timer);
      running.clear();
    },
  };
}
