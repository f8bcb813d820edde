import { HELPING_VERSION, type Release, StarlingError } from '@starling/shared';
import type { DeviceRow } from '../devices/index.ts';

/** A release is given only to an agent that can run it. @throws StarlingError `agent-too-old` */
export function requireAgent(device: Pick<DeviceRow, 'agentVersion' | 'operatorVersions'>, release: Release): void {
  // Versions come with the first hello; a device that has never connected is told when it does, and refuses then.
  if (Object.keys(device.operatorVersions).length === 0) return;
  for (const [operator, version] of Object.entries(release.requires.operators)) {
    if ((device.operatorVersions[operator] ?? 0) >= version) continue;
    throw new StarlingError(
      'agent-too-old',
      `the release needs ${operator} version ${version}, the agent ${device.agentVersion} has ${device.operatorVersions[operator] ?? 'none'}`,
      {
        field: 'release',
        hint: 'update the agent on the device first',
      },
    );
  }
}

/** Does its agent hold parts of several releases? */
export function canHelp({ operatorVersions }: Pick<DeviceRow, 'operatorVersions'>): boolean {
  return (operatorVersions.helping ?? 0) >= HELPING_VERSION;
}

/**
 * A home goes on to a release that its worker does not have, or a worker to one that its homes do not: until all have gone, that worker
 * holds both.
 * @throws StarlingError `agent-too-old`
 */
export function requireHelper(worker: Pick<DeviceRow, 'name' | 'agentVersion' | 'operatorVersions'>): void {
  if (canHelp(worker)) return;
  throw new StarlingError(
    'agent-too-old',
    `the agent ${worker.agentVersion} of ${worker.name} holds parts of one release at a time, and others need it for two`,
    { field: 'release', hint: `update the agent on ${worker.name} first` },
  );
}
