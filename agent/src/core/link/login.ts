import {
  type Capabilities,
  type DeviceLogin,
  deviceLoginResponseSchema,
  isStarlingError,
  nonceResponseSchema,
  nonceSchema,
  parseWith,
  StarlingError,
  signDocument,
  verifyDocument,
} from '@starling/shared';
import type { FleetAccess } from '../ports/fleet-access.ts';
import type { DeviceKey } from '../ports/key-store.ts';
import { walkRoots } from './newest-root.ts';
import type { Trust } from './trust.ts';

/**
 * Trades a signed nonce for a broker password. The nonce comes with the fleet's signed time, so a device whose clock says 1970 can log
 * in, and learns what time it is.
 * @throws StarlingError of the fleet (`login-refused`, `approval-pending`), `unreachable`, or a trust error
 */
export async function logIn(
  access: FleetAccess,
  key: DeviceKey,
  trust: Trust,
  capabilities: Capabilities | undefined,
): Promise<DeviceLogin> {
  const by = async ({ signer }: Pick<DeviceKey, 'signer'>): Promise<DeviceLogin> => {
    const claim = await signDocument(signer, 'device-login', { ...(await freshClaim(access, key, trust)), capabilities });
    return parseWith(deviceLoginResponseSchema, await access.post('/device-access/login', { claim }));
  };
  try {
    return await by(key);
  } catch (error) {
    const next = isRefused(error) ? await key.rotation?.pending() : undefined;
    if (next === undefined) throw error;
    // The fleet took the new key, and its answer was lost, or a power cut came between.
    const login = await by(next);
    await key.rotation?.commit();
    return login;
  }
}

/**
 * Replaces the key of this device: both keys sign one claim over a nonce that counts once. A cut anywhere leaves a key that the fleet
 * knows: which of the two it is, the next login finds out.
 * @throws StarlingError `not-supported`, or of the fleet
 */
export async function replaceKey(access: FleetAccess, key: DeviceKey, trust: Trust): Promise<{ publicKey: string }> {
  const { rotation } = key;
  if (rotation === undefined)
    throw new StarlingError('not-supported', 'the key of this device cannot be replaced', { hint: 'enrol it again' });
  const next = await rotation.prepare();
  const claim = { ...(await freshClaim(access, key, trust)), publicKey: next.publicKey };
  const body = {
    claim: await signDocument(key.signer, 'device-rekey', claim),
    proof: await signDocument(next.signer, 'device-rekey', claim),
  };
  try {
    await access.post('/device-access/rekey', body);
  } catch (error) {
    if (!isRefused(error)) throw error;
    // It may be that an earlier try has come through.
    await logIn(access, key, trust, undefined);
    if ((await rotation.pending()) !== undefined) throw error;
    return { publicKey: key.publicKey };
  }
  await rotation.commit();
  return { publicKey: key.publicKey };
}

/** What a signature for the fleet is over: this device, a nonce that counts once, and this fleet. */
async function freshClaim(
  access: FleetAccess,
  { device }: DeviceKey,
  trust: Trust,
): Promise<{ device: string; nonce: string; audience: string }> {
  const { signed, rootVersion } = parseWith(nonceResponseSchema, await access.post('/device-access/nonce', { device }));
  if (rootVersion > trust.root().version) await walkRoots(access, trust);
  const { fleetId, keys } = trust.root();
  const nonce = await verifyDocument(signed, { kind: 'time', keys: keys.fleet, schema: nonceSchema, maximumBytes: 4096 });
  await trust.setTime(nonce.nowMs);
  return { device, nonce: nonce.nonce, audience: fleetId };
}

function isRefused(error: unknown): boolean {
  return isStarlingError(error) && error.code === 'login-refused';
}
