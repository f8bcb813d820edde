import type { IntegerType } from './targets.ts';

/** value = scale (integer - zeroPoint) + residual */
export interface Parameters {
  scale: number;
  zeroPoint: number;
  /** What a shift leaves over because zero points are whole numbers; a product takes it into its bias. */
  residual: number;
}

export const limits: Readonly<Record<IntegerType, { low: number; high: number }>> = {
  uint8: { low: 0, high: 255 },
  int8: { low: -128, high: 127 },
};

/** Scales below are as good as 0; the product of two must still be a normal number of 32 bits. */
const SCALE_MINIMUM = 1e-18;
/** A value that was 0 in every sample: any scale does, and a small one keeps biases precise. */
const SCALE_OF_NOTHING = 1e-4;

export interface Wanted {
  type: IntegerType;
  symmetric: boolean;
  /** A length that shall be a whole number of steps. */
  grid?: number | undefined;
}

/** Parameters with which all of a range can be told, 0 exactly (Nagel et al. 2021, arXiv:2106.08295, equations 4 to 8). */
export function parametersFor(minimum: number, maximum: number, { type, symmetric, grid }: Wanted): Parameters {
  const { low, high } = limits[type];
  const [from, to] = [Math.min(minimum, 0), Math.max(maximum, 0)];
  const exact = symmetric ? Math.max(-from, to) / high : (to - from) / (high - low);
  let scale = exact === 0 ? SCALE_OF_NOTHING : Math.max(exact, SCALE_MINIMUM);
  if (grid !== undefined && grid > scale) scale = grid / Math.floor(grid / scale);
  scale = Math.fround(scale);
  if (symmetric) return { scale, zeroPoint: 0, residual: 0 };
  const zeroPoint = Math.min(high, Math.max(low, roundHalfEven(low - from / scale)));
  return { scale, zeroPoint, residual: 0 };
}

/** As NumPy, ONNX's QuantizeLinear and onnxruntime's quantiser round. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
