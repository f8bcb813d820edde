import { isStarlingError, messageOf } from '@starling/shared';
import type { Clock } from '../../core/ports/clock.ts';
import type { Random } from '../../core/ports/random.ts';
import { createEpisode, type FailingList, type Tell } from '../tell.ts';
import type { SinkSpool, SpoolEntry } from './spool.ts';

export interface DrainPlan {
  spool: SinkSpool;
  /** Sends one entry. An error that is not retryable gives the entry up. */
  send(entry: SpoolEntry, signal: AbortSignal): Promise<void>;
  node: string;
  retryDelayMs: number;
  retryDelayMaximumMs: number;
  /** Age at which an entry is given up. */
  maximumAgeMs: number;
  tell: Tell;
  failing?: FailingList | undefined;
  clock: Clock;
  random: Random;
}

/** Sends what waits, in order, one after the other, until it is closed. */
export function startDrain(plan: DrainPlan): { close(): Promise<void> } {
  const { spool, clock, node } = plan;
  const abort = new AbortController();
  const episode = createEpisode(plan, 'sink-recovered', { node });
  /** @returns whether the entry is done with: it was taken, or will never be */
  const isSettledBy = (error: unknown, { key }: SpoolEntry): boolean => {
    const known = isStarlingError(error) ? error : undefined;
    const facts = { waiting: spool.waiting(), ...(known?.hint === undefined ? {} : { hint: known.hint }) };
    if (known !== undefined && !known.retryable) {
      plan.tell('error', known.code, known.message, { node, key, ...facts });
      return true;
    }
    episode.failed(known?.code ?? 'sink-failed', messageOf(error), facts);
    return false;
  };
  const settle = async (entry: SpoolEntry): Promise<void> => {
    for (let delayMs = plan.retryDelayMs; !abort.signal.aborted; delayMs = Math.min(2 * delayMs, plan.retryDelayMaximumMs)) {
      if (clock.wallMs() - entry.atMs > plan.maximumAgeMs) {
        plan.tell('error', 'sink-gave-up', 'a value could not be delivered for too long', { node, key: entry.key });
        return spool.remove(entry);
      }
      try {
        await plan.send(entry, abort.signal);
        episode.recovered({ waiting: spool.waiting() - 1 });
        return spool.remove(entry);
      } catch (error) {
        if (abort.signal.aborted) return;
        if (isSettledBy(error, entry)) return spool.remove(entry);
      }
      // Many devices that lost one server must not come back in step.
      await pause(clock, delayMs * (0.5 + plan.random.number()), abort.signal);
    }
  };
  const running = (async () => {
    for (;;) {
      const entry = await spool.oldest();
      if (entry === undefined || abort.signal.aborted) return;
      await settle(entry);
    }
  })();
  return {
    async close() {
      abort.abort();
      await Promise.all([spool.close(), running]);
      episode.close();
    },
  };
}

/** Waits, or until the signal comes. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(delayMs, end);
    signal.addEventListener('abort', end, { once: true });
  });
}
