import { z } from 'zod';
import { StarlingError } from './errors.ts';

/** SHA-256 in bare lower-case hex: the name of a chunk, a blob or a signed document. */
export const digestSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'a digest has 64 lower-case hexadecimal digits')
  .meta({ description: 'SHA-256, 64 lower-case hexadecimal digits' });
export type Digest = z.infer<typeof digestSchema>;

/** SHA-256 by the runtime's own implementation: off the main thread in Node and in browsers. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  // Browsers' types admit only views of an ArrayBuffer, and no caller hands over shared memory.
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}

export async function sha256Hex(bytes: Uint8Array): Promise<Digest> {
  return bytesToHex(await sha256(bytes));
}

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hex, two digits a byte. */
export function bytesToHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += hexOfByte[byte];
  return text;
}

/**
 * @param hex an even number of hexadecimal digits
 * @throws StarlingError `invalid-hex`
 */
export function hexToBytes(hex: string): Uint8Array<ArrayBuffer> {
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex))
    throw new StarlingError('invalid-hex', 'not an even number of hexadecimal digits');
  const bytes = new Uint8Array(hex.length / 2);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16);
  return bytes;
}
