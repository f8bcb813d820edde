import { performance } from 'node:perf_hooks';
import { messageOf } from '@starling/shared';
import type { Database } from '../db/index.ts';
import type { Log } from '../ports.ts';
import { liveLeases, releaseLeases, takeLeases } from './lease-store.ts';
import { type Duty, dutyLease, planShares, processLease, shownLease } from './plan-shares.ts';

/** A process that has not renewed its leases for this long has ended, or its database is away: others take over. */
export const LEASE_MS = 5_000;
const RENEW_MS = 1_250;

/**
 * One process among those of a fleet.
 *
 * INVARIANTS
 * - A shard is heard only while its lease is held; the lease is given up only after the shard is not heard any more.
 * - A lease counts as held for LEASE_MS from the moment before it was asked for, by the own monotonic clock: never longer than the
 *   database thinks so.
 * - Two may hear a shard for a moment where a broker or a process is slow: everything that comes of a message may come of it twice.
 */
export interface Sharing {
  /** Joins: takes what is free for it. */
  start(): Promise<void>;
  /** Does this process do that now? */
  has(duty: Duty): boolean;
  /** Other processes as of the last look. */
  others(): string[];
  /** Leaves, and lets go of everything. */
  close(): Promise<void>;
}

export interface SharingPorts {
  db: Database;
  log: Log;
  /** This process, at this start. */
  id: string;
  /** Digest of the authority that has signed what it shows to devices; undefined with a given certificate. */
  authority: string | undefined;
  /** Hears these shards from now on, and of no others. */
  hear(shards: readonly string[]): Promise<void>;
  /** A process has ended without letting go. */
  gone(id: string): Promise<void>;
}

export function createSharing({ db, log, id, authority, hear, gone }: SharingPorts): Sharing {
  const own = [processLease(id), ...(authority === undefined ? [] : [shownLease(id, authority)])];
  let held = new Set<string>();
  let validUntilMs = 0;
  let heard: readonly string[] = [];
  let members: string[] = [];
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();

  const hearHeld = async (): Promise<void> => {
    const wanted = [...held]
      .filter((name) => name.startsWith('shard/'))
      .map((name) => name.slice('shard/'.length))
      .sort();
    if (wanted.join() === heard.join()) return;
    const before = heard;
    heard = wanted;
    try {
      await hear(wanted);
    } catch (error) {
      // So that the next look tries it again.
      heard = before;
      throw error;
    }
    log.info({ process: id, shards: wanted.length, before: before.length }, 'hears other shards');
  };
  const look = async (): Promise<void> => {
    const askedMs = performance.now();
    const kept = await takeLeases(db, id, [...own, ...held], LEASE_MS);
    held = new Set(kept.filter((name) => !own.includes(name)));
    validUntilMs = askedMs + LEASE_MS;
    const live = await liveLeases(db);
    const present = live.filter(({ name }) => name.startsWith('process/')).map(({ owner }) => owner);
    const left = members.filter((member) => member !== id && !present.includes(member));
    members = present;
    const { take, release } = planShares(id, live);
    for (const name of release) held.delete(name);
    // What is given up is not heard any more before somebody else can take it.
    await hearHeld();
    await releaseLeases(db, id, release);
    for (const name of await takeLeases(db, id, take, LEASE_MS)) held.add(name);
    await hearHeld();
    for (const member of left) await gone(member);
  };
  const lookSafely = async (): Promise<void> => {
    try {
      await look();
    } catch (error) {
      log.warn({ process: id, error: messageOf(error) }, 'the leases of this process could not be renewed');
      if (performance.now() < validUntilMs) return;
      // From now on another may have them.
      held = new Set();
      await hearHeld().catch(() => undefined);
    }
  };
  const lookOn = (): void => {
    timer = setTimeout(() => {
      turn = lookSafely().finally(() => {
        if (!isClosed) lookOn();
      });
    }, RENEW_MS);
  };
  return {
    async start() {
      await look();
      lookOn();
    },
    has: (duty) => held.has(dutyLease(duty)) && performance.now() < validUntilMs,
    others: () => members.filter((member) => member !== id),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await turn;
      const names = [...own, ...held];
      held = new Set();
      await hearHeld().catch(() => undefined);
      await releaseLeases(db, id, names);
    },
  };
}
