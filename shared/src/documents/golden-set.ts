import { z } from 'zod';
import { StarlingError } from '../errors.ts';
import { type TensorElementType, tensorElementTypeSchema, wholeRangeSchema } from './model-version.ts';

export const goldenInputSpecSchema = z.object({
  seed: z.number().int().nonnegative(),
  elementType: tensorElementTypeSchema,
  shape: z.array(z.number().int().positive()).max(8),
  range: wholeRangeSchema.optional().meta({ description: 'Both ends of whole numbers, such as ids that an embedding knows' }),
});
export type GoldenInputSpec = z.infer<typeof goldenInputSpecSchema>;

/**
 * Inputs by seed and expected outputs by sample, so that a device can tell whether an artefact computes there what it computed
 * where it was built. Inputs are not stored: `goldenInput` makes them again.
 */
export const goldenSetSchema = z
  .object({
    schemaVersion: z.literal(1),
    inputs: z.record(z.string(), goldenInputSpecSchema),
    outputs: z.record(
      z.string(),
      z.object({
        shape: z.array(z.number().int().positive()).max(8),
        /** Every `stride`-th value of the flattened output, from the first on. */
        stride: z.number().int().positive(),
        samples: z.array(z.number()).max(4096),
      }),
    ),
    /** Largest difference allowed, as a share of the largest expected magnitude. */
    tolerance: z.number().positive(),
  })
  .meta({ id: 'GoldenSet', title: 'Golden set' });
export type GoldenSet = z.infer<typeof goldenSetSchema>;

/**
 * Fills golden inputs: uniform in [-1, 1) by mulberry32, the same on every runtime.
 * @param length number of elements
 */
export function goldenInput(seed: number, length: number): Float32Array<ArrayBuffer> {
  const next = mulberry32(seed);
  return fill(new Float32Array(length), () => next() / 2147483648 - 1);
}

type GoldenData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>;

/**
 * A golden input of any element type, the same on every runtime: floats in [-1, 1), whole numbers in their range, truth values by a bit.
 * float16 comes as its bits.
 * @throws StarlingError `golden-unsupported` for strings
 */
export function goldenTensor({ seed, elementType, shape, range }: GoldenInputSpec): GoldenData {
  const length = shape.reduce((product, side) => product * side, 1);
  const next = mulberry32(seed);
  const unit = (): number => next() / 2147483648 - 1;
  const whole = (least: number, most: number): (() => number) => {
    const { minimum, maximum } = range ?? { minimum: least, maximum: most };
    return () => minimum + Math.floor((next() / 4294967296) * (maximum - minimum + 1));
  };
  const wholeBig = (): (() => bigint) => {
    const number = whole(0, 1);
    return () => BigInt(number());
  };
  switch (elementType) {
    case 'float32':
      return fill(new Float32Array(length), unit);
    case 'float64':
      return fill(new Float64Array(length), unit);
    case 'float16':
      return fill(new Uint16Array(length), () => float16Bits(unit()));
    case 'int8':
      return fill(new Int8Array(length), whole(-128, 127));
    case 'uint8':
      return fill(new Uint8Array(length), whole(0, 255));
    case 'int16':
      return fill(new Int16Array(length), whole(0, 1));
    case 'uint16':
      return fill(new Uint16Array(length), whole(0, 1));
    case 'int32':
      return fill(new Int32Array(length), whole(0, 1));
    case 'uint32':
      return fill(new Uint32Array(length), whole(0, 1));
    case 'int64':
      return fill(new BigInt64Array(length), wholeBig());
    case 'uint64':
      return fill(new BigUint64Array(length), wholeBig());
    case 'bool':
      return fill(new Uint8Array(length), () => next() >>> 31);
    case 'string':
      throw new StarlingError('golden-unsupported', 'golden inputs of strings cannot be made');
  }
}

/** Values as numbers; float16 is read from its bits. */
export function goldenNumbers(elementType: TensorElementType, data: ArrayLike<number | bigint>): ArrayLike<number | bigint> {
  if (elementType !== 'float16' || !(data instanceof Uint16Array)) return data;
  return fill(new Float32Array(data.length), (index) => float16Value(data[index] ?? 0));
}

/** Largest distance of the samples to an output, as a share of the largest expected magnitude; Infinity if it holds a NaN. */
export function goldenError(expected: GoldenSet['outputs'][string], actual: ArrayLike<number | bigint>): number {
  let largestDifference = 0;
  let largestMagnitude = 0;
  for (const [index, sample] of expected.samples.entries()) {
    const value = Number(actual[index * expected.stride] ?? Number.NaN);
    if (!Number.isFinite(value) || !Number.isFinite(sample)) return Number.POSITIVE_INFINITY;
    largestDifference = Math.max(largestDifference, Math.abs(value - sample));
    largestMagnitude = Math.max(largestMagnitude, Math.abs(sample));
  }
  return largestMagnitude === 0 ? largestDifference : largestDifference / largestMagnitude;
}

/** Whole numbers from 0 up to 2 ** 32, by mulberry32. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

function fill<Values extends { [index: number]: Value; length: number }, Value>(values: Values, next: (index: number) => Value): Values {
  for (let index = 0; index < values.length; index += 1) values[index] = next(index);
  return values;
}

/** IEEE 754 half precision of a number, rounded to the nearest, ties to even. */
export function float16Bits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  // Below the normal numbers the step is fixed at 2 ** -24.
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude === 0 ? 2 ** -14 : magnitude)));
  const steps = roundToEven(magnitude / 2 ** (exponent - 10));
  // A mantissa that rounds up to 2048 carries into the exponent by itself.
  return sign | (exponent === -14 ? steps : ((exponent + 14) << 10) + steps);
}

/** The number that half precision bits stand for. */
export function float16Value(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
