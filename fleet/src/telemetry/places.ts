import type { Queryable } from '../db/index.ts';
import type { Place } from './fleet-sums.ts';
import { placesOf } from './roll-up-store.ts';

export interface Places {
  of(db: Queryable, devices: ReadonlySet<string>, nowMs: number): Promise<ReadonlyMap<string, Place>>;
}

/** A label that was changed counts from then on, at most this much later. */
const REMEMBERED_MS = 60_000;

/** Remembers where devices belong: they say something every few seconds, and move once a year. */
export function createPlaces(): Places {
  let known = new Map<string, Place>();
  let sinceMs = 0;
  return {
    async of(db, devices, nowMs) {
      if (Math.abs(nowMs - sinceMs) > REMEMBERED_MS) {
        known = new Map();
        sinceMs = nowMs;
      }
      const missing = [...devices].filter((device) => !known.has(device));
      for (const [device, place] of await placesOf(db, missing)) known.set(device, place);
      return known;
    },
  };
}
