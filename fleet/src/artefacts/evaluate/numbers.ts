import { StarlingError } from '@starling/shared';

/** Whose answer it is, for errors. */
export interface Origin {
  /** `source` or `artefact`. */
  side: string;
  sample: string;
}

/** The numbers of a prediction, flattened: a number, a list, a typed array, or a tensor; undefined for anything else. */
export function numbersOf(value: unknown): number[] | undefined {
  if (typeof value === 'number') return [value];
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as unknown as ArrayLike<number | bigint>, Number);
  if (typeof value === 'object' && value !== null && 'data' in value && ArrayBuffer.isView(value.data)) return numbersOf(value.data);
  if (!Array.isArray(value)) return undefined;
  const parts = value.map(numbersOf);
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}

export function requireNumbers(value: unknown, origin: Origin): number[] {
  const numbers = numbersOf(value);
  if (numbers === undefined || numbers.length === 0) {
    throw new StarlingError('prediction-unsuitable', `the ${origin.side} gives no numbers for "${origin.sample}"`, {
      field: `${origin.side}.${origin.sample}`,
      hint: 'choose an output of the model that is a tensor of numbers, or another metric',
    });
  }
  requireFinite(numbers, origin);
  return numbers;
}

export function requireFinite(numbers: readonly number[], { side, sample }: Origin): void {
  const bad = numbers.find((number) => !Number.isFinite(number));
  if (bad === undefined) return;
  throw new StarlingError('prediction-not-a-number', `the ${side} gives ${bad} for "${sample}"`, {
    field: `${side}.${sample}`,
    hint: side === 'source' ? 'check the sample and the model: its own answers must be numbers' : 'this artefact must not be used',
  });
}
