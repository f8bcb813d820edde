import type { Signer } from '@starling/shared';

/** The key of this device. It never leaves its store. */
export interface DeviceKey {
  device: string;
  /** Raw Ed25519 public key, base64url. */
  publicKey: string;
  signer: Signer;
}
