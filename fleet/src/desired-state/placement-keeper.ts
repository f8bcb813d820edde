import { messageOf, WORKER_ABSENCE_MS } from '@starling/shared';
import type { Clock, EventBus, Log } from '../ports.ts';

/** What of the rest is asked to keep homes and workers together. */
export interface PlacementKeeperPorts {
  clock: Clock;
  events: EventBus;
  log: Log;
  /** Looks at one release, or at all: gives homes other workers, and devices other roles, where labels, releases or presence say so. */
  refresh(release?: string): Promise<void>;
  /** Looks at what workers have to hold beside their own release. */
  refreshHelps(): Promise<void>;
  /** Does it work for others, or could it? */
  isWorker(device: string): boolean;
  /** Do others work for it? */
  isHome(device: string): boolean;
  hasWorkers(): boolean;
}

export interface PlacementKeeper {
  /** Devices were given this release, or lost it; undefined for any release. */
  assigned(release: string | undefined): void;
  close(): Promise<void>;
}

/** Changes are gathered for this long: a site that comes back is one change. */
const GATHER_MS = 250;
/** Presence is written every two seconds; a worker that went is looked at when that is done. */
const AFTER_ABSENCE_MS = WORKER_ABSENCE_MS + 3_000;

/** Watches what happens to devices, and looks at the releases that it may concern: soon, and one after the other. */
export function createPlacementKeeper({
  events,
  log,
  refresh,
  refreshHelps,
  isWorker,
  isHome,
  hasWorkers,
}: PlacementKeeperPorts): PlacementKeeper {
  /** Releases; undefined: all; null: none, only what workers hold beside their own. */
  const waiting = new Set<string | undefined | null>();
  const timers = new Set<NodeJS.Timeout>();
  let work: Promise<void> = Promise.resolve();
  let isClosed = false;

  const run = async (): Promise<void> => {
    const all = waiting.has(undefined);
    const releases = all ? [undefined] : [...waiting].filter((release) => release !== null);
    waiting.clear();
    const looks = [...releases.map((release) => () => refresh(release)), refreshHelps];
    for (const look of looks) {
      if (isClosed) return;
      await look().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'parts of pipelines could not be given to devices'));
    }
  };
  const after = (delayMs: number, then: () => void): void => {
    if (isClosed) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      then();
    }, delayMs);
    timers.add(timer);
  };
  const soon = (release?: string | null): void => {
    if (waiting.size === 0)
      after(GATHER_MS, () => {
        work = work.then(run);
      });
    waiting.add(release);
  };
  const unsubscribe = events.subscribe(({ type, id, detail }) => {
    // What a home runs, and what it may go back to, is what its worker has to hold.
    if (type === 'reported' && isHome(id)) soon(null);
    // What is coming to homes, or does not come any more.
    if (type === 'rollout' && hasWorkers()) soon(null);
    if (type !== 'device') return;
    const online = (detail as { online?: boolean } | undefined)?.online;
    if (online === undefined) soon();
    else if (isWorker(id)) {
      // Presence is in the database a little later.
      after(online ? 3_000 : AFTER_ABSENCE_MS, () => soon());
    }
  });
  return {
    assigned: soon,
    async close() {
      isClosed = true;
      unsubscribe();
      for (const timer of timers) clearTimeout(timer);
      await work;
    },
  };
}
