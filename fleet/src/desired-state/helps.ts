import { HELPS_MAXIMUM, type Help, messageOf } from '@starling/shared';
import type { Database, Queryable } from '../db/index.ts';
import type { DeviceRow } from '../devices/index.ts';
import type { Log } from '../ports.ts';
import type { Releases } from '../releases/index.ts';
import { canHelp } from './agent-requirements.ts';
import { type ChoicePorts, openReleaseChooser, type ReleaseChooser } from './choose-for-device.ts';
import { artefactsIn } from './choose-many.ts';
import { placesFor } from './choose-workers.ts';
import { type DesiredRow, type HelpNeed, helpNeeds, type WorkerRow, workerRows } from './store.ts';

/** Releases that homes of workers are about to be given. */
export type ComingReleases = (
  db: Queryable,
  isPlaced: (release: string) => Promise<boolean>,
) => Promise<{ worker: string; release: string }[]>;

export interface HelpsPorts extends ChoicePorts {
  db: Database;
  log: Log;
  releases: Pick<Releases, 'find' | 'plan'>;
  coming: ComingReleases;
}

export interface Helps {
  /** Looks at all workers: what they have to hold beside their own release follows from their homes. */
  refresh(write: (before: DesiredRow, helps: Help[]) => Promise<void>): Promise<void>;
}

/** Does it run the parts of a release now, as far as it has said? */
export function runsPartsOf({ reported }: Pick<DeviceRow, 'reported'>, release: string): boolean {
  if (reported?.running?.release === release && reported.running.verified) return true;
  return reported?.helps?.some((help) => help.release === release && help.state === 'running') === true;
}

/** What a worker is to hold beside its own release, the most urgent first. */
export function releasesToHelp(own: string | null, needs: readonly Pick<HelpNeed, 'release' | 'urgency'>[]): string[] {
  const urgency = new Map<string, number>();
  for (const need of needs) urgency.set(need.release, Math.min(need.urgency, urgency.get(need.release) ?? need.urgency));
  return [...urgency]
    .filter(([release]) => release !== own)
    .sort(([left, first], [right, second]) => first - second || (left < right ? -1 : 1))
    .map(([release]) => release);
}

export function createHelps(ports: HelpsPorts): Helps {
  const { db, log, releases, coming } = ports;
  const placesOf = async (release: string): Promise<readonly string[]> =>
    // A device may report what this fleet does not know, or no longer.
    (await releases.plan(release).catch(() => undefined))?.places ?? [];
  const helpsOf = async (
    { device, row }: WorkerRow,
    needs: readonly HelpNeed[],
    chooserOf: (release: string) => Promise<ReleaseChooser>,
  ): Promise<Help[]> => {
    const helps: Help[] = [];
    if (row.places === null || row.release === null || !canHelp(device)) return helps;
    for (const release of releasesToHelp(row.release, needs)) {
      const places = placesFor(device, await placesOf(release));
      if (places === null || helps.length === HELPS_MAXIMUM) continue;
      // What it holds stays as it is: another artefact would be another load, and what its parts keep would be lost.
      const held = row.helps.find((help) => help.release === release && String(help.places) === String(places));
      if (held !== undefined) helps.push(held);
      else {
        const models = (await releases.plan(release)).modelsAt(places);
        try {
          helps.push({ release, places, artefacts: artefactsIn((await chooserOf(release)).choose(device, row.artefacts, models)) });
        } catch (error) {
          log.warn({ device: device.id, release, error: messageOf(error) }, 'a device could not be given parts of another release');
        }
      }
    }
    return helps;
  };
  return {
    async refresh(write) {
      const workers = await workerRows(db);
      if (workers.length === 0) return;
      const isPlaced = async (release: string): Promise<boolean> => (await placesOf(release)).length > 0;
      const soon = (await coming(db, isPlaced)).map((each): HelpNeed => ({ ...each, urgency: 2 }));
      const needs = Map.groupBy([...(await helpNeeds(db)), ...soon], ({ worker }) => worker);
      const choosers = new Map<string, Promise<ReleaseChooser>>();
      const chooserOf = (release: string): Promise<ReleaseChooser> => {
        const chooser = choosers.get(release) ?? releases.find(release).then((found) => openReleaseChooser(found, ports));
        choosers.set(release, chooser);
        return chooser;
      };
      for (const each of workers) {
        const helps = await helpsOf(each, needs.get(each.row.device) ?? [], chooserOf);
        if (namesOf(helps) !== namesOf(each.row.helps)) await write(each.row, helps);
      }
    },
  };
}

/** What was written by the database has its fields in another order. */
function namesOf(helps: readonly Help[]): string {
  return JSON.stringify(helps.map(({ release, places, artefacts }) => [release, places, Object.entries(artefacts).sort()]).sort());
}
