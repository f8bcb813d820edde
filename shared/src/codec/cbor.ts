import { decode, encode } from 'cborg';
import type { z } from 'zod';
import { messageOf, StarlingError } from '../errors.ts';
import { KnownTextTokenizer } from './known-texts.ts';

/** Encodes plain data as CBOR (RFC 8949). `undefined` fields are left out, as JSON does. */
export function cborEncode(value: unknown): Uint8Array {
  return encode(value, { ignoreUndefinedProperties: true });
}

const DECODE_OPTIONS = { allowIndefinite: false, rejectDuplicateMapKeys: true };

/**
 * Decodes CBOR and checks it.
 * @throws StarlingError `invalid-cbor` if the bytes are no CBOR, `invalid-message` if the schema refuses the value
 */
export function cborDecode<Schema extends z.ZodType>(bytes: Uint8Array, schema: Schema): z.infer<Schema> {
  let value: unknown;
  try {
    // Of a plain array: what is cut out of a Buffer would be a view that keeps the whole message.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    value = decode(plain, { ...DECODE_OPTIONS, tokenizer: new KnownTextTokenizer(plain, DECODE_OPTIONS) });
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
  const { field, message } = firstProblemOf(parsed.error);
  throw new StarlingError('invalid-message', field === '' ? message : `${field}: ${message}`, { field, cause: parsed.error });
}

/**
 * The first thing that is wrong, as exactly as it can be said: inside a union that of the alternative that fits best, and what is wrong
 * with a key rather than that it is.
 */
export function firstProblemOf(error: z.ZodError): { field: string; message: string } {
  const [first] = error.issues;
  if (first === undefined) return { field: '', message: 'invalid' };
  const { path, message } = deepest(first, []);
  return { field: path.join('.'), message };
}

/** All that is wrong with it, each with its path with dots between; of several at one path the first. */
export function problemsByField(error: z.ZodError): Map<string, string> {
  const found = new Map<string, string>();
  for (const issue of error.issues) {
    const { path, message } = deepest(issue, []);
    const field = path.join('.');
    if (!found.has(field)) found.set(field, message);
  }
  return found;
}

type Issue = z.core.$ZodIssue;

function deepest(issue: Issue, above: readonly PropertyKey[]): { path: string[]; message: string } {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // Fewest complaints, and those furthest inside: what was most likely meant.
    const [best] = [...issue.errors].sort((a, b) => a.length - b.length || depthOf(b) - depthOf(a));
    if (best?.[0] !== undefined) return deepest(best[0], path);
  }
  if (issue.code === 'invalid_key' && issue.issues[0] !== undefined) return { path: path.map(String), message: issue.issues[0].message };
  if (issue.code === 'invalid_element' && issue.issues[0] !== undefined) return deepest(issue.issues[0], path);
  return { path: path.map(String), message: issue.message };
}

function depthOf(issues: readonly Issue[]): number {
  return Math.max(0, ...issues.map(({ path }) => path.length));
}
