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

/** What is good already stays the same object: most of what comes is, and thousands of records come each second. */
function clean(value: unknown, depth: number): unknown {
  if (depth > DEPTH_MAXIMUM) throw new StarlingError('too-deep', `nested deeper than ${DEPTH_MAXIMUM} levels`);
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  return Array.isArray(value) ? cleanList(value, depth) : cleanFields(value as Readonly<Record<string, unknown>>, depth);
}

function cleanList(values: readonly unknown[], depth: number): readonly unknown[] {
  let cleaned: unknown[] | undefined;
  for (const [index, value] of values.entries()) {
    const after = clean(value, depth + 1);
    if (!Object.is(after, value)) cleaned ??= values.slice(0, index);
    cleaned?.push(after);
  }
  return cleaned ?? values;
}

function cleanFields(fields: Readonly<Record<string, unknown>>, depth: number): unknown {
  const keys = Object.keys(fields);
  let cleaned: [string, unknown][] | undefined;
  for (const [index, key] of keys.entries()) {
    const name = cleanText(key);
    const after = clean(fields[key], depth + 1);
    if (name !== key || !Object.is(after, fields[key])) cleaned ??= keys.slice(0, index).map((good) => [good, fields[good]]);
    cleaned?.push([name, after]);
  }
  return cleaned === undefined ? fields : Object.fromEntries(cleaned);
}

function cleanText(text: string): string {
  return text.isWellFormed() && !text.includes('\0') ? text : text.replaceAll('\0', '\ufffd').toWellFormed();
}
