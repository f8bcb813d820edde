import { GREET_INTERVAL_MS } from '@starling/shared';
import type { Clock } from '../ports/clock.ts';

/**
 * INVARIANTS
 * - Attack: have a device say hello without end. It says one in GREET_INTERVAL_MS at most.
 * - Whoever asks is answered after it asked: a hello of before may have been heard by nobody. All who ask too soon share the next one.
 */
export interface Greetings {
  asked(reason: string): void;
  /** The session is over; the next one begins with a hello. */
  forget(): void;
}

export function createGreetings(clock: Clock, sayHello: (reason: string) => void): Greetings {
  let saidMs = Number.NEGATIVE_INFINITY;
  let stopWaiting: (() => void) | undefined;
  const say = (reason: string): void => {
    stopWaiting = undefined;
    saidMs = clock.monotonicMs();
    sayHello(reason);
  };
  return {
    asked(reason) {
      const dueMs = saidMs + GREET_INTERVAL_MS - clock.monotonicMs();
      if (dueMs <= 0) return say(reason);
      stopWaiting ??= clock.after(dueMs, () => say(reason));
    },
    forget() {
      stopWaiting?.();
      stopWaiting = undefined;
    },
  };
}
