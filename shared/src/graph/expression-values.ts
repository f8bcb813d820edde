import { EXPRESSION_TENSOR_ELEMENTS_MAXIMUM } from '../limits.ts';

/**
 * A value of an edge as expressions see it: what is plain stays as it is; a tensor is `{shape, elementType, values}` with the first
 * values alone, a picture `{width, height}`, sound `{sampleRateHz, channels, length}`, bytes `{length}`.
 */
export function presentValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (Array.isArray(value)) return value.some(needsPresenting) ? value.map(presentValue) : value;
  if (ArrayBuffer.isView(value)) return { length: value.byteLength };
  const fields = value as Record<string, unknown>;
  if (ArrayBuffer.isView(fields['data'])) {
    if ('shape' in fields && 'elementType' in fields) {
      return { shape: fields['shape'], elementType: fields['elementType'], values: firstNumbers(fields['data']) };
    }
    return { width: fields['width'], height: fields['height'] };
  }
  if (ArrayBuffer.isView(fields['samples'])) {
    const { sampleRateHz, channels, samples } = fields;
    return { sampleRateHz, channels, length: (samples as Float32Array).length / Math.max(1, Number(channels)) };
  }
  const entries = Object.entries(fields);
  return entries.some(([, item]) => needsPresenting(item))
    ? Object.fromEntries(entries.map(([key, item]) => [key, presentValue(item)]))
    : value;
}

/** Whether something inside is not plain: most values are, and are then not copied. */
function needsPresenting(value: unknown): boolean {
  if (typeof value === 'bigint' || value === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  if (ArrayBuffer.isView(value)) return true;
  return Array.isArray(value) ? value.some(needsPresenting) : Object.values(value).some(needsPresenting);
}

function firstNumbers(data: ArrayBufferView): number[] {
  const elements = data as unknown as ArrayLike<number | bigint>;
  const length = Math.min(elements.length, EXPRESSION_TENSOR_ELEMENTS_MAXIMUM);
  return Array.from({ length }, (_, index) => Number(elements[index]));
}
