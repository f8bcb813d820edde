import type { ArtefactChoice, DeviceView } from '@starling/shared';
import type { ProposalPorts } from './proposals.ts';
import { desiredOfAll } from './store.ts';

export type DesiredView = NonNullable<DeviceView['desired']>;

/** What devices should run, for people: read in one statement, and each release once. Devices that were never told anything are left out. */
export async function viewsOf(ids: readonly string[], { db, releases }: ProposalPorts): Promise<Map<string, DesiredView>> {
  const rows = await desiredOfAll(db, ids);
  const names = new Map<string, string | null>();
  for (const digest of new Set(rows.flatMap(({ release }) => release ?? [])))
    names.set(digest, (await releases.find(digest).catch(() => undefined))?.name ?? null);
  return new Map(
    rows.map(({ device, epoch, generation, release, previousRelease, reasons, assignedAtMs, assignedBy }) => {
      const releaseName = release === null ? null : (names.get(release) ?? null);
      const choices = reasons as Record<string, ArtefactChoice>;
      return [device, { epoch, generation, release, releaseName, previousRelease, choices, assignedAtMs, assignedBy }];
    }),
  );
}
