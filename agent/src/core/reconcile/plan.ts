import type { Assignment, ReconcilePhase } from '@starling/shared';
import type { Step } from './steps.ts';

/** What is so now on this device. */
export interface Actual {
  /** Release that gets new items, with its artefacts. */
  active: Assignment | null;
  /** It has passed its probation in this or an earlier life. */
  activeIsGood: boolean;
  /** Releases whose models are loaded. */
  loaded: readonly string[];
}

export const PROBATION_MS = 3_000;

/** Two assignments are the same if release and artefacts are: a better artefact of the same release is a change. */
export function sameAssignment(left: Assignment | null, right: Assignment | null): boolean {
  if (left === null || right === null) return left === right;
  const models = Object.keys(left.artefacts);
  return (
    left.release === right.release &&
    placesOf(left) === placesOf(right) &&
    models.length === Object.keys(right.artefacts).length &&
    models.every((model) => left.artefacts[model] === right.artefacts[model])
  );
}

/** What it runs for others; undefined where it runs what belongs to the device itself. */
function placesOf({ places }: Assignment): string | undefined {
  return places?.toSorted().join(' ');
}

/** Names one assignment inside the runtime host: the same release with other artefacts is another load. */
export function loadKey(assignment: Assignment): string {
  const parts = Object.keys(assignment.artefacts)
    .sort()
    .map((model) => (assignment.artefacts[model] ?? '').slice(0, 12));
  const places = placesOf(assignment);
  return `${assignment.release}:${parts.join('.')}${places === undefined ? '' : `@${places}`}`;
}

/** Whether a load is of this release at these places, with whichever artefacts. */
export function isLoadOf(key: string, { release, places }: Pick<Assignment, 'release' | 'places'>): boolean {
  const parts = loadKey({ release, artefacts: {}, ...(places === undefined ? {} : { places }) }).slice(release.length + 1);
  return key.startsWith(`${release}:`) && (parts === '' ? !key.includes('@') : key.endsWith(parts));
}

/** Whether the same is to be run, whoever runs other places for it. */
export function runsTheSame(left: Assignment | null, right: Assignment | null): boolean {
  const own = (assignment: Assignment | null) => assignment !== null && { ...assignment, workers: undefined };
  return JSON.stringify(own(left)) === JSON.stringify(own(right));
}

/** The steps from what is to what should be. Empty if nothing is to do. */
export function planSteps(desired: Assignment | null, actual: Actual): Step[] {
  if (desired === null) {
    const retire = actual.loaded.map((release): Step => ({ kind: 'retire', release }));
    return actual.active === null ? retire : [{ kind: 'commit', release: '' }, ...retire];
  }
  const release = loadKey(desired);
  const retire = actual.loaded.filter((loaded) => loaded !== release).map((loaded): Step => ({ kind: 'retire', release: loaded }));
  if (sameAssignment(desired, actual.active)) {
    if (actual.activeIsGood) return retire;
    return [
      { kind: 'probation', release, lengthMs: PROBATION_MS },
      { kind: 'commit', release },
      ...retire,
      { kind: 'collect-garbage', release },
    ];
  }
  return [
    { kind: 'fetch-documents', release },
    { kind: 'check-agent', release },
    { kind: 'check-memory', release },
    { kind: 'check-space', release },
    { kind: 'pull-blobs', release },
    { kind: 'load', release },
    { kind: 'self-test', release },
    { kind: 'activate', release },
    { kind: 'probation', release, lengthMs: PROBATION_MS },
    { kind: 'commit', release },
    ...retire,
    { kind: 'collect-garbage', release },
  ];
}

/** Whether the host works on a release that does not run yet: what happens then speaks of that one. */
export function isTrial(phase: ReconcilePhase): boolean {
  return phase === 'installed' || phase === 'self-testing';
}
