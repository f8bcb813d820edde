import { z } from 'zod';
import { sha256 } from './digest.ts';

const base32Alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 base32, lower case, no padding: safe as a topic segment, a host name and a file name. */
export function base32Encode(bytes: Uint8Array): string {
  let text = '';
  let pending = 0;
  let pendingBits = 0;
  for (const byte of bytes) {
    pending = (pending << 8) | byte;
    pendingBits += 8;
    while (pendingBits >= 5) {
      pendingBits -= 5;
      text += base32Alphabet[(pending >>> pendingBits) & 31];
    }
    pending &= (1 << pendingBits) - 1;
  }
  if (pendingBits > 0) text += base32Alphabet[(pending << (5 - pendingBits)) & 31];
  return text;
}

/** 26 characters: base32 of the first 16 bytes of SHA-256 of the device's raw Ed25519 public key. */
export const deviceIdSchema = z
  .string()
  .regex(/^[a-z2-7]{26}$/, 'a device id has 26 characters of a-z and 2-7')
  .meta({ description: 'Device id: base32 of the first 16 bytes of SHA-256 of the public key' });
export type DeviceId = z.infer<typeof deviceIdSchema>;

/**
 * The id that belongs to a device key.
 * @param publicKey raw Ed25519 public key, 32 bytes
 */
export async function deviceIdOf(publicKey: Uint8Array): Promise<DeviceId> {
  return base32Encode((await sha256(publicKey)).subarray(0, 16));
}

/** One level of an MQTT topic. Anything that does not fit travels in the payload. */
export const topicSegmentSchema = z.string().regex(/^[a-z0-9_-]{1,64}$/, 'use 1 to 64 of a-z, 0-9, _ and -');

/** Name of a model, pipeline, node or port owner: readable, and a legal topic segment. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'use 1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit');

/** Semantic version without build metadata, e.g. `1.4.0` or `2.0.0-rc.1`. */
export const versionSchema = z
  .string()
  .max(64)
  .regex(/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/, 'use a semantic version such as 1.0.0');

/** Random identifiers (command, stream, boot, tap): 128 bits as 26 base32 characters. */
export const randomIdSchema = z.string().regex(/^[a-z2-7]{26}$/, 'an id has 26 characters of a-z and 2-7');

/** A fresh 128-bit identifier. @param random source of random bytes, injected so that tests can repeat a run */
export function makeRandomId(random: (byteCount: number) => Uint8Array): string {
  return base32Encode(random(16));
}

/** Last millisecond that a `Date` can hold (ECMA-262, 21.4.1.1): anything later could not even be printed. */
const WALL_MS_MAXIMUM = 8_640_000_000_000_000;

/** Milliseconds since 1970-01-01T00:00:00Z. */
export const wallMsSchema = z
  .number()
  .int()
  .nonnegative()
  .max(WALL_MS_MAXIMUM)
  .meta({ description: 'Milliseconds since the Unix epoch, UTC' });
