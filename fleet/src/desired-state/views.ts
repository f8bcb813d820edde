import type { ArtefactChoice, DeviceView, PlacementView } from '@starling/shared';
import { type DeviceRow, devicesByIds } from '../devices/index.ts';
import type { ReleasePlan } from '../releases/index.ts';
import type { ProposalPorts } from './proposals.ts';
import { type DesiredRow, desiredOfAll } from './store.ts';

export type DesiredView = NonNullable<DeviceView['desired']>;

/** What devices should run, for people: read in one statement, and each release once. Devices that were never told anything are left out. */
export async function viewsOf(ids: readonly string[], { db, releases }: ProposalPorts): Promise<Map<string, DesiredView>> {
  const rows = await desiredOfAll(db, ids);
  const names = new Map<string, string | null>();
  for (const digest of new Set(
    rows.flatMap(({ release, helps }) => [...(release === null ? [] : [release]), ...helps.map((help) => help.release)]),
  ))
    names.set(digest, (await releases.find(digest).catch(() => undefined))?.name ?? null);
  const workers = await devicesByIds(db, [...new Set(rows.flatMap(({ workers }) => Object.values(workers)))]);
  const known = new Map(workers.map((device) => [device.id, device]));
  const plans = new Map<string, ReleasePlan>();
  for (const digest of names.keys()) {
    const plan = await releases.plan(digest).catch(() => undefined);
    if (plan !== undefined) plans.set(digest, plan);
  }
  return new Map(
    rows.map((row) => {
      const { device, epoch, generation, release, previousRelease, reasons, places, assignedAtMs, assignedBy } = row;
      const releaseName = release === null ? null : (names.get(release) ?? null);
      const choices = reasons as Record<string, ArtefactChoice>;
      const placement = places === null ? placementOf(row, plans.get(release ?? ''), known) : [];
      const helps = row.helps.map((help) => ({ release: help.release, releaseName: names.get(help.release) ?? null, places: help.places }));
      return [
        device,
        { helps, epoch, generation, release, releaseName, previousRelease, choices, places, placement, assignedAtMs, assignedBy },
      ];
    }),
  );
}

function placementOf({ workers }: DesiredRow, plan: ReleasePlan | undefined, devices: ReadonlyMap<string, DeviceRow>): PlacementView[] {
  return (plan?.places ?? []).map((place) => {
    const worker = devices.get(workers[place] ?? '');
    const parts = (plan?.parts ?? []).filter((part) => part.place === place);
    return {
      place,
      parts: parts.map(({ pipeline, name, nodes, outputs }) => ({ pipeline, name, nodes: [...nodes], outputs: [...outputs] })),
      worker: worker === undefined ? null : { id: worker.id, name: worker.name, online: worker.online && worker.status === 'active' },
    };
  });
}
