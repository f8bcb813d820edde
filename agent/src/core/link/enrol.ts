import {
  type Capabilities,
  type ClaimToken,
  claimTokenSchema,
  enrolResponseSchema,
  parseClaimToken,
  parseWith,
  StarlingError,
  signDocument,
  type TrustRoot,
  verifyNextRoot,
  verifyPinnedRoot,
} from '@starling/shared';
import { z } from 'zod';
import type { FleetAccess } from '../ports/fleet-access.ts';
import type { DeviceKey } from '../ports/key-store.ts';

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

/** What a device tells of itself when it enrols. */
export interface Enrolling {
  key: DeviceKey;
  machineIdDigest: string;
  agentVersion: string;
  hostName: string;
  capabilities: Capabilities;
}

const HOST_NAME_LENGTH = 200;

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
 * Trades a claim token for membership: proves the device key, verifies the root that the token pins.
 * @param url where this device reaches the fleet
 * @throws StarlingError `claim-token-refused`, `digest-mismatch`, `unreachable`
 */
export async function claimMembership(
  access: FleetAccess,
  url: string,
  token: ClaimToken,
  { key, hostName, ...told }: Enrolling,
): Promise<{ enrolment: Enrolment; status: 'active' | 'pending' }> {
  const claim = await signDocument(key.signer, 'device-enrolment', {
    ...told,
    tokenId: token.tokenId,
    publicKey: key.publicKey,
    hostName: hostName.slice(0, HOST_NAME_LENGTH),
  });
  const answer = parseWith(enrolResponseSchema, await access.post('/enrol', { secret: token.secret, claim }));
  const roots = await pinnedOnward(answer.roots, token.rootDigest);
  return {
    enrolment: { url, fleetId: answer.fleetId, device: answer.device, rootDigest: token.rootDigest, roots },
    status: answer.status,
  };
}

/** The newest of these roots, if the pinned one is among them and each is verified by the one before. @throws StarlingError `digest-mismatch` */
export async function newestOnward(roots: readonly string[], digest: string): Promise<TrustRoot> {
  const [first = '', ...later] = await pinnedOnward(roots, digest);
  let newest = await verifyPinnedRoot(first, digest);
  for (const signed of later) newest = await verifyNextRoot(signed, newest);
  return newest;
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
