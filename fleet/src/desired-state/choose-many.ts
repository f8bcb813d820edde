import { type ArtefactChoice, isStarlingError, type Release, type StarlingError } from '@starling/shared';
import type { DeviceRow } from '../devices/index.ts';
import { requireAgent } from './agent-requirements.ts';
import type { SharedChoice } from './assign-many.ts';
import type { ChoicePorts, ReleaseChooser } from './choose-for-device.ts';
import type { Role } from './placement.ts';

/** What many devices of one release are to run; those for which nothing can be chosen, with the reason. */
export interface ManyChosen {
  choices: SharedChoice[];
  /** Device -> place of its choice. */
  chosen: Map<string, number>;
  refused: Map<string, StarlingError>;
  /** What each of them is to a release of several places; empty for one that runs on one machine. */
  roles: ReadonlyMap<string, Role>;
  /** Devices that should not be given it yet, with the reason: who works for them has to have it first. */
  early: Map<string, StarlingError>;
  /** What they are to run now. */
  running: ReadonlyMap<string, Running>;
}

export interface Running {
  release: string | null;
  artefacts: Record<string, string>;
}

/** Of a release of several places: what its devices are to it. */
export interface Roles {
  roles: ReadonlyMap<string, Role>;
  /** Models that a role needs. */
  models(role: Role): readonly string[];
  /** @throws StarlingError where the device cannot be given it at all */
  require(device: DeviceRow, role: Role): void;
  /** Why it should not be given it yet. */
  early(role: Role): StarlingError | undefined;
}

/**
 * Chooses for many devices of one release. Devices share a choice where everything that it rests on is the same: profile, capabilities
 * (but for what changes by the minute and nothing looks at), what they run. One with measurements or refusals of its own is asked alone.
 * @param running device -> what it is to run now
 * @param placed undefined for a release that runs on one machine
 */
export function chooseMany(
  release: { digest: string; document: Release },
  chooser: ReleaseChooser,
  devices: readonly DeviceRow[],
  running: ReadonlyMap<string, Running>,
  placed?: Roles,
): ManyChosen {
  const shared = new Map<string, number | StarlingError>();
  const roles = placed?.roles ?? new Map();
  const many: ManyChosen = { choices: [], chosen: new Map(), refused: new Map(), roles, early: new Map(), running };
  const choose = (device: DeviceRow, current: Readonly<Record<string, string>>): number | StarlingError => {
    const role = roles.get(device.id);
    try {
      requireAgent(device, release.document);
      if (role !== undefined) placed?.require(device, role);
      const reasons = chooser.choose(device, current, role === undefined ? undefined : placed?.models(role));
      return many.choices.push({ release: release.digest, artefacts: artefactsIn(reasons), reasons }) - 1;
    } catch (error) {
      if (isStarlingError(error)) return error;
      throw error;
    }
  };
  for (const device of devices) {
    const current = running.get(device.id)?.artefacts ?? {};
    const role = roles.get(device.id);
    // Who works for whom differs from one to the next: those of a release of several places are asked alone.
    const key = role !== undefined || chooser.isApart(device) ? undefined : keyOf(device, current);
    const outcome = (key === undefined ? undefined : shared.get(key)) ?? choose(device, current);
    if (key !== undefined) shared.set(key, outcome);
    if (typeof outcome === 'number') many.chosen.set(device.id, outcome);
    else many.refused.set(device.id, outcome);
    const early = role === undefined ? undefined : placed?.early(role);
    if (early !== undefined) many.early.set(device.id, early);
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
  { models, isPlaced }: Pick<ChoicePorts, 'models'> & { isPlaced: boolean },
): Promise<SharedChoice | undefined> {
  const reasons: Record<string, ArtefactChoice> = {};
  // A device runs some of the nodes of a release of several places, and had artefacts for those alone.
  const wanted = release.document.models.filter(({ name }) => !isPlaced || artefacts[name] !== undefined);
  for (const { name, digest } of wanted) {
    const artefact = (await models.artefacts(digest)).find((each) => each.digest === artefacts[name]);
    if (artefact === undefined) return undefined;
    const { precision, sizeBytes } = artefact;
    reasons[name] = { artefact: artefact.digest, precision, sizeBytes, reason, meetsObjective: true, fallbacks: [], candidates: [] };
  }
  return { release: release.digest, artefacts: artefactsIn(reasons), reasons };
}
