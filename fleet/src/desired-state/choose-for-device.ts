import { fitProfile } from '@starling/device-profiles';
import {
  type ArtefactChoice,
  type ArtefactView,
  type DeviceProfile,
  type Objective,
  objectiveSchema,
  type Release,
  type ReleaseObjective,
  StarlingError,
} from '@starling/shared';
import { type Chooser, createChooser, explainChoice, type RankedChoice } from '../artefacts/index.ts';
import type { Database } from '../db/index.ts';
import type { DeviceRow } from '../devices/index.ts';
import { aggregate, type Figures, measurementsOf } from '../measurements/index.ts';
import type { Models } from '../models/index.ts';
import { objectiveOf } from './store.ts';

export interface ChoicePorts {
  db: Database;
  models: Pick<Models, 'artefacts'>;
  profiles: ReadonlyMap<string, DeviceProfile>;
}

/** Everything that choosing for the devices of one release rests on, read once for all of them. */
export interface ReleaseChooser {
  /** Model -> ranked choice, nothing in words; undefined for a device whose profile is not known. */
  rank(device: DeviceRow, current: Readonly<Record<string, string>>): Record<string, RankedChoice> | undefined;
  /**
   * Model -> choice with its reason.
   * @param only these models; all of the release if not given
   * @throws StarlingError `no-artefact`, `unknown-profile`
   */
  choose(device: DeviceRow, current: Readonly<Record<string, string>>, only?: readonly string[]): Record<string, ArtefactChoice>;
  /** Has it measured or refused artefacts of this release itself, so that no other device's choice can stand for its own? */
  isApart(device: Pick<DeviceRow, 'id' | 'reported'>): boolean;
  artefacts(model: string): readonly ArtefactView[];
  /** Was the artefact measured on the device, or on others of its profile? */
  isMeasured(device: Pick<DeviceRow, 'id' | 'profile'>, model: string, artefact: string): boolean;
}

interface ModelChoice {
  name: string;
  version: string;
  candidates: ArtefactView[];
  chooser: Chooser;
  figures: Figures;
}

/** The objective that holds for a release: that of an operator, else that of the signed release, else the default. */
export async function objectiveFor(
  release: { digest: string; document: Release },
  { db }: Pick<ChoicePorts, 'db'>,
): Promise<ReleaseObjective> {
  const row = await objectiveOf(db, release.digest);
  if (row !== undefined) return { objective: row.objective, origin: 'fleet', setAtMs: row.setAtMs, setBy: row.setBy };
  const own = release.document.objective;
  return { objective: own ?? objectiveSchema.parse({}), origin: own === undefined ? 'default' : 'release', setAtMs: null, setBy: null };
}

/** @param objective stands for that of the release, to see what it would change */
export async function openReleaseChooser(
  release: { digest: string; document: Release },
  ports: ChoicePorts,
  objective?: Objective,
): Promise<ReleaseChooser> {
  const held = objective ?? (await objectiveFor(release, ports)).objective;
  const { requiredProviders } = release.document;
  const models: ModelChoice[] = [];
  for (const { name, version, digest } of release.document.models) {
    const candidates = await ports.models.artefacts(digest);
    const figures = aggregate(
      await measurementsOf(
        ports.db,
        candidates.map((candidate) => candidate.digest),
      ),
    );
    const chooser = createChooser({ candidates, objective: held, requiredProviders, measuredOnProfiles: figures.byProfile });
    models.push({ name, version, candidates, chooser, figures });
  }
  const placeOf = (device: DeviceRow, model: ModelChoice, current: string | undefined) => {
    const profile = ports.profiles.get(device.profile);
    if (profile === undefined) return undefined;
    const { capabilities, reported } = device;
    return {
      profile: fitProfile(profile, capabilities),
      capabilities,
      measuredHere: model.figures.byDevice.get(device.id),
      // What its golden outputs ruled out there is not given to it again.
      refusedHere: new Map(reported?.refused?.map(({ artefact, reason }) => [artefact, `refused by the device: ${reason}`])),
      current,
    };
  };
  return {
    rank(device, current) {
      if (!ports.profiles.has(device.profile)) return undefined;
      return Object.fromEntries(
        models.flatMap((model) => {
          const place = placeOf(device, model, current[model.name]);
          return place === undefined ? [] : [[model.name, model.chooser.choose(place)]];
        }),
      );
    },
    choose(device, current, only) {
      const wanted = only === undefined ? models : models.filter(({ name }) => only.includes(name));
      return Object.fromEntries(
        wanted.map((model) => {
          const place = placeOf(device, model, current[model.name]);
          if (place === undefined) {
            throw new StarlingError('unknown-profile', `there is no device profile ${device.profile}`, { field: 'profile' });
          }
          return [model.name, explained(model, place, device, requiredProviders)];
        }),
      );
    },
    isApart: ({ id, reported }) => (reported?.refused?.length ?? 0) > 0 || models.some(({ figures }) => figures.byDevice.has(id)),
    artefacts: (name) => models.find((model) => model.name === name)?.candidates ?? [],
    isMeasured({ id, profile }, name, artefact) {
      const figures = models.find((model) => model.name === name)?.figures;
      return figures?.byDevice.get(id)?.has(artefact) === true || figures?.byProfile.get(profile)?.has(artefact) === true;
    },
  };
}

function explained(
  { name, version, candidates, chooser }: ModelChoice,
  place: Parameters<Chooser['choose']>[0],
  device: DeviceRow,
  requiredProviders: readonly string[] | undefined,
): ArtefactChoice {
  if (candidates.length === 0) {
    throw new StarlingError('no-artefact', `${name}@${version} has no artefacts yet`, {
      field: 'release',
      hint: 'wait for its builds to end',
      retryable: true,
    });
  }
  const { choice, candidates: verdicts } = explainChoice(chooser.choose(place), candidates, place, requiredProviders);
  if (choice !== undefined) return choice;
  const why = verdicts.map(({ precision, verdict }) => `${precision}: ${verdict}`).join('; ');
  throw new StarlingError('no-artefact', `no artefact of ${name} runs on ${device.name}: ${why}`, { field: 'release' });
}
