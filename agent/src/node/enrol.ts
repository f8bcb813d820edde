import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  type Capabilities,
  type ClaimToken,
  claimTokenSchema,
  enrolResponseSchema,
  jsonDecode,
  jsonEncode,
  parseClaimToken,
  parseWith,
  StarlingError,
  signDocument,
  verifyPinnedRoot,
} from '@starling/shared';
import { z } from 'zod';
import { writeDurably } from './file-store.ts';
import { createFleetAccess, fetchAuthority } from './fleet-access.ts';
import { machineIdDigest, makeDeviceKey } from './key-store.ts';
import { authorityOf } from './pinned-tls.ts';
import { AGENT_VERSION } from './version.ts';

/** What enrolment leaves behind: where the fleet is, and what its trust hangs on. Nothing in it is secret. */
export const enrolmentSchema = z.object({
  url: z.url(),
  fleetId: z.string(),
  device: z.string(),
  rootDigest: z.string(),
  roots: z.array(z.string()).min(1),
  authority: z.string().optional(),
});
export type Enrolment = z.infer<typeof enrolmentSchema>;

const FILE = 'enrolment.json';

export async function readEnrolment(directory: string): Promise<Enrolment | undefined> {
  const bytes = await readFile(join(directory, FILE)).catch(() => undefined);
  return bytes === undefined ? undefined : jsonDecode(bytes, enrolmentSchema);
}

/** @throws StarlingError `invalid-token` */
export function readClaimToken(text: string): ClaimToken {
  const token = parseClaimToken(text);
  if (token === undefined || !claimTokenSchema.safeParse(token).success) {
    throw new StarlingError('invalid-token', 'this is no claim token', {
      field: 'token',
      hint: 'copy the whole line that starts with "starling1."',
    });
  }
  return token;
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
  const authority = token.certificateDigest === undefined ? undefined : await fetchAuthority(token.url, token.certificateDigest);
  const access = createFleetAccess(token.url, authorityOf(authority));
  const key = await makeDeviceKey(directory);
  const claim = await signDocument(key.signer, 'device-enrolment', {
    tokenId: token.tokenId,
    publicKey: key.publicKey,
    machineIdDigest: await machineIdDigest(),
    agentVersion: AGENT_VERSION,
    hostName: hostname().slice(0, 200),
    capabilities,
  });
  const answer = parseWith(enrolResponseSchema, await access.post('/enrol', { secret: token.secret, claim }));
  const pinned = await pinnedOnward(answer.roots, token.rootDigest);
  const enrolment: Enrolment = {
    url: token.url,
    fleetId: answer.fleetId,
    device: answer.device,
    rootDigest: token.rootDigest,
    roots: pinned,
    ...(authority === undefined ? {} : { authority }),
  };
  await writeDurably(directory, FILE, jsonEncode(enrolment));
  return { enrolment, status: answer.status };
}

/** The roots from the pinned one on; the fleet may have older ones that this device need not know. */
async function pinnedOnward(roots: readonly string[], digest: string): Promise<string[]> {
  for (const [index, signed] of roots.entries()) {
    const found = await verifyPinnedRoot(signed, digest).catch(() => undefined);
    if (found !== undefined) return roots.slice(index);
  }
  throw new StarlingError('digest-mismatch', 'the fleet does not have the root document that the claim token names', {
    hint: 'this may be another fleet than the token is for; ask for a new token',
  });
}
