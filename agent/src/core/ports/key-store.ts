import type { Signer } from '@starling/shared';

/** The key of this device. It never leaves its store. */
export interface DeviceKey {
  device: string;
  /** Raw Ed25519 public key, base64url. */
  readonly publicKey: string;
  readonly signer: Signer;
  /** Absent where keys cannot be replaced. */
  rotation?: KeyRotation;
}

/** One key in the place of another. The id of the device stays: it names it by its first key. */
export interface KeyRotation {
  /** The key that is to follow, on disk before anybody hears of it: one that was made before and is not in force yet, or a new one. */
  prepare(): Promise<Pick<DeviceKey, 'publicKey' | 'signer'>>;
  /** One that was prepared and is not in force yet. */
  pending(): Promise<Pick<DeviceKey, 'publicKey' | 'signer'> | undefined>;
  /** From now on the prepared key is the key of this device; the other is deleted. */
  commit(): Promise<void>;
}
