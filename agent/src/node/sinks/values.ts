import { StarlingError } from '@starling/shared';
import type { RawImage } from '../../core/ports/image-codec.ts';

/** Text of one value as JSON. More is a mistake in the graph: a tensor of an image, say, where its classes were meant. */
const JSON_BYTES_MAXIMUM = 8 * 1024 * 1024;

type Encode = (image: RawImage) => Promise<Uint8Array>;

/**
 * A value of an edge as JSON: pictures as base64 with their type, tensors with shape and numbers, what JSON cannot say (NaN) as null.
 * @throws StarlingError `value-too-large`
 */
export async function jsonOf(value: unknown, encode: Encode): Promise<unknown> {
  if (isRaw(value)) return pictureJson(await encode(value));
  if (value instanceof Uint8Array) return pictureJson(value);
  if (ArrayBuffer.isView(value)) return numbersOf(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (Array.isArray(value)) return Promise.all(value.map((each) => jsonOf(each, encode)));
  if (typeof value !== 'object' || value === null) return value;
  const entries = await Promise.all(Object.entries(value).map(async ([name, each]) => [name, await jsonOf(each, encode)] as const));
  return Object.fromEntries(entries);
}

export async function jsonTextOf(value: unknown, encode: Encode): Promise<string> {
  const text = JSON.stringify((await jsonOf(value, encode)) ?? null);
  if (text.length <= JSON_BYTES_MAXIMUM) return text;
  throw new StarlingError('value-too-large', `the value has ${text.length} bytes as JSON, at most ${JSON_BYTES_MAXIMUM} are sent`, {
    hint: 'send what was made of it, such as classes, instead of pixels or tensors',
  });
}

/** A value as people read it: that of a text, a word or number as it is, everything else as JSON. */
export async function textOf(value: unknown, encode: Encode): Promise<string> {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string') return value.text;
  return jsonTextOf(value, encode);
}

/** The bytes of a picture. @throws StarlingError `not-an-image` */
export async function pictureOf(value: unknown, encode: Encode): Promise<Uint8Array> {
  if (value instanceof Uint8Array) return value;
  if (isRaw(value)) return encode(value);
  throw new StarlingError('not-an-image', `the sink was given ${Array.isArray(value) ? 'a list' : typeof value}, and no picture`, {
    hint: 'connect an image or encoded-image',
  });
}

function isRaw(value: unknown): value is RawImage {
  return (
    typeof value === 'object' &&
    value !== null &&
    'width' in value &&
    'height' in value &&
    'data' in value &&
    value.data instanceof Uint8Array
  );
}

function pictureJson(bytes: Uint8Array): { contentType: string; base64: string } {
  return {
    contentType: pictureType(bytes).contentType,
    base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
  };
}

/** What a file is, by its first bytes. */
export function pictureType(bytes: Uint8Array): { contentType: string; ending: string } {
  const starts = (...wanted: number[]): boolean => wanted.every((byte, index) => bytes[index] === byte);
  if (starts(0xff, 0xd8, 0xff)) return { contentType: 'image/jpeg', ending: 'jpg' };
  if (starts(0x89, 0x50, 0x4e, 0x47)) return { contentType: 'image/png', ending: 'png' };
  if (starts(0x52, 0x49, 0x46, 0x46) && bytes[8] === 0x57) return { contentType: 'image/webp', ending: 'webp' };
  if (starts(0x47, 0x49, 0x46)) return { contentType: 'image/gif', ending: 'gif' };
  return { contentType: 'application/octet-stream', ending: 'bin' };
}

function numbersOf(view: ArrayBufferView): unknown[] {
  const numbers = Array.from(view as unknown as ArrayLike<number | bigint>);
  return numbers.map((each) => (typeof each === 'bigint' ? Number(each) : Number.isFinite(each) ? each : null));
}

/**
 * Fills the fields of a topic: `{stream}`, `{value.class}`. What a value says cannot make levels or filters.
 * @throws StarlingError `missing-field` where the value has no such field
 */
export function fillTopic(template: string, fields: Readonly<Record<string, unknown>>): string {
  return template.replaceAll(/\{([A-Za-z_][A-Za-z0-9_.]*)\}/g, (_, path: string) => {
    let found: unknown = fields;
    for (const part of path.split('.')) {
      found =
        typeof found === 'object' && found !== null && Object.hasOwn(found, part) ? (found as Record<string, unknown>)[part] : undefined;
    }
    if (typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean') {
      return String(found).replaceAll('\u0000', '_').replaceAll(/[/+#]/g, '_') || '_';
    }
    throw new StarlingError('missing-field', `the value has no field "${path}" for the topic`, {
      field: 'topic',
      hint: `fields: ${Object.keys(fields).join(', ')}`,
    });
  });
}
