import { z } from 'zod';
import { jsonDecode, jsonEncode } from '../codec/cbor.ts';
import { digestSchema } from '../digest.ts';
import { capabilitiesSchema } from '../documents/capabilities.ts';
import { deviceIdSchema, wallMsSchema } from '../ids.ts';

/**
 * What a claim token holds. Written as `starling1.<base64url JSON>`, so that it travels as one word through a file, standard input
 * or an environment variable; never through argv, which every process of the machine can read.
 */
export const claimTokenSchema = z.object({
  url: z.url().meta({ description: 'Address of the fleet' }),
  tokenId: z.string().min(1).max(64),
  secret: z.string().min(16).max(128),
  rootDigest: digestSchema.meta({ description: 'SHA-256 of the signed root document' }),
  certificateDigest: digestSchema.optional().meta({ description: "SHA-256 of the DER of the fleet's own certificate authority" }),
});
export type ClaimToken = z.infer<typeof claimTokenSchema>;

const prefix = 'starling1.';

/** Where a fleet serves the page on which a browser is a device. */
export const RUN_PAGE_PATH = '/run';

/**
 * The link that makes a browser a device. The token stands in the fragment, which browsers send to no server.
 * @param address of the fleet, as the browser reaches it
 */
export function runPageLink(address: string, token: string): string {
  return `${address.replace(/\/+$/, '')}${RUN_PAGE_PATH}/#token=${token}`;
}

export function formatClaimToken(token: ClaimToken): string {
  // `btoa` takes one byte a character, and an address may have letters beyond that.
  const binary = Array.from(jsonEncode(token), (byte) => String.fromCharCode(byte)).join('');
  return prefix + btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @returns undefined if the text is no claim token */
export function parseClaimToken(text: string): ClaimToken | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith(prefix)) return undefined;
  try {
    const binary = atob(trimmed.slice(prefix.length).replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return jsonDecode(bytes, claimTokenSchema);
  } catch {
    return undefined;
  }
}

/** Payload of the `device-enrolment` JWS: signed by the device key that it names, which proves that the device holds it. */
export const enrolmentClaimSchema = z.object({
  tokenId: z.string(),
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  machineIdDigest: digestSchema.meta({ description: 'SHA-256 of the machine id: tells a cloned disk from the device' }),
  agentVersion: z.string().max(64),
  hostName: z.string().max(200).default(''),
  capabilities: capabilitiesSchema,
});
export type EnrolmentClaim = z.infer<typeof enrolmentClaimSchema>;

export const enrolRequestSchema = z
  .object({ secret: z.string().max(128), claim: z.string().max(65_536).meta({ description: 'JWS of an enrolment claim' }) })
  .meta({ id: 'EnrolRequest' });

export const enrolResponseSchema = z
  .object({
    device: deviceIdSchema,
    status: z.enum(['active', 'pending']).meta({ description: 'pending: a person has to approve it first' }),
    fleetId: z.string(),
    roots: z.array(z.string()).meta({ description: 'Signed root documents from the pinned version to the current one' }),
  })
  .meta({ id: 'EnrolResponse' });

/** Signed by the fleet key (`time`): a fresh nonce, and the time for a device whose clock is wrong. */
export const nonceSchema = z.object({ nonce: z.string().min(16).max(64), nowMs: wallMsSchema, fleetId: z.string() });

export const nonceResponseSchema = z
  .object({ signed: z.string().meta({ description: 'JWS of {nonce, nowMs, fleetId}' }), rootVersion: z.number().int() })
  .meta({ id: 'NonceResponse' });

/** Payload of the `device-login` JWS. `audience` is the fleet id: a signature for one fleet is worth nothing at another. */
export const deviceLoginClaimSchema = z.object({
  device: deviceIdSchema,
  nonce: z.string(),
  audience: z.string(),
  capabilities: capabilitiesSchema.optional(),
});

/** Payload of both `device-rekey` JWS: one by the key of now, one by the key that is to follow. */
export const deviceRekeyClaimSchema = z.object({
  device: deviceIdSchema,
  nonce: z.string(),
  audience: z.string(),
  publicKey: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/)
    .meta({ description: 'Raw Ed25519 public key that is to follow, base64url' }),
});

export const deviceRekeyRequestSchema = z
  .object({
    claim: z.string().max(4096).meta({ description: 'JWS of the claim by the key of now' }),
    proof: z.string().max(4096).meta({ description: 'JWS of the same claim by the key that is to follow' }),
  })
  .meta({ id: 'DeviceRekeyRequest' });

export const deviceLoginRequestSchema = z.object({ claim: z.string().max(65_536) }).meta({ id: 'DeviceLoginRequest' });

export const deviceLoginResponseSchema = z
  .object({
    username: z.string(),
    password: z.string(),
    expiresAtMs: wallMsSchema,
    brokers: z
      .array(z.url())
      .min(1)
      .meta({ description: 'mqtts:// and wss:// addresses, best first; ws:// only on the machine of the fleet itself' }),
    topicRoot: z.string(),
    rootVersion: z.number().int(),
  })
  .meta({ id: 'DeviceLoginResponse' });
export type DeviceLogin = z.infer<typeof deviceLoginResponseSchema>;
