import { PRESENCE_TIMEOUT_MS } from '@starling/shared';
import { createGatherer, type Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import { shardOf } from '../shards/index.ts';
import { type Greeting, onlineOfShards, type Seen, writeHellos, writePresence } from './store.ts';

/**
 * Which devices are there, as far as this process hears them.
 *
 * INVARIANT What is heard of a device is written in the order in which it was heard, by one process or by two of which one hears it
 * after the other: else a device that has gone could stand there as online, with nobody to correct it.
 */
export interface Presence {
  /** A session has started; resolves once that is written. */
  greeted(id: string, greeting: Greeting): Promise<void>;
  /** @param closed it went in order, and nobody has to look after it */
  seen(id: string, online: boolean, closed?: boolean): void;
  /** Has this process heard of it, and not of its end? */
  isHeard(id: string): boolean;
  /** Nothing of it counts any more. */
  forget(id: string): void;
  /** Writes what was seen; called every few seconds and at the end. */
  flush(): Promise<void>;
  /** Watches over all devices of shards from now on. @returns those that are there, as far as is known */
  watch(shards: readonly string[]): Promise<string[]>;
  /** Leaves them to another process: what was heard of them here is written when this resolves. */
  leave(shards: readonly string[]): Promise<void>;
}

export interface PresencePorts {
  db: Database;
  clock: Clock;
  announce(id: string, detail: { online: boolean }): void;
}

export function createPresence({ db, clock, announce }: PresencePorts): Presence {
  const unwritten = new Map<string, Seen>();
  const lastHeardMs = new Map<string, number>();
  const hellos = createGatherer((batch: ReadonlyMap<string, Greeting>) => writeHellos(db, batch));
  /** Hellos that are not written yet, by device. */
  const greeting = new Map<string, Promise<unknown>>();
  /** What is being written. */
  let batch: ReadonlyMap<string, Seen> = new Map();
  let writing: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    for (const [id, atMs] of lastHeardMs) {
      if (clock.nowMs() - atMs <= PRESENCE_TIMEOUT_MS) continue;
      lastHeardMs.delete(id);
      unwritten.set(id, { atMs, online: false, closed: false });
      announce(id, { online: false });
    }
    // What was heard after a hello comes after it in the database too: next time.
    batch = new Map([...unwritten].filter(([id]) => !greeting.has(id)));
    for (const id of batch.keys()) unwritten.delete(id);
    try {
      await writePresence(db, batch);
    } catch (error) {
      for (const [id, entry] of batch) if (!unwritten.has(id) && !greeting.has(id)) unwritten.set(id, entry);
      throw error;
    } finally {
      batch = new Map();
    }
  };
  const flush = (): Promise<void> => {
    writing = writing.catch(() => undefined).then(write);
    return writing;
  };
  const writeHello = async (id: string, told: Greeting): Promise<void> => {
    if (batch.has(id)) await writing.catch(() => undefined);
    await hellos.add(id, told);
  };
  return {
    async greeted(id, told) {
      lastHeardMs.set(id, clock.nowMs());
      // That it had gone before says nothing any more.
      unwritten.delete(id);
      const hello = writeHello(id, told).finally(() => {
        if (greeting.get(id) === hello) greeting.delete(id);
      });
      greeting.set(id, hello);
      await hello;
    },
    seen(id, online, closed = false) {
      const atMs = clock.nowMs();
      // A last will may say less than what is known already.
      unwritten.set(id, { atMs, online, closed: !online && (closed || unwritten.get(id)?.closed === true) });
      const wasHeard = lastHeardMs.has(id);
      if (online) lastHeardMs.set(id, atMs);
      else lastHeardMs.delete(id);
      if (wasHeard !== online) announce(id, { online });
    },
    isHeard: (id) => lastHeardMs.has(id),
    forget(id) {
      lastHeardMs.delete(id);
      unwritten.delete(id);
    },
    flush,
    async watch(shards) {
      const online = await onlineOfShards(db, shards);
      // Who does not say anything in the time of a few heartbeats is away.
      for (const id of online) lastHeardMs.set(id, clock.nowMs());
      return online;
    },
    async leave(shards) {
      const isLeft = (id: string): boolean => shards.includes(shardOf(id));
      for (const id of lastHeardMs.keys()) if (isLeft(id)) lastHeardMs.delete(id);
      await Promise.allSettled([...greeting].filter(([id]) => isLeft(id)).map(([, hello]) => hello));
      await writing.catch(() => undefined);
      if ([...unwritten.keys()].some(isLeft)) await flush().catch(() => undefined);
      // Told later it would be old news. Whoever hears them now finds out who is there.
      for (const id of unwritten.keys()) if (isLeft(id)) unwritten.delete(id);
    },
  };
}
