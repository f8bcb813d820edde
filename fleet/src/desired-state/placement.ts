import type { Database } from '../db/index.ts';
import { type DeviceRow, devicesByIds } from '../devices/index.ts';
import type { Clock } from '../ports.ts';
import type { Releases } from '../releases/index.ts';
import { chooseWorkers, placesOfLabels, type WorkerCandidate } from './choose-workers.ts';
import { type DesiredRow, desiredOf, pagesWithRelease, releasesInUse, workersOf, writeWorkers } from './store.ts';

/** What a device is to a release of several places: it runs some of them for others, or has others run them for it. */
export type Role = Pick<DesiredRow, 'places' | 'workers' | 'unserved'>;

export const nobody: Role = { places: null, workers: {}, unserved: [] };

export interface Placement {
  roleOf(device: DeviceRow, release: string): Promise<Role>;
  /** Models that a device of this role runs. */
  models(role: Pick<Role, 'places'>, release: string): Promise<string[]>;
  /** Does it run places of any release for others? As far as was seen at the last look. */
  isWorker(device: string): boolean;
  hasWorkers(): boolean;
  /** @param only this release; all if not given */
  refresh(only: string | undefined, changes: Changes): Promise<void>;
}

export interface Changes {
  /** It has other workers now. */
  moved(device: string): void;
  /** It has another role, and needs other artefacts. */
  reassign(device: DeviceRow, release: string): Promise<void>;
}

interface PlacementPorts {
  db: Database;
  clock: Clock;
  releases: Pick<Releases, 'plan'>;
}

export function createPlacement({ db, clock, releases }: PlacementPorts): Placement {
  const known = new Set<string>();
  const candidatesOf = async (release: string): Promise<WorkerCandidate[]> =>
    (await workersOf(db, release)).map(({ id, places, online, lastSeenAtMs }) => ({ id, places, online, lastSeenAtMs }));
  const placesFor = ({ labels, status }: DeviceRow, needed: readonly string[]): string[] | null => {
    const own = status === 'revoked' ? [] : placesOfLabels(labels).filter((place) => needed.includes(place));
    return own.length === 0 ? null : own;
  };
  const refreshOne = async (release: string, { moved, reassign }: Changes): Promise<void> => {
    const { places: needed } = await releases.plan(release);
    if (needed.length === 0) return;
    const pages: { row: DesiredRow; device: DeviceRow }[] = [];
    for await (const page of pagesWithRelease(db, release)) {
      const rows = new Map(page.map((row) => [row.device, row]));
      for (const device of await devicesByIds(db, [...rows.keys()])) pages.push({ row: rows.get(device.id) as DesiredRow, device });
    }
    // Roles first: who works for whom follows from them.
    const other = pages.filter(
      ({ row, device }) => device.status !== 'revoked' && String(placesFor(device, needed)) !== String(row.places),
    );
    for (const { device } of other) await reassign(device, release);
    const settled = other.length === 0 ? pages : pages.filter((each) => !other.includes(each));
    const candidates = await candidatesOf(release);
    for (const { id } of candidates) known.add(id);
    for (const { device, row } of settled) {
      if (device.status !== 'active' || row.places !== null) continue;
      const chosen = chooseWorkers(device.id, needed, candidates, row.workers, clock.nowMs());
      if (same(chosen, row.workers)) continue;
      if (await writeWorkers(db, device.id, release, { workers: chosen, unserved: without(needed, chosen) })) moved(device.id);
    }
  };
  return {
    async roleOf(device, release) {
      const { places: needed } = await releases.plan(release);
      if (needed.length === 0) return nobody;
      const places = placesFor(device, needed);
      if (places !== null) return { ...nobody, places };
      const current = (await desiredOf(db, device.id))?.workers ?? {};
      const workers = chooseWorkers(device.id, needed, await candidatesOf(release), current, clock.nowMs());
      return { places: null, workers, unserved: without(needed, workers) };
    },
    models: async ({ places }, release) => (await releases.plan(release)).modelsAt(places),
    isWorker: (device) => known.has(device),
    hasWorkers: () => known.size > 0,
    async refresh(only, changes) {
      if (only === undefined) known.clear();
      for (const release of only === undefined ? await releasesInUse(db) : [only]) await refreshOne(release, changes);
    },
  };
}

/** Places that nobody runs. */
function without(needed: readonly string[], workers: Readonly<Record<string, string>>): string[] {
  return needed.filter((place) => workers[place] === undefined);
}

function same(left: Readonly<Record<string, string>>, right: Readonly<Record<string, string>>): boolean {
  const places = Object.keys(left);
  return places.length === Object.keys(right).length && places.every((place) => left[place] === right[place]);
}
