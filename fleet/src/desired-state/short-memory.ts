import type { Clock } from '../ports.ts';

/** Another process over the same database may change what is remembered: it is looked up again after this long. */
const MEMORY_MS = 1_000;
const ENTRIES_MAXIMUM = 10_000;

/** Answers of a slow look-up that are asked for in bursts. */
export interface ShortMemory<Value> {
  get(key: string): Promise<Value>;
  /** Looks up, whatever is remembered. */
  fresh(key: string): Promise<Value>;
  /** To be called once a change is committed: a look-up that began before it counts no more. */
  forget(key: string): void;
}

export function createShortMemory<Value>(lookUp: (key: string) => Promise<Value>, clock: Clock): ShortMemory<Value> {
  const entries = new Map<string, { value: Promise<Value>; untilMs: number }>();
  const fresh = (key: string): Promise<Value> => {
    const entry = { value: lookUp(key), untilMs: clock.nowMs() + MEMORY_MS };
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size > ENTRIES_MAXIMUM) entries.delete(entries.keys().next().value as string);
    entry.value.catch(() => {
      if (entries.get(key) === entry) entries.delete(key);
    });
    return entry.value;
  };
  return {
    fresh,
    get(key) {
      const entry = entries.get(key);
      const nowMs = clock.nowMs();
      // A clock that was set back must not keep it for longer.
      const holds = entry !== undefined && entry.untilMs > nowMs && entry.untilMs <= nowMs + MEMORY_MS;
      return holds ? entry.value : fresh(key);
    },
    forget: (key) => void entries.delete(key),
  };
}
