import { type Audio, detectionSchema, formatPortType, type PortType, type TensorElementType } from '@starling/shared';
import { z } from 'zod';
import type { Tensor } from '../ports/engine.ts';

const point = z.tuple([z.number(), z.number()]);
const boxSchema = z.object({ quad: z.tuple([point, point, point, point]), score: z.number() });
const textSchema = z.object({ text: z.string(), confidence: z.number() });

/** What holds the elements of a tensor; half precision travels as its bits. */
const arraysOf: { readonly [Type in TensorElementType]: readonly string[] } = {
  float32: ['Float32Array'],
  float16: ['Uint16Array'],
  float64: ['Float64Array'],
  int8: ['Int8Array'],
  uint8: ['Uint8Array'],
  int16: ['Int16Array'],
  uint16: ['Uint16Array'],
  int32: ['Int32Array'],
  uint32: ['Uint32Array'],
  int64: ['BigInt64Array'],
  uint64: ['BigUint64Array'],
  bool: ['Uint8Array'],
  // Strings have no array that a script could give.
  string: [],
};

/** Why a value is not of a type of ports, in words that follow "expected TYPE, got"; undefined if it is. */
export function valueMismatch(value: unknown, type: PortType): string | undefined {
  switch (type.kind) {
    case 'any':
    case 'variable':
      return undefined;
    case 'json':
      return isPlain(value) ? undefined : nameOf(value);
    case 'text':
      return bySchema(textSchema, value);
    case 'detections':
      return bySchema(z.array(detectionSchema), value);
    case 'boxes':
      return bySchema(z.array(boxSchema), value);
    case 'encoded-image':
      return value instanceof Uint8Array ? undefined : nameOf(value);
    case 'image':
      return imageMismatch(value);
    case 'audio':
      return audioMismatch(value);
    case 'tensor':
      return tensorMismatch(value, type);
    case 'list':
      return listMismatch(value, type.item);
  }
}

/** What a value is, for a person. */
export function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name} of ${value.byteLength} bytes`;
  if (typeof value !== 'object') return `${typeof value} ${JSON.stringify(value)?.slice(0, 40) ?? ''}`.trim();
  if (isTensorLike(value)) return formatPortType({ kind: 'tensor', elementType: String(value.elementType), shape: [...value.shape] });
  return `an object with ${Object.keys(value).slice(0, 8).join(', ') || 'nothing'}`;
}

function bySchema(schema: z.ZodType, value: unknown): string | undefined {
  const issue = schema.safeParse(value).error?.issues[0];
  if (issue === undefined) return undefined;
  const at = issue.path.length === 0 ? '' : ` with a wrong ${issue.path.join('.')} (${issue.message})`;
  return `${nameOf(value)}${at}`;
}

function isPlain(value: unknown): boolean {
  return !ArrayBuffer.isView(value) && !(Array.isArray(value) && value.some(ArrayBuffer.isView)) && !holdsView(value);
}

function holdsView(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).some((part) => ArrayBuffer.isView(part));
}

function imageMismatch(value: unknown): string | undefined {
  const { width, height, data } = fieldsOf(value);
  if (!isLength(width) || !isLength(height) || !(data instanceof Uint8Array)) return nameOf(value);
  const bytes = width * height * 3;
  return data.length === bytes ? undefined : `${width} x ${height} pixels with ${data.length} bytes instead of ${bytes}`;
}

function audioMismatch(value: unknown): string | undefined {
  const { sampleRateHz, channels, samples } = fieldsOf(value) as Partial<Record<keyof Audio, unknown>>;
  if (!isLength(sampleRateHz) || !isLength(channels) || !(samples instanceof Float32Array)) return nameOf(value);
  return samples.length % channels === 0 ? undefined : `${samples.length} samples, which ${channels} channels do not divide`;
}

function tensorMismatch(value: unknown, type: Extract<PortType, { kind: 'tensor' }>): string | undefined {
  if (!isTensorLike(value)) return nameOf(value);
  const { elementType, shape, data } = value;
  if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0)) return `a tensor of the shape ${JSON.stringify(shape)}`;
  const fits =
    elementType === type.elementType &&
    shape.length === type.shape.length &&
    shape.every((length, axis) => typeof type.shape[axis] === 'string' || type.shape[axis] === length);
  if (!fits) return nameOf(value);
  if (!arraysOf[elementType].includes(data[Symbol.toStringTag])) return `${nameOf(value)} in a ${data[Symbol.toStringTag]}`;
  const count = shape.reduce((product, length) => product * length, 1);
  return data.length === count ? undefined : `${nameOf(value)} with ${data.length} elements instead of ${count}`;
}

function listMismatch(value: unknown, item: PortType): string | undefined {
  if (!Array.isArray(value)) return nameOf(value);
  for (const [index, each] of value.entries()) {
    const mismatch = valueMismatch(each, item);
    if (mismatch !== undefined) return `a list with ${mismatch} at ${index}`;
  }
  return undefined;
}

function isTensorLike(value: unknown): value is Tensor {
  const { elementType, shape, data } = fieldsOf(value);
  return typeof elementType === 'string' && Array.isArray(shape) && ArrayBuffer.isView(data);
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isLength(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
