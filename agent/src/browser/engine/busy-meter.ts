import type { Clock } from '../../core/ports/clock.ts';
import type { Engine } from '../../core/ports/engine.ts';

/** Counts the processor time of model runs, since no browser tells that of a worker. */
export interface BusyMeter {
  /** The same engine, with its runs counted. */
  watch(engine: Engine): Engine;
  /** Seconds of all threads together since the start, as far as runs alone can tell. */
  seconds(): number;
}

export function createBusyMeter(clock: Clock, threads: number): BusyMeter {
  let busyMs = 0;
  let running = 0;
  let sinceMs = 0;
  const begin = (): void => {
    if (running === 0) sinceMs = clock.monotonicMs();
    running += 1;
  };
  const end = (): void => {
    running -= 1;
    if (running === 0) busyMs += clock.monotonicMs() - sinceMs;
  };
  return {
    watch: (engine) => ({
      ...engine,
      async open(location, options) {
        const session = await engine.open(location, options);
        return {
          ...session,
          async run(inputs) {
            begin();
            try {
              return await session.run(inputs);
            } finally {
              end();
            }
          },
        };
      },
    }),
    seconds: () => ((busyMs + (running > 0 ? clock.monotonicMs() - sinceMs : 0)) * Math.max(1, threads)) / 1000,
  };
}
