import { type ArtefactChoice, type ExperimentAssignment, shadowOf } from '@starling/shared';
import type { SQL } from 'drizzle-orm';
import { joinExperiment, type ManyChosen } from '../desired-state/index.ts';
import { PART_BYTES_MAXIMUM } from './limits.ts';
import { candidatesOf, countMembers, insertMembers } from './members-store.ts';
import type { ExperimentPorts } from './ports.ts';
import { appendEvents, claimVersion, type ExperimentRow } from './store.ts';

/** Runners-up of each model that fit in. */
const FALLBACKS = [2, 0];

export type PartOf = Pick<ExperimentRow, 'id' | 'spec' | 'challengers' | 'shares' | 'state'>;

/**
 * What a device gets of an experiment.
 * @param chosen artefacts and their runners-up, for each challenger
 * @param bytesMaximum of its JSON
 * @returns undefined where it does not fit into a desired state
 */
export function composePart(
  row: PartOf,
  chosen: readonly Pick<ManyChosen['choices'][number], 'artefacts' | 'reasons'>[],
  bytesMaximum: number,
): ExperimentAssignment | undefined {
  for (const count of FALLBACKS) {
    const part: ExperimentAssignment = {
      ...{ id: row.id, mode: row.spec.mode, key: row.spec.key },
      arms: row.challengers.map(({ release }, arm) => ({
        ...{ release, share: row.state === 'paused' ? 0 : (row.shares[arm + 1] ?? 0), artefacts: chosen[arm]?.artefacts ?? {} },
        ...fallbacksOf(chosen[arm]?.reasons ?? {}, count),
      })),
      ...boundsOf(row),
    };
    if (JSON.stringify(part).length <= bytesMaximum) return part;
  }
  return undefined;
}

function fallbacksOf(
  reasons: Readonly<Record<string, ArtefactChoice>>,
  count: number,
): Pick<ExperimentAssignment['arms'][number], 'fallbacks'> {
  const fallbacks = Object.entries(reasons).flatMap(([model, choice]) => {
    const digests = (choice.fallbacks ?? []).slice(0, count);
    return digests.length === 0 ? [] : [[model, digests] as const];
  });
  return fallbacks.length === 0 ? {} : { fallbacks: Object.fromEntries(fallbacks) };
}

function boundsOf({ spec }: PartOf): Pick<ExperimentAssignment, 'shadow'> {
  if (spec.mode !== 'shadow') return {};
  const { maxCpuShare, maxJoulesPerHour } = shadowOf(spec);
  return { shadow: { maxCpuShare, ...(maxJoulesPerHour === undefined ? {} : { maxJoulesPerHour }) } };
}

interface Chosen {
  parts: ExperimentAssignment[];
  devices: { device: string; part: number }[];
  refused: { device: string; refused: string }[];
}

/** What each of some devices would get; devices that cannot run every challenger stay out, with the reason. */
export async function chooseParts(
  row: PartOf,
  devices: readonly string[],
  { desiredStates }: Pick<ExperimentPorts, 'desiredStates'>,
): Promise<Chosen> {
  const many: ManyChosen[] = [];
  for (const { release } of row.challengers) many.push(await desiredStates.chooseMany(release, devices));
  const places = new Map<string, number>();
  const found: Chosen = { parts: [], devices: [], refused: [] };
  for (const device of devices) {
    const error = many.map(({ refused }) => refused.get(device)).find((each) => each !== undefined);
    const chosen = many.map(({ choices, chosen: of }) => choices[of.get(device) ?? -1]);
    if (error !== undefined || chosen.some((each) => each === undefined)) {
      found.refused.push({ device, refused: error?.message ?? 'nothing could be chosen for it' });
      continue;
    }
    const beside = JSON.stringify(many[0]?.running.get(device)?.artefacts ?? {}).length;
    // How much is left depends on what it runs already.
    const key = [...many.map(({ chosen: of }) => of.get(device)), beside].join(' ');
    const known = places.get(key);
    const part = known === undefined ? composePart(row, chosen as ManyChosen['choices'], PART_BYTES_MAXIMUM - beside) : undefined;
    if (known === undefined && part === undefined) {
      found.refused.push({ device, refused: 'the challengers have so many models that they do not fit into one desired state' });
      continue;
    }
    const place = known ?? found.parts.push(part as ExperimentAssignment) - 1;
    places.set(key, place);
    found.devices.push({ device, part: place });
  }
  return found;
}

/** Lets devices in that match by now. @returns those that came in; undefined if somebody changed the experiment meanwhile */
export async function joinDevices(row: ExperimentRow, where: SQL, limit: number, ports: ExperimentPorts): Promise<string[] | undefined> {
  const { db, clock, desiredStates } = ports;
  const room = (row.spec.maximumDevices ?? Number.POSITIVE_INFINITY) - ((await countMembers(db, [row.id])).get(row.id) ?? 0);
  const wanted = Math.min(room, limit);
  if (wanted <= 0) return [];
  const candidates = await candidatesOf(db, row.id, where, row.champion, wanted);
  if (candidates.length === 0) return [];
  const { parts, devices, refused } = await chooseParts(row, candidates, ports);
  const nowMs = clock.nowMs();
  const joined = await db.transaction(async (tx) => {
    if (!(await claimVersion(tx, row))) return undefined;
    const given = await joinExperiment(tx, row.champion, parts, devices);
    await ports.follow(tx, given);
    await insertMembers(tx, row.id, nowMs, [...given.map((device) => ({ device })), ...refused]);
    const lines = [
      ...(given.length === 0
        ? []
        : [{ kind: 'joined', actor: 'fleet', text: `${given.length} devices take part`, detail: { devices: given.length } }]),
      ...(refused.length === 0
        ? []
        : [
            {
              kind: 'refused',
              actor: 'fleet',
              text: `${refused.length} devices stay out: ${refused[0]?.refused}`,
              detail: { devices: refused.length },
            },
          ]),
    ];
    await appendEvents(tx, row.id, nowMs, lines);
    return given;
  });
  if (joined !== undefined && joined.length > 0) desiredStates.announce(joined);
  return joined;
}
