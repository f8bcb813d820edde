import type { ChoiceChange, Objective, PageQuery, Release } from '@starling/shared';
import type { Devices } from '../devices/index.ts';
import type { Releases } from '../releases/index.ts';
import { type ChoicePorts, openReleaseChooser, type ReleaseChooser } from './choose-for-device.ts';
import { type DesiredRow, devicesWithRelease } from './store.ts';

export interface ProposalPorts extends ChoicePorts {
  devices: Devices;
  releases: Releases;
}

/** A device and the models of which another artefact is better for it. */
export interface Proposal {
  row: DesiredRow;
  release: { digest: string; document: Release };
  changes: ChoiceChange[];
}

/**
 * Devices that would run something else if they were asked today. Choices keep what runs unless something is clearly better, so that
 * noise proposes nothing.
 * @param only a release, with the objective to try on it
 */
export async function* findProposals(ports: ProposalPorts, only?: { release: string; objective: Objective }): AsyncGenerator<Proposal> {
  const choosers = new Map<string, { release: { digest: string; document: Release }; chooser: ReleaseChooser }>();
  for (const row of await devicesWithRelease(ports.db)) {
    const digest = row.release ?? '';
    if (only !== undefined && digest !== only.release) continue;
    const known = choosers.get(digest) ?? (await open(digest, ports, only?.objective));
    choosers.set(digest, known);
    const changes = await changesFor(row, known.release, known.chooser, ports.devices);
    if (changes.length > 0) yield { row, release: known.release, changes };
  }
}

async function open(digest: string, ports: ProposalPorts, objective: Objective | undefined) {
  const release = await ports.releases.find(digest);
  return { release, chooser: await openReleaseChooser(release, ports, objective) };
}

async function changesFor(
  row: DesiredRow,
  release: { digest: string },
  chooser: ReleaseChooser,
  devices: Devices,
): Promise<ChoiceChange[]> {
  const device = await devices.find(row.device).catch(() => undefined);
  if (device === undefined || device.status === 'revoked') return [];
  const ranked = chooser.rank(device, row.artefacts) ?? {};
  const models = Object.entries(ranked).filter(([model, { winner }]) => {
    const digest = winner === undefined ? undefined : chooser.artefacts(model)[winner]?.digest;
    return digest !== undefined && digest !== row.artefacts[model];
  });
  if (models.length === 0) return [];
  // Words only for what changes.
  const choices = chooser.choose(device, row.artefacts);
  return models.flatMap(([model]) => {
    const choice = choices[model];
    if (choice === undefined) return [];
    const { id, name, profile } = device;
    return [{ device: id, name, profile, release: release.digest, model, from: row.artefacts[model] ?? null, to: choice.artefact, choice }];
  });
}

/** One page of changes, and how many there are. */
export async function pageOfChanges(proposals: AsyncIterable<Proposal>, { limit, offset }: PageQuery) {
  const items: ChoiceChange[] = [];
  let total = 0;
  for await (const { changes } of proposals) {
    for (const change of changes) {
      if (total >= offset && items.length < limit) items.push(change);
      total += 1;
    }
  }
  return { items, total, limit, offset };
}
