import type { Database } from '../db/index.ts';
import { type DeviceRow, devicesByIds } from '../devices/index.ts';
import type { Clock } from '../ports.ts';
import type { Releases } from '../releases/index.ts';
import { canHelp } from './agent-requirements.ts';
import { chooseWorkers, placesFor, type WorkerCandidate } from './choose-workers.ts';
import { type DesiredRow, desiredOfAll, pagesWithRelease, releasesInUse, type WorkerRow, workerRows, workersOf } from './store.ts';

/** What a device is to a release of several places: it runs some of them for others, or has others run them for it. */
export type Role = Pick<DesiredRow, 'places' | 'workers' | 'unserved'>;

export const nobody: Role = { places: null, workers: {}, unserved: [] };

export interface Placement {
  /** @returns {@link nobody} for each where the release runs on one machine */
  rolesOf(devices: readonly DeviceRow[], release: string): Promise<Map<string, Role>>;
  /** Models that a device of this role runs. */
  models(role: Pick<Role, 'places'>, release: string): Promise<string[]>;
  /** Does it run places of any release for others? As far as was seen at the last look. */
  isWorker(device: string): boolean;
  /** Do others work for it? As far as was seen at the last look. */
  isHome(device: string): boolean;
  hasWorkers(): boolean;
  /** @param only this release; all if not given */
  refresh(only: string | undefined, changes: Changes): Promise<void>;
}

export interface Changes {
  /** Gives a home other workers, if it has the release still. */
  move(device: string, release: string, role: Pick<Role, 'workers' | 'unserved'>): Promise<void>;
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
  const homes = new Set<string>();
  const candidateOf = ({ device }: WorkerRow, needed: readonly string[]): WorkerCandidate => {
    const { id, online, lastSeenAtMs } = device;
    return { id, places: placesFor(device, needed) ?? [], online, lastSeenAtMs };
  };
  /**
   * Who may work for these homes: whoever has the release, or helps with it; and for each home who works for it now, that can help with a
   * release beside its own. So a home keeps its worker, and with it what is kept there, when the one or the other goes on to another release.
   */
  const openCandidates = async (release: string, needed: readonly string[], rows: readonly Pick<DesiredRow, 'workers'>[]) => {
    const serving = (await workersOf(db, release)).map((each) => candidateOf(each, needed));
    const ids = new Set(serving.map(({ id }) => id));
    const current = [...new Set(rows.flatMap(({ workers }) => Object.values(workers)))].filter((id) => !ids.has(id));
    const able = (await workerRows(db, current)).filter(({ row, device }) => row.places !== null && canHelp(device));
    const others = new Map(able.map((each) => [each.device.id, candidateOf(each, needed)]));
    return ({ workers }: Pick<DesiredRow, 'workers'>): WorkerCandidate[] => [
      ...serving,
      ...[...new Set(Object.values(workers))].flatMap((id) => others.get(id) ?? []),
    ];
  };
  const refreshOne = async (release: string, { move, reassign }: Changes): Promise<void> => {
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
    const candidatesFor = await openCandidates(
      release,
      needed,
      settled.map(({ row }) => row),
    );
    for (const { id } of candidatesFor({ workers: {} })) known.add(id);
    for (const { device, row } of settled) {
      if (device.status !== 'active' || row.places !== null) continue;
      homes.add(device.id);
      const chosen = chooseWorkers(device.id, needed, candidatesFor(row), row.workers, clock.nowMs());
      for (const id of Object.values(chosen)) known.add(id);
      if (!same(chosen, row.workers)) await move(device.id, release, { workers: chosen, unserved: without(needed, chosen) });
    }
  };
  return {
    async rolesOf(devices, release) {
      const { places: needed } = await releases.plan(release);
      if (needed.length === 0) return new Map(devices.map(({ id }) => [id, nobody]));
      const ids = devices.map(({ id }) => id);
      const rows = new Map((await desiredOfAll(db, ids)).map((row) => [row.device, row]));
      const candidatesFor = await openCandidates(release, needed, [...rows.values()]);
      return new Map(
        devices.map((device): [string, Role] => {
          const places = placesFor(device, needed);
          if (places !== null) return [device.id, { ...nobody, places }];
          const row = rows.get(device.id) ?? nobody;
          const workers = chooseWorkers(device.id, needed, candidatesFor(row), row.workers, clock.nowMs());
          return [device.id, { places: null, workers, unserved: without(needed, workers) }];
        }),
      );
    },
    models: async ({ places }, release) => (await releases.plan(release)).modelsAt(places),
    isWorker: (device) => known.has(device),
    isHome: (device) => homes.has(device),
    hasWorkers: () => known.size > 0,
    async refresh(only, changes) {
      if (only === undefined) {
        known.clear();
        homes.clear();
      }
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
