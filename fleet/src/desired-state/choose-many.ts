import { type ArtefactChoice, isStarlingError, type Release, type StarlingError } from '@starling/shared';
import type { DeviceRow } from '../devices/index.ts';
import { requireAgent } from './agent-requirements.ts';
import type { SharedChoice } from './assign-many.ts';
import type { ChoicePorts, ReleaseChooser } from './choose-for-device.ts';

/** What many devices of one release are to run; those for which nothing can be chosen, with the reason. */
export interface ManyChosen {
  choices: SharedChoice[];
  /** Device -> place of its choice. */
  chosen: Map<string, number>;
  refused: Map<string, StarlingError>;
  /** What they are to run now. */
  running: ReadonlyMap<string, Running>;
}

export interface Running {
  release: string | null;
  artefacts: Record<string, string>;
}

/**
 * Chooses for many devices of one release. Devices share a choice where everything that it rests on is the same: profile, capabilities
 * (but for what changes by the minute and nothing looks at), what they run. One with measurements or refusals of its own is asked alone.
 * @param running device -> what it is to run now
 */
export function chooseMany(
  release: { digest: string; document: Release },
  chooser: ReleaseChooser,
  devices: readonly DeviceRow[],
  running: ReadonlyMap<string, Running>,
): ManyChosen {
  const shared = new Map<string, number | StarlingError>();
  const many: ManyChosen = { choices: [], chosen: new Map(), refused: new Map(), running };
  const choose = (device: DeviceRow, current: Readonly<Record<string, string>>): number | StarlingError => {
    try {
      requireAgent(device, release.document);
      const reasons = chooser.choose(device, current);
      return many.choices.push({ release: release.digest, artefacts: artefactsIn(reasons), reasons }) - 1;
    } catch (error) {
      if (isStarlingError(error)) return error;
      throw error;
    }
  };
  for (const device of devices) {
    const current = running.get(device.id)?.artefacts ?? {};
    const key = chooser.isApart(device) ? undefined : keyOf(device, current);
    const outcome = (key === undefined ? undefined : shared.get(key)) ?? choose(device, current);
    if (key !== undefined) shared.set(key, outcome);
    if (typeof outcome === 'number') many.chosen.set(device.id, outcome);
    else many.refused.set(device.id, outcome);
  }
  return many;
}

export function artefactsIn(reasons: Readonly<Record<string, ArtefactChoice>>): Record<string, string> {
  return Object.fromEntries(Object.entries(reasons).map(([model, { artefact }]) => [model, artefact]));
}

/** Everything that a choice or a refusal rests on. */
function keyOf(
  { profile, capabilities, agentVersion, operatorVersions, status }: DeviceRow,
  current: Readonly<Record<string, string>>,
): string {
  const { disk: _disk, memory, kernel: _kernel, ...rest } = capabilities;
  return JSON.stringify([profile, rest, memory.totalBytes, agentVersion, operatorVersions, status, current]);
}

/** Artefacts that were chosen before, as a choice of today; undefined if one of them is not there any more. */
export async function choiceOf(
  release: { digest: string; document: Release },
  artefacts: Readonly<Record<string, string>>,
  reason: string,
  { models }: Pick<ChoicePorts, 'models'>,
): Promise<SharedChoice | undefined> {
  const reasons: Record<string, ArtefactChoice> = {};
  for (const { name, digest } of release.document.models) {
    const artefact = (await models.artefacts(digest)).find((each) => each.digest === artefacts[name]);
    if (artefact === undefined) return undefined;
    const { precision, sizeBytes } = artefact;
    reasons[name] = { artefact: artefact.digest, precision, sizeBytes, reason, meetsObjective: true, fallbacks: [], candidates: [] };
  }
  return { release: release.digest, artefacts: artefactsIn(reasons), reasons };
}
