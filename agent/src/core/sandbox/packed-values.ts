import type { TensorData } from '../ports/engine.ts';
import type { PackedValue } from '../ports/sandbox.ts';

/** A value of an edge in the form in which it crosses into a sandbox. Arrays are named, not copied. */
export function packValue(value: unknown): PackedValue {
  if (isNumbers(value)) return { kind: 'array', array: value };
  if (Array.isArray(value) && value.some(holdsNumbers)) return { kind: 'list', items: value.map(packValue) };
  const field = fieldWithNumbers(value);
  if (field === undefined) return { kind: 'json', text: JSON.stringify(value) ?? 'null' };
  const { [field]: array, ...rest } = value as Record<string, unknown>;
  return { kind: 'record', text: JSON.stringify(rest), field, array: array as TensorData };
}

/** The value again. @throws SyntaxError if a text is no JSON */
export function unpackValue(packed: PackedValue): unknown {
  switch (packed.kind) {
    case 'json':
      return JSON.parse(packed.text);
    case 'array':
      return packed.array;
    case 'record':
      return { ...(JSON.parse(packed.text) as object), [packed.field]: packed.array };
    case 'list':
      return packed.items.map(unpackValue);
  }
}

/** The arrays of a value, in the order in which they stand in it. */
export function arraysIn(packed: PackedValue): TensorData[] {
  if (packed.kind === 'list') return packed.items.flatMap(arraysIn);
  return packed.kind === 'json' ? [] : [packed.array];
}

const kinds = {
  ...{ Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array },
  ...{ BigInt64Array, BigUint64Array, Float32Array, Float64Array },
};

/**
 * The same numbers in memory of their own, and in an array of its plain kind: Node's `Buffer` is a `Uint8Array` whose memory belongs to
 * many, and whose `slice` copies nothing.
 */
export function copyOf(array: TensorData): TensorData & { buffer: ArrayBuffer } {
  const { buffer, byteOffset, byteLength } = array;
  const own = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  return new kinds[array[Symbol.toStringTag]](own) as TensorData & { buffer: ArrayBuffer };
}

function isNumbers(value: unknown): value is TensorData {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function holdsNumbers(value: unknown): boolean {
  return isNumbers(value) || (Array.isArray(value) ? value.some(holdsNumbers) : fieldWithNumbers(value) !== undefined);
}

function fieldWithNumbers(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  for (const field of ['data', 'samples']) {
    if (Object.hasOwn(value, field) && isNumbers((value as Record<string, unknown>)[field])) return field;
  }
  return undefined;
}
