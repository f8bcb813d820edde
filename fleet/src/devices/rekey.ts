import { deviceRekeyClaimSchema, keyIdOf, type PublicKey, StarlingError, verifyDocument } from '@starling/shared';
import type { z } from 'zod';
import { appendAudit } from '../audit/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import { deleteBrokerLogins, deviceById, deviceByKey, replaceDeviceKey } from './store.ts';

export interface RekeyPorts {
  db: Database;
  clock: Clock;
  fleetId: string;
  /** Counts a nonce, once. @returns whether it was good */
  takeNonce(nonce: string): Promise<boolean>;
}

const CLAIM_BYTES_MAXIMUM = 4096;

/**
 * Binds a device to another key. Its id stays: releases, telemetry, labels and audit hang on that, and it names the device by its first key.
 * @param claim signed by the key of now
 * @param proof the same, signed by the key that is to follow: whoever cannot use that may not leave it behind
 * @throws StarlingError `login-refused`, the same for whatever is wrong
 */
export async function rekeyDevice(
  claim: string,
  proof: string,
  { db, clock, fleetId, takeNonce }: RekeyPorts,
): Promise<{ device: string }> {
  const asked = deviceRekeyClaimSchema.safeParse(payloadOf(claim)).data;
  const row = asked === undefined ? undefined : await deviceById(db, asked.device);
  if (asked === undefined || row?.status !== 'active') throw refused();
  const expected = { kind: 'device-rekey', schema: deviceRekeyClaimSchema, maximumBytes: CLAIM_BYTES_MAXIMUM } as const;
  const verified: z.infer<typeof deviceRekeyClaimSchema>[] = [];
  try {
    verified.push(await verifyDocument(claim, { ...expected, keys: [await publicKeyOf(row.publicKey)] }));
    verified.push(await verifyDocument(proof, { ...expected, keys: [await publicKeyOf(asked.publicKey)] }));
  } catch {
    throw refused();
  }
  // Attack: replay, of either, or one of another fleet.
  if (!(await takeNonce(asked.nonce))) throw refused();
  for (const each of verified) {
    const isSame = each.device === row.id && each.nonce === asked.nonce && each.publicKey === asked.publicKey && each.audience === fleetId;
    if (!isSame) throw refused();
  }
  await db.transaction(async (tx) => {
    // Attack: take over the key of another device, to be taken for it.
    if ((await deviceByKey(tx, asked.publicKey)) !== undefined) throw refused();
    if (!(await replaceDeviceKey(tx, row.id, row.publicKey, asked.publicKey))) throw refused();
    // Whoever has the old key may have made themselves a password with it.
    await deleteBrokerLogins(tx, row.id);
    await appendAudit(tx, clock, { name: `device ${row.id}` }, 'device.rekey', row.id, { before: row.publicKey, now: asked.publicKey });
  });
  return { device: row.id };
}

/** Read before it is verified, only to learn which key it must be verified with. */
function payloadOf(jws: string): unknown {
  try {
    return JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

async function publicKeyOf(x: string): Promise<PublicKey> {
  return { kty: 'OKP', crv: 'Ed25519', x, kid: await keyIdOf({ x }) };
}

function refused(): StarlingError {
  return new StarlingError('login-refused', 'the key of the device is not replaced', {
    field: 'claim',
    hint: 'both keys sign one claim over a fresh nonce; the device has to be let in',
  });
}
