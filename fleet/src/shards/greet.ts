import type { Greet } from '@starling/shared';

/** Asks devices for a new hello, not all at once: each answer costs a few queries. */
export interface Greeter {
  greet(devices: readonly string[], reason: Greet['reason']): void;
  close(): void;
}

/** 2,000 a second: ten thousand are back within seconds, and other work has its turn. */
const AT_ONCE = 50;
const PAUSE_MS = 25;

export function createGreeter(send: (device: string, greet: Greet) => Promise<unknown>): Greeter {
  const waiting = new Map<string, Greet['reason']>();
  let timer: NodeJS.Timeout | undefined;
  const next = (): void => {
    timer = undefined;
    for (const [device, reason] of [...waiting].slice(0, AT_ONCE)) {
      waiting.delete(device);
      // Who does not hear it says hello by itself, when it finds its own connection broken.
      send(device, { reason }).catch(() => undefined);
    }
    if (waiting.size > 0) timer = setTimeout(next, PAUSE_MS);
  };
  return {
    greet(devices, reason) {
      for (const device of devices) waiting.set(device, reason);
      timer ??= setTimeout(next, PAUSE_MS);
    },
    close() {
      clearTimeout(timer);
      waiting.clear();
    },
  };
}
