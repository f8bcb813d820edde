import { createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';
import { keyIdOf, type PrivateKey, privateKeySchema } from '@starling/shared';

/** DER of a PKCS #8 Ed25519 key up to the 32 bytes of the key itself (RFC 8410, section 7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * The key of a simulated device. Made from a secret of the person who simulates, so that the next run has the same devices without
 * keeping ten thousand keys, and nobody else can speak as one.
 */
export async function deviceKeyOf(secret: string, place: number): Promise<PrivateKey> {
  const seed = Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'hex'), '', `starling simulated device ${place}`, 32));
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return privateKeySchema.parse({ kty: 'OKP', crv: 'Ed25519', x, d: seed.toString('base64url'), kid: await keyIdOf({ x: String(x) }) });
}
