import { type Capabilities, type ClaimToken, jsonDecode, jsonEncode } from '@starling/shared';
import { claimMembership, type Enrolment, enrolmentSchema } from '../core/link/index.ts';
import { deviceNameOf } from './device-name.ts';
import { createFleetAccess } from './fleet-access.ts';
import { makeDeviceKey } from './key-store.ts';
import { readFile, replaceFile } from './private-folder.ts';
import { AGENT_VERSION } from './version.ts';

const FILE = 'enrolment.json';

export async function readEnrolment(folder: FileSystemDirectoryHandle): Promise<Enrolment | undefined> {
  const bytes = await readFile(folder, FILE);
  return bytes === undefined ? undefined : jsonDecode(bytes, enrolmentSchema);
}

export interface EnrolPlace {
  /** Name of what this agent keeps. */
  home: string;
  folder: FileSystemDirectoryHandle;
  /** Where this browser reaches the fleet. */
  url: string;
}

/** Trades a claim token for membership, and keeps what came of it. @throws StarlingError `claim-token-refused`, `digest-mismatch`, `unreachable` */
export async function enrol(
  { home, folder, url }: EnrolPlace,
  token: ClaimToken,
  capabilities: Capabilities,
): Promise<{ enrolment: Enrolment; status: 'active' | 'pending' }> {
  const { machineIdDigest, ...key } = await makeDeviceKey(home);
  const hostName = deviceNameOf(capabilities.hostName ?? '', key.device);
  const told = { key, machineIdDigest, agentVersion: AGENT_VERSION, hostName, capabilities };
  const claimed = await claimMembership(createFleetAccess(url), url, token, told);
  await replaceFile(folder, FILE, jsonEncode(claimed.enrolment));
  return claimed;
}
