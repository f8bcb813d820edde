import { HELPS_MAXIMUM, isStarlingError, messageOf } from '@starling/shared';
import type { DeviceRow } from '../devices/index.ts';
import { canHelp } from './agent-requirements.ts';
import { placesFor } from './choose-workers.ts';
import type { DesiredRow } from './store.ts';

export interface WantedParts {
  release: string;
  /** Places that the release needs. */
  places: readonly string[];
  /** Chooses artefacts for these places. @throws StarlingError where there is none for the worker */
  choose(worker: DeviceRow, current: Readonly<Record<string, string>>, places: readonly string[]): unknown;
}

/** Why a worker does not run the parts of a release for others yet, in words that go on from its name. */
export function lackOf(worker: DeviceRow, row: DesiredRow | undefined, wanted: WantedParts): string {
  const { online, lastSeenAtMs, reported } = worker;
  if (worker.status === 'revoked') return 'it was revoked';
  if (!online) return lastSeenAtMs === null ? 'it was never heard' : `it was last heard at ${new Date(lastSeenAtMs).toISOString()}`;
  const isOwn = row?.release === wanted.release;
  const help = reported?.helps?.find(({ release }) => release === wanted.release);
  const problem = isOwn ? reported?.error : help?.problem;
  if (problem !== undefined && problem !== null) return `${problem.message} (${problem.code})`;
  if (isOwn || row?.helps.some(({ release }) => release === wanted.release) === true)
    return `it is at "${(isOwn ? reported?.phase : help?.state) ?? 'waiting'}"`;
  const places = placesFor(worker, wanted.places);
  if (places === null) return `its labels make it none of ${wanted.places.join(', ')}`;
  if (row === undefined || row.release === null || row.places === null) return 'it was given no release of several places itself';
  if (!canHelp(worker)) return `its agent ${worker.agentVersion} holds parts of one release at a time`;
  const lacking = reasonOf(() => wanted.choose(worker, row.artefacts, places));
  if (lacking !== undefined) return lacking;
  if (row.helps.length >= HELPS_MAXIMUM) return `it holds parts of ${row.helps.length} other releases, as many as it can`;
  return 'it was not told of them yet';
}

function reasonOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return isStarlingError(error) ? `${error.message} (${error.code})` : messageOf(error);
  }
}
