import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { wallMsSchema } from '../ids.ts';

/** An Ed25519 public key as a JWK (RFC 8037). `kid` is the base64url SHA-256 thumbprint of RFC 7638. */
export const publicKeySchema = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'x is 32 bytes in base64url'),
  kid: z.string().min(16).max(64),
});
export type PublicKey = z.infer<typeof publicKeySchema>;

export const keyRoleSchema = z.enum(['root', 'publisher', 'fleet']);
export type KeyRole = z.infer<typeof keyRoleSchema>;

/**
 * The root document names the keys of the fleet. Version N+1 is signed by a root key of version N and by one of its own, so that
 * a device can walk from the root pinned in its claim token to the current one.
 */
export const trustRootSchema = z
  .object({
    kind: z.literal('root'),
    schemaVersion: z.literal(1),
    critical: z.array(z.string()).default([]),
    fleetId: z.string().regex(/^[a-z0-9-]{1,64}$/),
    version: z.number().int().positive(),
    issuedAtMs: wallMsSchema,
    expiresAtMs: wallMsSchema,
    demo: z.boolean().default(false).meta({ description: 'The keys were made by the demo and lie beside the fleet' }),
    keys: z.object({
      root: z.array(publicKeySchema).min(1).max(8),
      publisher: z.array(publicKeySchema).min(1).max(8),
      fleet: z.array(publicKeySchema).min(1).max(8),
      retired: z
        .array(publicKeySchema)
        .max(16)
        .optional()
        .meta({ description: 'Fleet keys of before: they count for artefacts, which are named by digest, and for nothing else' }),
    }),
    authorities: z.array(digestSchema).min(1).max(4).optional().meta({
      description: "SHA-256 of the DER of the fleet's certificate authorities; devices then believe these in the place of the pinned one",
    }),
  })
  .meta({ id: 'TrustRoot', title: 'Root document' });
export type TrustRoot = z.infer<typeof trustRootSchema>;

/**
 * Keys that count for artefact manifests. A key that was replaced signs nothing new, and yet what it signed stays good: an artefact is
 * named by its digest in a desired state, which a key of now has signed.
 */
export function artefactKeys({ keys }: Pick<TrustRoot, 'keys'>): PublicKey[] {
  return [...keys.fleet, ...(keys.retired ?? [])];
}
