import { type Help, StarlingError } from '@starling/shared';
import type { Database } from '../db/index.ts';
import { type DeviceRow, devicesByIds } from '../devices/index.ts';
import type { Releases } from '../releases/index.ts';
import { requireHelper } from './agent-requirements.ts';
import type { ReleaseChooser } from './choose-for-device.ts';
import type { Roles } from './choose-many.ts';
import { runsPartsOf } from './helps.ts';
import type { Placement } from './placement.ts';
import { type DesiredRow, desiredOfAll, helpNeeds } from './store.ts';
import { lackOf, type WantedParts } from './worker-lack.ts';

/** What has to be so before devices are given a release of several places. */
export interface PlacedChoices {
  /** @returns undefined for a release that runs on one machine */
  rolesFor(
    release: { digest: string; document: { name: string } },
    devices: readonly DeviceRow[],
    rows: readonly DesiredRow[],
    chooser: Pick<ReleaseChooser, 'choose'>,
  ): Promise<Roles | undefined>;
}

export function createPlacedChoices(
  { db, releases }: { db: Database; releases: Pick<Releases, 'plan'> },
  placement: Pick<Placement, 'rolesOf'>,
): PlacedChoices {
  return {
    async rolesFor({ digest, document: { name } }, devices, rows, chooser) {
      const plan = await releases.plan(digest);
      if (plan.places.length === 0) return undefined;
      const roles = await placement.rolesOf(devices, digest);
      const before = new Map(rows.map((row) => [row.device, row]));
      const concerned = [...roles.values(), ...rows].flatMap(({ workers }) => Object.values(workers));
      const workers = new Map((await devicesByIds(db, [...new Set(concerned)])).map((device) => [device.id, device]));
      const own = new Map((await desiredOfAll(db, [...workers.keys()])).map((row) => [row.device, row]));
      const choose: WantedParts['choose'] = (worker, current, places) => chooser.choose(worker, current, plan.modelsAt(places));
      const lacks = new Map<string, string>();
      const lack = (worker: DeviceRow): string => {
        const known = lacks.get(worker.id) ?? lackOf(worker, own.get(worker.id), { release: digest, places: plan.places, choose });
        lacks.set(worker.id, known);
        return known;
      };
      const needs = Map.groupBy(await helpNeeds(db), ({ worker }) => worker);
      return {
        roles,
        models: (role) => plan.modelsAt(role.places),
        require(device, role) {
          // A worker that goes: its homes stay on what they have until they go too.
          const others = (needs.get(device.id) ?? []).filter(({ release }) => release !== digest);
          if (role.places !== null && others.length > 0) requireHelper(device);
          // A home that would lose who works for it.
          for (const place of role.unserved) {
            const worker = workers.get(before.get(device.id)?.workers[place] ?? '');
            if (worker !== undefined) requireHelper(worker);
          }
        },
        early(role) {
          const worker = Object.values(role.workers)
            .map((id) => workers.get(id))
            .find((each) => each !== undefined && !runsPartsOf(each, digest));
          return worker === undefined
            ? undefined
            : new StarlingError('worker-not-ready', `${worker.name} works for it, and does not run the parts of ${name}: ${lack(worker)}`, {
                retryable: true,
              });
        },
      };
    },
  };
}

/** What a device helps with once it is given a release: a worker keeps what its homes are on, until it is seen whether any is. */
export function helpsAfter(
  before: Pick<DesiredRow, 'release' | 'artefacts' | 'places' | 'helps'> | undefined,
  next: Pick<DesiredRow, 'release' | 'places'>,
): Help[] {
  if (before === undefined || next.places === null) return [];
  const { release, artefacts, places } = before;
  const left: Help[] = release === null || places === null || release === next.release ? [] : [{ release, artefacts, places }];
  return [...before.helps.filter((help) => help.release !== next.release), ...left];
}
