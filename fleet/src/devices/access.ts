import {
  type Actor,
  BROKER_LOGIN_MS,
  type Capabilities,
  deviceIdOf,
  deviceLoginClaimSchema,
  type EnrolmentClaim,
  enrolmentClaimSchema,
  keyIdOf,
  type PublicKey,
  StarlingError,
  signDocument,
  verifyDocument,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import { createGatherer, type Database } from '../db/index.ts';
import type { Clock, EventBus, Ids } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';
import type { Nonces } from './nonces.ts';
import type { ProfileReason } from './profile-reason.ts';
import { rekeyDevice } from './rekey.ts';
import { sameDigest, secretDigest } from './secrets.ts';
import {
  claimTokenById,
  deviceById,
  deviceByKey,
  insertBrokerLogin,
  insertDevice,
  takeClaimTokenUse,
  updateDevice,
  validPasswordDigests,
  writeCapabilities,
} from './store.ts';

export type ProfileMatcher = (capabilities: Capabilities) => { profile: string; reason: ProfileReason };

/** How devices get in: enrolment by claim token, then a broker password for an hour by a signed nonce. */
export interface DeviceAccess {
  enrol(secret: string, claimJws: string): Promise<{ device: string; status: 'active' | 'pending'; release: string | null }>;
  nonce(): Promise<{ signed: string }>;
  login(claimJws: string): Promise<{ device: string; password: string; expiresAtMs: number }>;
  /** Replaces the key of a device. @throws StarlingError `login-refused` */
  rekey(claimJws: string, proofJws: string): Promise<{ device: string }>;
  /** Is this the password of an active device? Wrong ones are answered from a short memory. */
  checkPassword(device: string, password: string): Promise<boolean>;
  /** @param admit makes a password good at a broker that is not ours, before the device is told it */
  onLogin(admit: (device: string, password: string) => Promise<void>): void;
}

interface AccessPorts {
  db: Database;
  clock: Clock;
  ids: Ids;
  keyring: Keyring;
  events: EventBus;
  nonces: Nonces;
  matchProfile: ProfileMatcher;
}

const CLAIM_BYTES_MAXIMUM = 65_536;
/** Herds of devices with an old password reconnect for ever; the database need not hear of each try. */
const REFUSAL_MEMORY_MS = 2_000;
const MEMORY_ENTRIES = 10_000;
const MAKE_ANOTHER = 'make a new one under "Add a device" on the dashboard, or with "starling token create"';

export function createDeviceAccess(ports: AccessPorts): DeviceAccess {
  const { db, clock, ids, keyring, events, nonces } = ports;
  const refused = new Map<string, number>();
  let provision: (device: string, password: string) => Promise<void> = async () => undefined;
  const passwords = createGatherer((batch: ReadonlyMap<string, null>) => validPasswordDigests(db, [...batch.keys()], clock.nowMs()));

  return {
    async enrol(secret, claimJws) {
      const claim = await readClaim(claimJws);
      const key = await keyOf(claim.publicKey);
      const verified = await verifyDocument(claimJws, {
        kind: 'device-enrolment',
        keys: [key],
        schema: enrolmentClaimSchema,
        maximumBytes: CLAIM_BYTES_MAXIMUM,
      });
      // A device that has replaced its key keeps the id that its first one gave it.
      const device = (await deviceByKey(db, verified.publicKey))?.id ?? (await deviceIdOf(Buffer.from(verified.publicKey, 'base64url')));
      const result = await admit(device, secret, verified, ports);
      events.publish({ type: 'device', id: device, atMs: clock.nowMs(), detail: { enrolled: true } });
      return { device, ...result };
    },
    async nonce() {
      const document = { nonce: nonces.make(), nowMs: clock.nowMs(), fleetId: keyring.fleetId };
      return { signed: await signDocument(keyring.signer, 'time', document) };
    },
    async login(claimJws) {
      const claimed = readDeviceOf(claimJws);
      const row = await deviceById(db, claimed);
      // The same answer for unknown, revoked and wrongly signed: nobody learns which devices exist.
      if (row === undefined || row.status === 'revoked') throw loginRefused();
      const key = await keyOf(row.publicKey);
      const claim = await verifyDocument(claimJws, {
        kind: 'device-login',
        keys: [key],
        schema: deviceLoginClaimSchema,
        maximumBytes: CLAIM_BYTES_MAXIMUM,
      }).catch(() => {
        throw loginRefused();
      });
      // Attack: replay. A nonce counts once, for a short time, and only in this fleet.
      const isFresh = await nonces.take(claim.nonce);
      if (claim.device !== row.id || claim.audience !== keyring.fleetId || !isFresh) throw loginRefused();
      if (row.status === 'pending') {
        throw new StarlingError('approval-pending', 'an operator has to approve this device first', {
          retryable: true,
          hint: `starling device approve ${row.id}`,
        });
      }
      const password = Buffer.from(ids.bytes(24)).toString('base64url');
      const expiresAtMs = clock.nowMs() + BROKER_LOGIN_MS;
      if (claim.capabilities !== undefined) await refreshCapabilities(row.id, claim.capabilities, ports);
      const isTaken = await insertBrokerLogin(db, { device: row.id, passwordDigest: secretDigest(password), expiresAtMs }, row.publicKey);
      if (!isTaken) throw loginRefused();
      await provision(row.id, password);
      return { device: row.id, password, expiresAtMs };
    },
    rekey: (claimJws, proofJws) => rekeyDevice(claimJws, proofJws, { db, clock, fleetId: keyring.fleetId, takeNonce: nonces.take }),
    async checkPassword(device, password) {
      const digest = secretDigest(password);
      const memory = `${device}:${digest}`;
      const nowMs = clock.nowMs();
      if ((refused.get(memory) ?? 0) > nowMs) return false;
      const good = ((await passwords.add(device, null)) ?? []).some((valid) => sameDigest(valid, digest));
      if (good) return true;
      if (refused.size > MEMORY_ENTRIES) refused.clear();
      refused.set(memory, nowMs + REFUSAL_MEMORY_MS);
      return false;
    },
    onLogin(admit) {
      provision = admit;
    },
  };
}

async function refreshCapabilities(device: string, capabilities: Capabilities, { db, matchProfile }: AccessPorts): Promise<void> {
  const match = matchProfile(capabilities);
  await writeCapabilities(db, device, capabilities, match.profile, match.reason);
}

/** One transaction takes the use and makes the device: a failure after taking gives it back. */
async function admit(
  device: string,
  secret: string,
  claim: EnrolmentClaim,
  { db, clock, matchProfile }: AccessPorts,
): Promise<{ status: 'active' | 'pending'; release: string | null }> {
  return db.transaction(async (tx) => {
    const token = await claimTokenById(tx, claim.tokenId);
    if (token === undefined || !sameDigest(token.secretDigest, secretDigest(secret)))
      throw tokenRefused('this fleet does not know it', 'is it whole, and of this fleet?');
    const known = await deviceById(tx, device);
    if (known?.status === 'revoked')
      throw new StarlingError('device-revoked', 'this device was revoked', { hint: 'wipe its data directory to enrol it with a new key' });
    // An agent that lost the answer asks again with the same key: that costs no second use.
    if (known !== undefined) return { status: known.status === 'pending' ? 'pending' : 'active', release: token.release };
    const nowMs = clock.nowMs();
    if (!(await takeClaimTokenUse(tx, token.id, nowMs))) {
      if (token.revokedAtMs !== null) throw tokenRefused('it was revoked', MAKE_ANOTHER);
      if (token.expiresAtMs <= nowMs) throw tokenRefused(`it expired at ${utcSecond(token.expiresAtMs)}`, MAKE_ANOTHER);
      throw tokenRefused('it has been used up', MAKE_ANOTHER);
    }
    const match = matchProfile(claim.capabilities);
    const status = token.requireApproval ? 'pending' : 'active';
    await insertDevice(tx, {
      id: device,
      publicKey: claim.publicKey,
      machineIdDigest: claim.machineIdDigest,
      name: claim.hostName === '' ? device.slice(0, 8) : claim.hostName,
      labels: token.labels,
      status,
      capabilities: claim.capabilities,
      profile: match.profile,
      profileReason: match.reason,
      agentVersion: claim.agentVersion,
      claimTokenId: token.id,
      enrolledAtMs: nowMs,
    });
    const actor: Pick<Actor, 'name'> = { name: `device ${device}` };
    await appendAudit(tx, clock, actor, 'device.enrol', device, { claimToken: token.id, status, profile: match.profile });
    return { status, release: token.release };
  });
}

export async function approveDevice(ports: Pick<AccessPorts, 'db' | 'clock'>, device: string, actor: Actor): Promise<boolean> {
  return ports.db.transaction(async (tx) => {
    const row = await deviceById(tx, device);
    if (row?.status !== 'pending') return false;
    await updateDevice(tx, device, { status: 'active' });
    await appendAudit(tx, ports.clock, actor, 'device.approve', device);
    return true;
  });
}

async function keyOf(publicKey: string): Promise<PublicKey> {
  return { kty: 'OKP', crv: 'Ed25519', x: publicKey, kid: await keyIdOf({ x: publicKey }) };
}

/** Read before it is verified, only to learn which key it must be verified with. */
async function readClaim(jws: string): Promise<EnrolmentClaim> {
  const parsed = enrolmentClaimSchema.safeParse(payloadOf(jws));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new StarlingError('invalid-claim', `the enrolment claim is not valid: ${issue?.message ?? ''}`, {
      field: `claim.${issue?.path.join('.') ?? ''}`,
    });
  }
  return parsed.data;
}

function readDeviceOf(jws: string): string {
  const parsed = deviceLoginClaimSchema.pick({ device: true }).safeParse(payloadOf(jws));
  if (!parsed.success) throw loginRefused();
  return parsed.data.device;
}

function payloadOf(jws: string): unknown {
  try {
    return JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** `2026-11-24 03:12:05 UTC` */
function utcSecond(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function tokenRefused(why: string, hint: string): StarlingError {
  return new StarlingError('claim-token-refused', `the claim token cannot be used: ${why}`, { field: 'tokenId', hint });
}

function loginRefused(): StarlingError {
  return new StarlingError('login-refused', 'the device login is refused', {
    field: 'claim',
    hint: 'enrol the device, or check that it was not revoked',
  });
}
