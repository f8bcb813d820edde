import { StarlingError } from '../errors.ts';

/**
 * Values of ports as plain data that CBOR carries, and back, exactly: arrays of numbers keep their kind, and nothing is rounded or left out.
 * An object with the key `$` says what it stands for.
 */
const TAG = '$';

/** How deep lists and objects may stand in each other. Attack: a message that overflows the stack of whoever reads it. */
const DEPTH_MAXIMUM = 64;

const arrayKinds = {
  i8: Int8Array,
  u8c: Uint8ClampedArray,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
} as const;
type ArrayKind = keyof typeof arrayKinds;

/** @throws StarlingError `not-encodable` for what is no plain data */
export function encodePortValue(value: unknown, depth = 0): unknown {
  if (depth > DEPTH_MAXIMUM) throw notEncodable('it is nested too deeply');
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Object.is(value, -0) ? { [TAG]: 'number', v: '-0' } : value;
    case 'bigint':
      return { [TAG]: 'bigint', v: String(value) };
    case 'undefined':
      return { [TAG]: 'undefined' };
    case 'object':
      return encodeObject(value, depth);
    default:
      throw notEncodable(`a ${typeof value} stays where it is`);
  }
}

function encodeObject(value: object | null, depth: number): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map((each) => encodePortValue(each, depth + 1));
  if (ArrayBuffer.isView(value)) return encodeArray(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notEncodable('it is no plain data');
  const plain: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) if (each !== undefined) plain[key] = encodePortValue(each, depth + 1);
  return Object.hasOwn(plain, TAG) ? { [TAG]: 'object', v: plain } : plain;
}

function encodeArray(view: ArrayBufferView): unknown {
  // Copied: what lies in memory that threads share may change under whoever encodes it.
  const bytes = new Uint8Array(view.byteLength);
  bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  if (view instanceof Uint8Array) return bytes;
  const kind = (Object.keys(arrayKinds) as ArrayKind[]).find((each) => view instanceof arrayKinds[each]);
  if (kind === undefined) throw notEncodable('of this kind of array nothing is known');
  return { [TAG]: kind, v: bytes };
}

/** @throws StarlingError `invalid-message` for what {@link encodePortValue} does not make */
export function decodePortValue(value: unknown, depth = 0): unknown {
  if (depth > 2 * DEPTH_MAXIMUM) throw invalid('it is nested too deeply');
  if (Array.isArray(value)) return value.map((each) => decodePortValue(each, depth + 1));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Object.hasOwn(value, TAG)) return decodeTagged(value as Record<string, unknown>, depth);
  return decodeFields(value, depth);
}

function decodeFields(value: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, decodePortValue(each, depth + 1)]));
}

function decodeTagged({ [TAG]: kind, v }: Record<string, unknown>, depth: number): unknown {
  if (kind === 'undefined') return undefined;
  if (kind === 'number' && v === '-0') return -0;
  if (kind === 'bigint' && typeof v === 'string' && /^-?\d{1,100}$/.test(v)) return BigInt(v);
  if (kind === 'object' && typeof v === 'object' && v !== null && !Array.isArray(v)) return decodeFields(v, depth);
  if (typeof kind === 'string' && Object.hasOwn(arrayKinds, kind) && v instanceof Uint8Array) {
    const makeArray = arrayKinds[kind as ArrayKind];
    if (v.byteLength % makeArray.BYTES_PER_ELEMENT !== 0) throw invalid(`${v.byteLength} bytes are no array of ${kind}`);
    // A copy: arrays of numbers start at multiples of their size, and what is read from a message lies anywhere.
    return new makeArray(v.slice().buffer);
  }
  throw invalid(`nothing is known of "${String(kind).slice(0, 32)}"`);
}

function notEncodable(reason: string): StarlingError {
  return new StarlingError('not-encodable', `a value cannot travel to another machine: ${reason}`, {
    hint: 'run what gives it and what takes it in one place',
  });
}

function invalid(reason: string): StarlingError {
  return new StarlingError('invalid-message', `a value was not understood: ${reason}`);
}
