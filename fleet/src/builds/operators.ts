/** Operators that only a model has that was quantised before it was pushed. */
const QUANTISED =
  /^(com\.microsoft:)?(QuantizeLinear|DequantizeLinear|DynamicQuantizeLinear|QLinear\w+|ConvInteger|MatMulInteger|MatMulNBits|QGemm|QAttention|DynamicQuantize\w+)$/;

export function isQuantised(operators: readonly string[]): boolean {
  return operators.some((operator) => QUANTISED.test(operator));
}

/** Matrix products, which dynamic quantisation and int4 weights are about. */
export function hasProducts(operators: readonly string[]): boolean {
  return operators.some((operator) => operator === 'MatMul' || operator === 'Gemm');
}
