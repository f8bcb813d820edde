import { type Release, StarlingError } from '@starling/shared';
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
