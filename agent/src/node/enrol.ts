import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Capabilities, type ClaimToken, jsonDecode, jsonEncode } from '@starling/shared';
import { claimMembership, type Enrolment, enrolmentSchema } from '../core/link/index.ts';
import { writeDurably } from './file-store.ts';
import { createFleetAccess, fetchAuthorities } from './fleet-access.ts';
import { machineIdDigest, makeDeviceKey } from './key-store.ts';
import { AGENT_VERSION } from './version.ts';

const FILE = 'enrolment.json';

export async function readEnrolment(directory: string): Promise<Enrolment | undefined> {
  const bytes = await readFile(join(directory, FILE)).catch(() => undefined);
  return bytes === undefined ? undefined : jsonDecode(bytes, enrolmentSchema);
}

/**
 * Trades a claim token for membership: proves the device key, verifies the root that the token pins, keeps both.
 * @throws StarlingError `claim-token-refused`, `digest-mismatch`, `unreachable`
 */
export async function enrol(
  directory: string,
  token: ClaimToken,
  capabilities: Capabilities,
): Promise<{ enrolment: Enrolment; status: 'active' | 'pending' }> {
  const { certificateDigest, rootDigest } = token;
  const found = certificateDigest === undefined ? undefined : await fetchAuthorities(token.url, { certificateDigest, rootDigest });
  const access = createFleetAccess(token.url, found === undefined ? undefined : { certificates: () => found.certificates });
  const key = await makeDeviceKey(directory);
  const { enrolment: made, status } = await claimMembership(access, token.url, token, {
    ...{ key, machineIdDigest: await machineIdDigest(), agentVersion: AGENT_VERSION, hostName: hostname(), capabilities },
  });
  const enrolment: Enrolment = { ...made, ...(found === undefined ? {} : { authority: found.authority }) };
  await writeDurably(directory, FILE, jsonEncode(enrolment));
  return { enrolment, status };
}
