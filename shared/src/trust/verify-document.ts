import { compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import type { z } from 'zod';
import { parseWith } from '../codec/cbor.ts';
import type { PublicKey } from '../documents/trust-root.ts';
import { messageOf, StarlingError } from '../errors.ts';
import { SIGNATURE_ALGORITHM, type SignedKind, typOf } from './sign.ts';

export type TrustErrorCode =
  | 'bad-signature'
  | 'digest-mismatch'
  | 'expired'
  | 'malformed-document'
  | 'rollback'
  | 'too-large'
  | 'unknown-critical'
  | 'unknown-key'
  | 'wrong-device'
  | 'wrong-epoch'
  | 'wrong-fleet'
  | 'wrong-kind'
  | 'root-gap';

export type TrustError = StarlingError<TrustErrorCode>;

export function trustError(code: TrustErrorCode, message: string, hint?: string): TrustError {
  return new StarlingError(code, message, hint === undefined ? {} : { hint });
}

/** Parts of documents that may be marked critical and that this code understands. `weights`: an artefact of two files, of which one is worth nothing. */
const understoodCritical: ReadonlySet<string> = new Set(['weights']);

/**
 * Verifies the exact bytes of a signed document, then parses them.
 *
 * The order matters: nothing inside the payload is looked at before its signature holds.
 * @param keys the keys that the root names for the role that may sign this kind
 * @throws TrustError
 */
export async function verifyDocument<Schema extends z.ZodType>(
  jws: string,
  expected: { kind: SignedKind; keys: readonly PublicKey[]; schema: Schema; maximumBytes: number },
): Promise<z.infer<Schema>> {
  // Attack: endless data. The length is checked before any decoding.
  if (jws.length > expected.maximumBytes) {
    throw trustError('too-large', `the ${expected.kind} has ${jws.length} bytes, at most ${expected.maximumBytes} are accepted`);
  }
  const payload = await verifyCompact(jws, expected.kind, expected.keys);
  const document = parseSigned(payload, expected.kind, expected.schema);
  checkCritical(document, expected.kind);
  return document;
}

/**
 * Base64url has one spelling for each sequence of bytes, but decoders overlook the bits that fill up the last character. Were they
 * overlooked here, one signed document would have many texts, and so many digests.
 * @throws TrustError `malformed-document`
 */
export function requireCanonical(parts: readonly string[], kind: SignedKind): void {
  for (const part of parts) {
    const filler = [0, undefined, 15, 3][part.length % 4];
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(part.slice(-1));
    if (!/^[A-Za-z0-9_-]+$/.test(part) || filler === undefined || (last & filler) !== 0)
      throw trustError('malformed-document', `the ${kind} is no JWS: a part of it is not base64url`);
  }
}

async function verifyCompact(jws: string, kind: SignedKind, keys: readonly PublicKey[]): Promise<Uint8Array> {
  requireCanonical(jws.split('.'), kind);
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(jws);
  } catch (cause) {
    throw new StarlingError('malformed-document', `the ${kind} is no JWS: ${messageOf(cause)}`, { cause });
  }
  // Attack: mix and match. A signature over one kind of document must not count for another.
  if (header.typ !== typOf(kind)) throw trustError('wrong-kind', `typ is "${String(header.typ)}", expected "${typOf(kind)}"`);
  const key = keys.find((candidate) => candidate.kid === header.kid);
  if (key === undefined) throw trustError('unknown-key', `key ${String(header.kid)} may not sign a ${kind}`);
  try {
    // Attack: algorithm confusion. The algorithm is pinned here, not taken from the header.
    const { payload } = await compactVerify(jws, await importJWK(key, SIGNATURE_ALGORITHM), { algorithms: [SIGNATURE_ALGORITHM] });
    return payload;
  } catch (cause) {
    throw new StarlingError('bad-signature', `the signature of the ${kind} does not hold`, { cause });
  }
}

export function parseSigned<Schema extends z.ZodType>(payload: Uint8Array, kind: SignedKind, schema: Schema): z.infer<Schema> {
  try {
    return parseWith(schema, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)));
  } catch (cause) {
    throw new StarlingError('malformed-document', `the ${kind} was signed but is not one: ${messageOf(cause)}`, { cause });
  }
}

/** A document may mark parts that an agent must understand; one that does not know them must not act on the rest. */
export function checkCritical(document: unknown, kind: SignedKind): void {
  if (typeof document !== 'object' || document === null || !('critical' in document) || !Array.isArray(document.critical)) return;
  const unknown = document.critical.filter((part) => !understoodCritical.has(String(part)));
  if (unknown.length > 0) {
    throw trustError('unknown-critical', `the ${kind} needs ${unknown.join(', ')}, which this version does not know`, 'update the agent');
  }
}
