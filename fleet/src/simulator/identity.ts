import {
  API_BASE,
  type Capabilities,
  type ClaimToken,
  type DeviceLogin,
  deviceIdOf,
  deviceLoginResponseSchema,
  type EnrolmentClaim,
  enrolResponseSchema,
  messageOf,
  nonceResponseSchema,
  nonceSchema,
  type PrivateKey,
  problemDetailsSchema,
  publicKeyOf,
  StarlingError,
  signDocument,
  signerOf,
  type TrustRoot,
  verifyDocument,
  verifyPinnedRoot,
} from '@starling/shared';
import type { z } from 'zod';

/** The way into a fleet by HTTP, after docs/protocol alone: a key, a claim token, then passwords for the broker. */
export interface DeviceIdentity {
  id: string;
  key: PrivateKey;
  /** @throws StarlingError with the code of the fleet's problem */
  enrol(token: ClaimToken, change?: EnrolmentChange): Promise<TrustRoot>;
  nonce(): Promise<{ nonce: string; fleetId: string }>;
  login(change?: LoginChange): Promise<DeviceLogin>;
}

/** What an enrolment says otherwise than it should. */
export interface EnrolmentChange {
  claim?: Partial<EnrolmentClaim>;
  signedBy?: PrivateKey;
  secret?: string;
}

export interface LoginChange {
  nonce?: string;
  audience?: string;
  device?: string;
  signedBy?: PrivateKey;
}

export interface IdentityOptions {
  baseUrl: string;
  key: PrivateKey;
  capabilities: Capabilities;
  hostName?: string;
}

const AGENT_VERSION = '0.1.0';
const MACHINE = 'ab'.repeat(32);

export async function createDeviceIdentity({ baseUrl, key, capabilities, hostName }: IdentityOptions): Promise<DeviceIdentity> {
  const id = await deviceIdOf(Buffer.from(publicKeyOf(key).x, 'base64url'));
  let root: TrustRoot | undefined;
  const nonce = async (): Promise<{ nonce: string; fleetId: string }> => {
    const { signed } = await post(baseUrl, '/device-access/nonce', { device: id }, nonceResponseSchema);
    if (root === undefined) throw new StarlingError('not-enrolled', 'this device has no root to verify by');
    return verifyDocument(signed, { kind: 'time', keys: root.keys.fleet, schema: nonceSchema, maximumBytes: 4096 });
  };
  return {
    id,
    key,
    nonce,
    async enrol(token, { claim = {}, signedBy = key, secret = token.secret } = {}) {
      const document: EnrolmentClaim = {
        ...{ tokenId: token.tokenId, publicKey: publicKeyOf(key).x, machineIdDigest: MACHINE, agentVersion: AGENT_VERSION },
        ...{ hostName: hostName ?? `device-${id.slice(0, 6)}`, capabilities, ...claim },
      };
      const signed = await signDocument({ ...(await signerOf(signedBy)), kid: signedBy.kid }, 'device-enrolment', document);
      const { roots } = await post(baseUrl, '/enrol', { secret, claim: signed }, enrolResponseSchema);
      root = await verifyPinnedRoot(roots[0] ?? '', token.rootDigest);
      return root;
    },
    async login(change = {}) {
      const fresh = change.nonce === undefined ? await nonce() : { nonce: change.nonce, fleetId: root?.fleetId ?? '' };
      const signer = await signerOf(change.signedBy ?? key);
      const claim = await signDocument(signer, 'device-login', {
        device: change.device ?? id,
        nonce: fresh.nonce,
        audience: change.audience ?? fresh.fleetId,
      });
      return post(baseUrl, '/device-access/login', { claim }, deviceLoginResponseSchema);
    },
  };
}

/** @throws StarlingError with the code, field and detail of the problem, or `unreachable` */
async function post<Schema extends z.ZodType>(baseUrl: string, path: string, body: unknown, schema: Schema): Promise<z.infer<Schema>> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`${baseUrl}${API_BASE}${path}`, init).catch((cause: unknown) => {
    throw new StarlingError('unreachable', `cannot reach ${baseUrl}: ${messageOf(cause)}`, { retryable: true, cause });
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return schema.parse(answer);
  const { data } = problemDetailsSchema.safeParse(answer);
  if (data === undefined) throw new StarlingError('unexpected-answer', `${path} answered ${response.status}`, { retryable: true });
  const { code, detail, field } = data;
  throw new StarlingError(code, detail, field === undefined ? {} : { field });
}
