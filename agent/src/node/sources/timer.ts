import type { SourceParams } from '@starling/shared';
import type { OpenSource } from './source.ts';

/** A tick at multiples of the period since the source was opened. While one is worked on, those that are missed are left out. */
export const openTimer: OpenSource<SourceParams<'timer'>> = ({ everyMs }, { push, clock }) => {
  const startMs = clock.monotonicMs();
  let closed = false;
  let cancel = (): void => undefined;
  let working: Promise<unknown> = Promise.resolve();
  const wait = (): void => {
    const next = Math.floor((clock.monotonicMs() - startMs) / everyMs) + 1;
    cancel = clock.after(startMs + next * everyMs - clock.monotonicMs(), () => {
      const timeMs = Math.round(clock.wallMs());
      // Timers of a runtime may come a little early: the count is that of the tick which was waited for.
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
