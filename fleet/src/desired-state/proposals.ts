import type { ChoiceChange, Objective, PageQuery, Release } from '@starling/shared';
import { type DeviceRow, devicesByIds } from '../devices/index.ts';
import type { Releases } from '../releases/index.ts';
import { type ChoicePorts, openReleaseChooser, type ReleaseChooser } from './choose-for-device.ts';
import { type DesiredRow, pagesWithRelease } from './store.ts';

export interface ProposalPorts extends ChoicePorts {
  releases: Pick<Releases, 'find' | 'plan'>;
}

/** A device, and the models of which another artefact is better for it. */
export interface Proposal {
  row: DesiredRow;
  device: DeviceRow;
  release: { digest: string; document: Release };
  chooser: ReleaseChooser;
  models: string[];
}

/** What was looked at on the way: that nothing is better means little where nothing was measured. */
interface Tally {
  /** Models on devices. */
  choices: number;
  /** Those whose artefact was measured neither there nor on its profile. */
  unmeasured: number;
}

/** A release, with the objective to try on it. */
interface Trial {
  release: string;
  objective: Objective;
}

/**
 * Devices that would run something else if they were asked today. Choices keep what runs unless something is clearly better, so that
 * noise proposes nothing.
 * @param tally is added to with every device
 */
export async function* findProposals(ports: ProposalPorts, only?: Trial, tally?: Tally): AsyncGenerator<Proposal> {
  const choosers = new Map<string, Pick<Proposal, 'release' | 'chooser'>>();
  for await (const page of pagesWithRelease(ports.db, only?.release)) {
    const rows = await devicesByIds(
      ports.db,
      page.map(({ device }) => device),
    );
    const devices = new Map(rows.map((device) => [device.id, device]));
    for (const row of page) {
      const device = devices.get(row.device);
      if (device === undefined || device.status === 'revoked') continue;
      const digest = row.release ?? '';
      const known = choosers.get(digest) ?? (await open(digest, ports, only?.objective));
      choosers.set(digest, known);
      if (tally !== undefined) count(row, device, known.chooser, tally);
      const needed = (await ports.releases.plan(digest)).modelsAt(row.places);
      const models = modelsToChange(row, device, known.chooser).filter((model) => needed.includes(model));
      if (models.length > 0) yield { row, device, ...known, models };
    }
  }
}

function count({ artefacts }: DesiredRow, device: DeviceRow, chooser: ReleaseChooser, tally: Tally): void {
  for (const [model, artefact] of Object.entries(artefacts)) {
    tally.choices += 1;
    if (!chooser.isMeasured(device, model, artefact)) tally.unmeasured += 1;
  }
}

async function open(digest: string, ports: ProposalPorts, objective: Objective | undefined) {
  const release = await ports.releases.find(digest);
  return { release, chooser: await openReleaseChooser(release, ports, objective) };
}

function modelsToChange(row: DesiredRow, device: DeviceRow, chooser: ReleaseChooser): string[] {
  const ranked = Object.entries(chooser.rank(device, row.artefacts) ?? {});
  return ranked.flatMap(([model, { winner }]) => {
    const digest = winner === undefined ? undefined : chooser.artefacts(model)[winner]?.digest;
    return digest === undefined || digest === row.artefacts[model] ? [] : [model];
  });
}

/** In words, with the reason. */
function changesOf({ row, device, release, chooser, models }: Proposal): ChoiceChange[] {
  const choices = chooser.choose(device, row.artefacts, models);
  const { id, name, profile } = device;
  const about = { device: id, name, profile, release: release.digest };
  return models.flatMap((model) => {
    const choice = choices[model];
    return choice === undefined ? [] : [{ ...about, model, from: row.artefacts[model] ?? null, to: choice.artefact, choice }];
  });
}

/** One page of changes, how many there are, on how many devices, and what they rest on. Words are made for the page alone. */
export async function pageOfChanges(ports: ProposalPorts, { limit, offset }: PageQuery, only?: Trial) {
  const tally: Tally = { choices: 0, unmeasured: 0 };
  const items: ChoiceChange[] = [];
  let total = 0;
  let devices = 0;
  for await (const proposal of findProposals(ports, only, tally)) {
    const first = total;
    total += proposal.models.length;
    devices += 1;
    if (total > offset && first < offset + limit)
      items.push(...changesOf(proposal).slice(Math.max(0, offset - first), offset + limit - first));
  }
  return { items, total, devices, ...tally, limit, offset };
}
