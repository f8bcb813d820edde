import {
  type Capabilities,
  type DeviceLogin,
  deviceLoginResponseSchema,
  nonceResponseSchema,
  nonceSchema,
  parseWith,
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
  const { signed, rootVersion } = parseWith(nonceResponseSchema, await access.post('/device-access/nonce', { device: key.device }));
  if (rootVersion > trust.root().version) await walkRoots(access, trust);
  const nonce = await verifyDocument(signed, { kind: 'time', keys: trust.root().keys.fleet, schema: nonceSchema, maximumBytes: 4096 });
  await trust.setTime(nonce.nowMs);
  const claim = await signDocument(key.signer, 'device-login', {
    device: key.device,
    nonce: nonce.nonce,
    audience: trust.root().fleetId,
    capabilities,
  });
  return parseWith(deviceLoginResponseSchema, await access.post('/device-access/login', { claim }));
}
