import type { EngineSession } from '../ports/engine.ts';

/** Turns at one session, for pipelines that share it. */
export interface Turns {
  /** The session as one pipeline has it. @param priority 0 goes first */
  sessionFor(priority: number): EngineSession;
}

/**
 * Runs of one session are serial. Who waits for the next one goes by the priority of the pipeline, then by arrival: a long queue of one
 * pipeline never holds up a more urgent one by more than the run that is under way.
 */
export function createTurns(session: EngineSession): Turns {
  const waiting: { priority: number; start: () => void }[] = [];
  let isRunning = false;

  const next = (): void => {
    if (waiting.length === 0) {
      isRunning = false;
      return;
    }
    let first = 0;
    waiting.forEach(({ priority }, place) => {
      if (priority < (waiting[first]?.priority ?? priority)) first = place;
    });
    waiting.splice(first, 1)[0]?.start();
  };
  const turn = (priority: number): Promise<void> => {
    if (!isRunning) {
      isRunning = true;
      return Promise.resolve();
    }
    return new Promise((start) => waiting.push({ priority, start }));
  };
  return {
    sessionFor: (priority) => ({
      ...session,
      async run(inputs) {
        await turn(priority);
        try {
          return await session.run(inputs);
        } finally {
          next();
        }
      },
    }),
  };
}
