import { createHash } from 'node:crypto';
import { WORKER_ABSENCE_MS } from '@starling/shared';
import type { DeviceRow } from '../devices/index.ts';

/** A device that may run a place for others. */
export interface WorkerCandidate {
  id: string;
  places: readonly string[];
  online: boolean;
  lastSeenAtMs: number | null;
}

/** Places that labels make a device one of. */
export function placesOfLabels({ place, group }: Readonly<Record<string, string>>): string[] {
  return [
    ...(place === 'cloud' ? ['cloud'] : []),
    ...(group !== undefined && /^[a-z0-9][a-z0-9_-]{0,63}$/.test(group) ? [`group:${group}`] : []),
  ];
}

/** Places of a release that the labels of a device make it one of; null where there are none. */
export function placesFor({ labels, status }: Pick<DeviceRow, 'labels' | 'status'>, needed: readonly string[]): string[] | null {
  const own = status === 'revoked' ? [] : placesOfLabels(labels).filter((place) => needed.includes(place));
  return own.length === 0 ? null : own;
}

/** Rendezvous hashing (Thaler and Ravishankar, 1998): a worker that comes or goes moves only the homes that are its own. */
function weightOf(home: string, place: string, worker: string): string {
  return createHash('sha256').update(`${home} ${place} ${worker}`).digest('hex');
}

/**
 * One worker for each place that a home needs, as far as there is any. Whoever works for it goes on, unless it was away for long and
 * another is there.
 */
export function chooseWorkers(
  home: string,
  places: readonly string[],
  candidates: readonly WorkerCandidate[],
  current: Readonly<Record<string, string>>,
  nowMs: number,
): Record<string, string> {
  const chosen: Record<string, string> = {};
  for (const place of places) {
    const fit = candidates.filter((each) => each.id !== home && each.places.includes(place));
    const now = fit.find(({ id }) => id === current[place]);
    const online = fit.filter((each) => each.online);
    if (now !== undefined && (online.length === 0 || !isAway(now, nowMs))) {
      chosen[place] = now.id;
      continue;
    }
    const [best] = (online.length > 0 ? online : fit)
      .map(({ id }) => ({ id, weight: weightOf(home, place, id) }))
      .sort((left, right) => (left.weight < right.weight ? -1 : 1));
    if (best !== undefined) chosen[place] = best.id;
  }
  return chosen;
}

function isAway({ online, lastSeenAtMs }: WorkerCandidate, nowMs: number): boolean {
  return !online && nowMs - (lastSeenAtMs ?? 0) >= WORKER_ABSENCE_MS;
}
