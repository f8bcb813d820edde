/** Probability that a standard normal variable is below a value; error below 2e-7 (Numerical Recipes, 2nd edition, `erfcc`). */
export function normalProbability(value: number): number {
  const distance = Math.abs(value) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * distance);
  const coefficients = [
    -1.265_512_23, 1.000_023_68, 0.374_091_96, 0.096_784_18, -0.186_288_06, 0.278_868_07, -1.135_203_98, 1.488_515_87, -0.822_152_23,
    0.170_872_77,
  ];
  const exponent = coefficients.reduceRight((sum, coefficient) => sum * t + coefficient, 0);
  const tail = (t * Math.exp(-distance * distance + exponent)) / 2;
  return value > 0 ? 1 - tail : tail;
}

const CENTRAL_FROM = 0.02425;

/** The value below which a standard normal variable lies with a probability; relative error below 2e-9 (Acklam's rational approximation). */
export function inverseNormal(probability: number): number {
  if (probability <= 0) return Number.NEGATIVE_INFINITY;
  if (probability >= 1) return Number.POSITIVE_INFINITY;
  if (probability > 1 - CENTRAL_FROM) return -inverseNormal(1 - probability);
  if (probability < CENTRAL_FROM) {
    const q = Math.sqrt(-2 * Math.log(probability));
    return (
      polynomial(
        [-7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783],
        q,
      ) / polynomial([7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1], q)
    );
  }
  const q = probability - 0.5;
  const square = q * q;
  const numerator = polynomial(
    [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239],
    square,
  );
  const denominator = polynomial(
    [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1],
    square,
  );
  return (q * numerator) / denominator;
}

/** Coefficients from the highest power down. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}
