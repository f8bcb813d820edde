import { CompactSign, calculateJwkThumbprint, GeneralSign, importJWK } from 'jose';
import { z } from 'zod';
import { jsonEncode } from '../codec/cbor.ts';
import { type PublicKey, publicKeySchema, type TrustRoot } from '../documents/trust-root.ts';

/** The signature algorithm of every document (RFC 8037). Never read from the document: a header cannot downgrade it. */
export const SIGNATURE_ALGORITHM = 'EdDSA';

/** A private Ed25519 key as a JWK. Lives in a key file of the operator, of the fleet, or of a device. */
export const privateKeySchema = publicKeySchema.extend({ d: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });
export type PrivateKey = z.infer<typeof privateKeySchema>;

/** Kinds of signed documents; the `typ` header of each is `starling-<kind>+jws`. */
export type SignedKind =
  | 'root'
  | 'model-version'
  | 'pipeline'
  | 'release'
  | 'artefact'
  | 'desired-state'
  | 'command'
  | 'time'
  | 'epoch'
  | 'agent-package'
  | 'agent-build'
  | 'device-login'
  | 'device-rekey'
  | 'device-enrolment';

export function typOf(kind: SignedKind): string {
  return `starling-${kind}+jws`;
}

/** Anything that can sign: a key file, or a key that never leaves its store (a device, WebCrypto). */
export interface Signer {
  kid: string;
  /** Signs the payload's exact bytes and returns a compact JWS. */
  sign(kind: SignedKind, payload: Uint8Array): Promise<string>;
}

/** A private key as the runtime holds it. It may be one that cannot be read out again. */
export type SigningKey = Awaited<ReturnType<typeof importJWK>>;

/** A signer over a private JWK. */
export async function signerOf(key: PrivateKey): Promise<Signer> {
  return signerOver(key.kid, await importJWK(key, SIGNATURE_ALGORITHM));
}

/** A signer over a key that stays where it is. */
export function signerOver(kid: string, key: SigningKey): Signer {
  return {
    kid,
    sign: (kind, payload) => new CompactSign(payload).setProtectedHeader({ alg: SIGNATURE_ALGORITHM, typ: typOf(kind), kid }).sign(key),
  };
}

/** Serialises a document once and signs those bytes. */
export async function signDocument(signer: Signer, kind: SignedKind, document: unknown): Promise<string> {
  return signer.sign(kind, jsonEncode(document));
}

/** Signs a root document with several keys at once (JWS general serialisation): the old root's and its own. */
export async function signRoot(keys: readonly PrivateKey[], root: TrustRoot): Promise<string> {
  const signing = new GeneralSign(jsonEncode(root));
  for (const key of keys) {
    signing
      .addSignature(await importJWK(key, SIGNATURE_ALGORITHM))
      .setProtectedHeader({ alg: SIGNATURE_ALGORITHM, typ: typOf('root'), kid: key.kid });
  }
  return JSON.stringify(await signing.sign());
}

/** The public half of a key. */
export function publicKeyOf(key: PrivateKey): PublicKey {
  return { kty: key.kty, crv: key.crv, x: key.x, kid: key.kid };
}

/** The `kid` of an Ed25519 public key: its RFC 7638 thumbprint. */
export async function keyIdOf(key: { x: string }): Promise<string> {
  return calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x: key.x }, 'sha256');
}

/** Makes a key pair. Extractable, for key files; a device makes its own in its key store. */
export async function generatePrivateKey(): Promise<PrivateKey> {
  const { generateKeyPair, exportJWK } = await import('jose');
  const { privateKey } = await generateKeyPair(SIGNATURE_ALGORITHM, { crv: 'Ed25519', extractable: true });
  const jwk = await exportJWK(privateKey);
  const x = z.string().parse(jwk.x);
  return privateKeySchema.parse({ kty: 'OKP', crv: 'Ed25519', x, d: jwk.d, kid: await keyIdOf({ x }) });
}
