import { type RollUp, sumOf } from './roll-up.ts';

/** What all devices of a profile at a site did on one release: `RollUp` without its device. */
export interface FleetSum extends Omit<RollUp, 'device'> {
  profile: string;
  site: string;
}

/** Where a device belongs. */
export interface Place {
  profile: string;
  site: string;
}

/** Profile of the rows that sum up a release on all devices: views of the whole fleet need not add up thousands of sites. */
export const EVERY_PROFILE = '*';
const everywhere: Place = { profile: EVERY_PROFILE, site: '' };
const nowhere: Place = { profile: '', site: '' };

/**
 * Adds up roll-ups of devices by where they belong, and all of them, by a wider stretch of time. In the order of their keys, so that two writers never
 * wait for each other.
 */
export function fleetSums(rows: readonly RollUp[], places: ReadonlyMap<string, Place>, widthMs: number): FleetSum[] {
  const sums = new Map<string, FleetSum>();
  for (const { device, ...row } of rows) {
    const atMs = Math.floor(row.atMs / widthMs) * widthMs;
    for (const place of [places.get(device) ?? nowhere, everywhere]) {
      const sum: FleetSum = { ...row, ...place, atMs };
      const key = JSON.stringify([atMs, sum.kind, sum.release, sum.profile, sum.site, sum.subject]);
      const before = sums.get(key);
      sums.set(key, before === undefined ? sum : { ...sum, ...sumOf(before, sum) });
    }
  }
  return [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
}
