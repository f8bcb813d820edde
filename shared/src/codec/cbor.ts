import { decode, encode } from 'cborg';
import type { z } from 'zod';
import { messageOf, StarlingError } from '../errors.ts';

/** Encodes plain data as CBOR (RFC 8949). `undefined` fields are left out, as JSON does. */
export function cborEncode(value: unknown): Uint8Array {
  return encode(value, { ignoreUndefinedProperties: true });
}

/**
 * Decodes CBOR and checks it.
 * @throws StarlingError `invalid-cbor` if the bytes are no CBOR, `invalid-message` if the schema refuses the value
 */
export function cborDecode<Schema extends z.ZodType>(bytes: Uint8Array, schema: Schema): z.infer<Schema> {
  let value: unknown;
  try {
    value = decode(bytes, { allowIndefinite: false, rejectDuplicateMapKeys: true });
  } catch (cause) {
    throw new StarlingError('invalid-cbor', `not CBOR: ${messageOf(cause)}`, { cause });
  }
  return parseWith(schema, value);
}

/**
 * Decodes JSON bytes or text and checks them.
 * @throws StarlingError `invalid-json` or `invalid-message`, with the first offending field
 */
export function jsonDecode<Schema extends z.ZodType>(input: Uint8Array | string, schema: Schema): z.infer<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(typeof input === 'string' ? input : new TextDecoder('utf-8', { fatal: true }).decode(input));
  } catch (cause) {
    throw new StarlingError('invalid-json', `not JSON: ${messageOf(cause)}`, { cause });
  }
  return parseWith(schema, value);
}

export function jsonEncode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Parses a value at a border. @throws StarlingError `invalid-message` that names the first offending field */
export function parseWith<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new StarlingError('invalid-message', field === '' ? (issue?.message ?? 'invalid') : `${field}: ${issue?.message}`, {
    field,
    cause: parsed.error,
  });
}
