import { StarlingError } from '@starling/shared';

/** Databases take nesting up to some depth; what devices have to say is never near it. */
const DEPTH_MAXIMUM = 32;

/**
 * What a device sent, as a database can hold it: no NUL and no half of a surrogate pair in texts and keys (Postgres refuses both in
 * `text` and `jsonb`), and only what JSON knows. A device whose log line holds such a byte must not lose its telemetry over it.
 * @throws StarlingError `too-deep`
 */
export function storable<Value>(value: Value): Value {
  return clean(value, 0) as Value;
}

function clean(value: unknown, depth: number): unknown {
  if (depth > DEPTH_MAXIMUM) throw new StarlingError('too-deep', `nested deeper than ${DEPTH_MAXIMUM} levels`);
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map((each) => clean(each, depth + 1));
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [cleanText(key), clean(each, depth + 1)]));
}

function cleanText(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}
