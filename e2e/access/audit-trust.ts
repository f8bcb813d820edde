import { api, deviceIdSchema, generatePrivateKey, publicKeyOf, signDocument, signerOf } from '@starling/shared';
import type { Operator } from '../harness/operator.ts';
import type { ProtocolDevice } from '../harness/protocol-device.ts';
import type { Drive } from './audit-groups.ts';

type TrustChange = 'prepareFleetKey' | 'prepareAuthority' | 'deviceRekey';

/** What replaces keys and certificates. */
export function trustDrives(call: Operator['client']['call'], device: () => ProtocolDevice): Record<TrustChange, Drive> {
  return {
    prepareFleetKey: {
      action: 'fleet-key.prepare',
      run: async () => (await call(api.prepareFleetKey, { body: {} })).key.kid,
    },
    prepareAuthority: {
      action: 'authority.prepare',
      run: async () => (await call(api.prepareAuthority, { body: {} })).digest,
    },
    deviceRekey: {
      action: 'device.rekey',
      who: () => `device ${device().id}`,
      run: async () => {
        const { id, key, nonce } = device();
        const { nonce: fresh, fleetId } = await nonce();
        const next = await generatePrivateKey();
        const sign = async (by: typeof key) =>
          signDocument(await signerOf(by), 'device-rekey', { device: id, nonce: fresh, audience: fleetId, publicKey: publicKeyOf(next).x });
        const body = { claim: await sign(key), proof: await sign(next) };
        const answer = await call(api.deviceRekey, { body });
        // Later lines log in.
        Object.assign(key, next);
        return deviceIdSchema.parse(answer.device);
      },
    },
  };
}

/** Accounts of people's own MQTT tools. */
export function accountDrives(call: Operator['client']['call']): Record<'createOperatorAccount' | 'revokeOperatorAccount', Drive> {
  return {
    createOperatorAccount: {
      action: 'operator-account.create',
      run: async () => (await call(api.createOperatorAccount, { body: { name: 'line-4' } })).account.name,
    },
    revokeOperatorAccount: {
      action: 'operator-account.revoke',
      run: async () => {
        await call(api.revokeOperatorAccount, { params: { name: 'line-4' } });
        return 'line-4';
      },
    },
  };
}
