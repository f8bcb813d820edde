/** The bits of small floating point formats <-> numbers. Rounding is to the nearest, ties to even, as IEEE 754 and NumPy do. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Largest finite float16. */
export const FLOAT16_MAXIMUM = 65_504;

export function float16ToNumber(half: number): number {
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Beyond the largest finite value it is infinite. */
export function numberToFloat16(value: number): number {
  float[0] = value;
  const all = bits[0] as number;
  const sign = (all >>> 16) & 0x8000;
  const magnitude = all & 0x7fff_ffff;
  if (magnitude > 0x7f80_0000) return sign | 0x7e00;
  if (magnitude >= 0x4780_0000) return sign | 0x7c00;
  if (magnitude >= 0x3880_0000) {
    // Adding the rounding may carry into the exponent, and from 65520 on into infinity: both are right.
    return sign | ((magnitude - 0x3800_0000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  if (magnitude < 0x3300_0000) return sign;
  const shift = 126 - (magnitude >>> 23);
  const significand = (magnitude & 0x7f_ffff) | 0x80_0000;
  const kept = significand >>> shift;
  const rest = significand & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
}

export function bfloat16ToNumber(half: number): number {
  bits[0] = half << 16;
  return float[0] as number;
}

export function numberToBfloat16(value: number): number {
  float[0] = value;
  const all = bits[0] as number;
  if ((all & 0x7fff_ffff) > 0x7f80_0000) return ((all >>> 16) & 0x8000) | 0x7fc0;
  return ((all + 0x7fff + ((all >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Layouts of the 8-bit formats, see https://onnx.ai/onnx/technical/float8.html */
const float8Formats = {
  float8e4m3fn: { fractionBits: 3, bias: 7, notNumber: (byte: number) => (byte & 0x7f) === 0x7f, infinite: false },
  float8e4m3fnuz: { fractionBits: 3, bias: 8, notNumber: (byte: number) => byte === 0x80, infinite: false },
  float8e5m2: { fractionBits: 2, bias: 15, notNumber: (byte: number) => (byte & 0x7f) > 0x7c, infinite: true },
  float8e5m2fnuz: { fractionBits: 2, bias: 16, notNumber: (byte: number) => byte === 0x80, infinite: false },
} as const;
export type Float8Format = keyof typeof float8Formats;

export function float8ToNumber(byte: number, format: Float8Format): number {
  const { fractionBits, bias, notNumber, infinite } = float8Formats[format];
  if (notNumber(byte)) return Number.NaN;
  const sign = byte & 0x80 ? -1 : 1;
  const exponent = (byte & 0x7f) >>> fractionBits;
  const fraction = (byte & ((1 << fractionBits) - 1)) / (1 << fractionBits);
  if (infinite && exponent === 31) return sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}
