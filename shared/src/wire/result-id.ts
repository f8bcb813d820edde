import { z } from 'zod';
import { bytesToHex } from '../digest.ts';
import { StarlingError } from '../errors.ts';

/** Digits of the digest of a release that a result id carries: enough to tell the releases of one device apart. */
const RELEASE_DIGITS = 16;
const TIME_DIGITS = 12;
const RANDOM_BYTES = 10;

/**
 * Names one result wherever it goes: the device, the release that answered, when, and chance. Whoever learns later how it turned out
 * sends it back with the outcome, and nothing had to be kept for that.
 */
export const resultIdSchema = z
  .string()
  .regex(/^[a-z2-7]{26}-[0-9a-f]{16}-[0-9a-f]{12}-[0-9a-f]{20}$/, 'a result id is the "resultId" of a result, as it came')
  .meta({ description: 'Device, first 16 digits of the release, milliseconds since 1970 in hex, 80 random bits', examples: [exampleOf()] });
export type ResultId = z.infer<typeof resultIdSchema>;

function exampleOf(): string {
  return `${'a'.repeat(26)}-0123456789abcdef-018bcfe56800-0123456789abcdef0123`;
}

export interface ResultOrigin {
  device: string;
  /** First 16 digits of the digest of the release. */
  release: string;
  /** Milliseconds since 1970, by the clock of the device. */
  atMs: number;
}

/** @param random 10 random bytes */
export function makeResultId({ device, release, atMs }: ResultOrigin, random: (byteCount: number) => Uint8Array): ResultId {
  const time = Math.max(0, Math.round(atMs)).toString(16).padStart(TIME_DIGITS, '0').slice(-TIME_DIGITS);
  return `${device}-${release.slice(0, RELEASE_DIGITS)}-${time}-${bytesToHex(random(RANDOM_BYTES))}`;
}

/** @throws StarlingError `invalid-result-id` */
export function parseResultId(id: string): ResultOrigin {
  const parsed = resultIdSchema.safeParse(id);
  if (!parsed.success) throw new StarlingError('invalid-result-id', parsed.error.issues[0]?.message ?? 'invalid', { field: 'resultId' });
  const [device = '', release = '', time = ''] = id.split('-');
  return { device, release, atMs: Number.parseInt(time, 16) };
}
