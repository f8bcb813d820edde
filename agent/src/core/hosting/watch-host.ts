import type { Clock } from '../ports/clock.ts';

/** How often the runtime host is asked whether it lives. */
const ASK_INTERVAL_MS = 1_000;
/** The control plane of a busy device may itself be late; less than this is no sign of anything. */
const SILENCE_MINIMUM_MS = 5_000;

export interface HostWatch {
  /** Something came from the host. */
  heard(): void;
  stop(): void;
}

/**
 * Watches for a runtime host that is there but does not turn its event loop any more, which no run of its own can report.
 * Silence is counted in questions, not by the clock: a device that slept must not find its host guilty.
 * @param silenceMs taken for dead after it, and after five seconds at the least
 */
export function watchHost(clock: Clock, silenceMs: number, ask: () => void, onSilent: (reason: string) => void): HostWatch {
  const limit = Math.ceil(Math.max(silenceMs, SILENCE_MINIMUM_MS) / ASK_INTERVAL_MS);
  let unanswered = 0;
  let cancel = (): void => undefined;
  const wait = (): void => {
    cancel = clock.after(ASK_INTERVAL_MS, () => {
      if (unanswered >= limit) return onSilent(`it has not answered for ${(limit * ASK_INTERVAL_MS) / 1000} s`);
      unanswered += 1;
      ask();
      wait();
    });
  };
  wait();
  return {
    heard() {
      unanswered = 0;
    },
    stop: () => cancel(),
  };
}
