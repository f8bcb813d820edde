import { decodeProtectedHeader, generalVerify, importJWK } from 'jose';
import { z } from 'zod';
import { sha256Hex } from '../digest.ts';
import { type PublicKey, type TrustRoot, trustRootSchema } from '../documents/trust-root.ts';
import { messageOf, StarlingError } from '../errors.ts';
import { ROOT_BYTES_MAXIMUM } from '../limits.ts';
import { SIGNATURE_ALGORITHM, typOf } from './sign.ts';
import { checkCritical, parseSigned, requireCanonical, trustError } from './verify-document.ts';

const generalJwsSchema = z.object({
  payload: z.string(),
  signatures: z
    .array(z.object({ protected: z.string(), signature: z.string() }))
    .min(1)
    .max(16),
});

/** Digest of a signed root document: what a claim token pins. */
export async function rootDigest(signedRoot: string): Promise<string> {
  return sha256Hex(new TextEncoder().encode(signedRoot));
}

/**
 * The first root that a device sees: it must be the very bytes that its claim token pins.
 * @throws TrustError `digest-mismatch` if it is another one, or if its own keys did not sign it
 */
export async function verifyPinnedRoot(signedRoot: string, pinnedDigest: string): Promise<TrustRoot> {
  if ((await rootDigest(signedRoot)) !== pinnedDigest) {
    throw trustError('digest-mismatch', 'the root document is not the one that the claim token names', 'ask for a new claim token');
  }
  const root = readUnverified(signedRoot);
  await requireSignature(signedRoot, root.keys.root, 'its own root keys');
  checkCritical(root, 'root');
  return root;
}

/**
 * Moves from one root to the next. Attack: a thief of the fleet key makes a root of their own; without a root key of the current
 * version it is refused.
 * @throws TrustError
 */
export async function verifyNextRoot(signedRoot: string, current: TrustRoot): Promise<TrustRoot> {
  const next = readUnverified(signedRoot);
  if (next.fleetId !== current.fleetId) throw trustError('wrong-fleet', `the root is of fleet ${next.fleetId}, not ${current.fleetId}`);
  // TUF client workflow 5.3.5: rollback and gaps are refused; every version in between must be walked.
  if (next.version <= current.version) throw trustError('rollback', `root version ${next.version} is not newer than ${current.version}`);
  if (next.version !== current.version + 1) {
    throw trustError('root-gap', `root version ${next.version} does not follow ${current.version}`, 'fetch the versions in between');
  }
  await requireSignature(signedRoot, current.keys.root, `the root keys of version ${current.version}`);
  await requireSignature(signedRoot, next.keys.root, `the root keys of version ${next.version}`);
  checkCritical(next, 'root');
  return next;
}

/** Freeze attack: an expired root must not lead to new decisions. A release that runs already is not touched by this. */
export function requireFresh(root: Pick<TrustRoot, 'expiresAtMs' | 'version'>, trustedNowMs: number): void {
  if (trustedNowMs > root.expiresAtMs) {
    throw trustError(
      'expired',
      `root version ${root.version} expired at ${new Date(root.expiresAtMs).toISOString()}`,
      'rotate the root key',
    );
  }
}

function readUnverified(signedRoot: string): TrustRoot {
  if (signedRoot.length > ROOT_BYTES_MAXIMUM) throw trustError('too-large', `the root has ${signedRoot.length} bytes`);
  const jws = parseGeneral(signedRoot);
  return parseSigned(base64UrlDecode(jws.payload), 'root', trustRootSchema);
}

function parseGeneral(signedRoot: string): z.infer<typeof generalJwsSchema> {
  let jws: z.infer<typeof generalJwsSchema>;
  try {
    jws = generalJwsSchema.parse(JSON.parse(signedRoot));
  } catch (cause) {
    throw new StarlingError('malformed-document', `the root is no JWS in general serialisation: ${messageOf(cause)}`, { cause });
  }
  requireCanonical([jws.payload, ...jws.signatures.flatMap((each) => [each.protected, each.signature])], 'root');
  return jws;
}

/** At least one of `keys` must have signed. */
async function requireSignature(signedRoot: string, keys: readonly PublicKey[], whose: string): Promise<void> {
  const jws = parseGeneral(signedRoot);
  for (const signature of jws.signatures) {
    const header = readHeader(signature);
    const key = keys.find((candidate) => candidate.kid === header.kid);
    if (key === undefined || header.typ !== typOf('root')) continue;
    try {
      await generalVerify({ payload: jws.payload, signatures: [signature] }, await importJWK(key, SIGNATURE_ALGORITHM), {
        algorithms: [SIGNATURE_ALGORITHM],
      });
      return;
    } catch (cause) {
      throw new StarlingError('bad-signature', `a signature of the root does not hold`, { cause });
    }
  }
  throw trustError('bad-signature', `the root is not signed by ${whose}`);
}

function readHeader(signature: { protected: string }): ReturnType<typeof decodeProtectedHeader> {
  try {
    return decodeProtectedHeader(signature);
  } catch (cause) {
    throw new StarlingError('malformed-document', `a signature of the root has no header: ${messageOf(cause)}`, { cause });
  }
}

function base64UrlDecode(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
