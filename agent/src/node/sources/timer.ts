import type { SourceParams } from '@starling/shared';
import type { OpenSource } from './source.ts';

/** A tick at multiples of the period since the source was opened. While one is worked on, those that are missed are left out. */
export const openTimer: OpenSource<SourceParams<'timer'>> = ({ everyMs }, { push, clock }) => {
  const startMs = clock.monotonicMs();
  let closed = false;
  let cancel = (): void => undefined;
  let working: Promise<unknown> = Promise.resolve();
  let last = 0;
  const wait = (): void => {
    // Timers of a runtime may come a little early: no tick comes twice.
    const next = Math.max(last, Math.floor((clock.monotonicMs() - startMs) / everyMs)) + 1;
    cancel = clock.after(startMs + next * everyMs - clock.monotonicMs(), () => {
      const timeMs = Math.round(clock.wallMs());
      last = next;
      working = push({ tick: { count: next, timeMs } }, { timeMs })
        .catch(() => undefined)
        .then(() => {
          if (!closed) wait();
        });
    });
  };
  wait();
  return {
    async close() {
      closed = true;
      cancel();
      await working;
    },
  };
};
