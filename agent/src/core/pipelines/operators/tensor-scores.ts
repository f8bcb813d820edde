import { axisOf, type OperatorParams, reducedShape, tensorTypeOf } from '@starling/shared';
import type { Tensor } from '../../ports/engine.ts';
import type { OperatorContext } from './operator.ts';
import { allocate, type Elements, elementsIn, linesAlong, tensorOf, volumeOf, writerOf } from './tensor-data.ts';

type Inputs = Readonly<Record<string, unknown>>;

/** The largest logit of each line is subtracted first, so that no exponential overflows. */
export function softmaxTensor(inputs: Inputs, params: OperatorParams<'tensor.softmax'>, context: OperatorContext) {
  const tensor = tensorOf(inputs, 'tensor', tensorTypeOf(params.type));
  const logits = elementsIn(tensor) as ArrayLike<number>;
  const data = allocate(tensor.elementType, tensor.data.length, context);
  const write = writerOf(tensor.elementType, data);
  const { outer, length, inner } = linesAlong(tensor.shape, axisOf(params.axis, tensor.shape.length) as number);
  const powers = new Float64Array(length);
  for (let line = 0; line < outer * inner; line += 1) {
    const first = Math.floor(line / inner) * length * inner + (line % inner);
    let largest = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < length; at += 1) largest = Math.max(largest, logits[first + at * inner] as number);
    let sum = 0;
    for (let at = 0; at < length; at += 1) {
      const power = Math.exp((logits[first + at * inner] as number) - largest);
      powers[at] = power;
      sum += power;
    }
    for (let at = 0; at < length; at += 1) write(first + at * inner, (powers[at] as number) / sum);
  }
  return { tensor: { elementType: tensor.elementType, shape: tensor.shape, data } };
}

export function topKTensor(inputs: Inputs, params: OperatorParams<'tensor.top-k'>, context: OperatorContext) {
  const tensor = tensorOf(inputs, 'tensor', tensorTypeOf(params.type));
  const axis = axisOf(params.axis, tensor.shape.length) as number;
  const { outer, length, inner } = linesAlong(tensor.shape, axis);
  const count = Math.min(params.k, length);
  const shape = tensor.shape.map((side, at) => (at === axis ? count : side));
  const values = allocate(tensor.elementType, volumeOf(shape), context);
  const indices = new BigInt64Array(values.length);
  const elements = elementsIn(tensor);
  // The raw element is copied, so that half precision needs no second rounding.
  const [from, to] = [tensor.data as Float32Array, values as Float32Array];
  for (let line = 0; line < outer * inner; line += 1) {
    const [block, column] = [Math.floor(line / inner), line % inner];
    const best = bestOf(elements, block * length * inner + column, inner, length, count, params.largest);
    for (const [rank, index] of best.entries()) {
      const at = block * count * inner + rank * inner + column;
      to[at] = from[block * length * inner + index * inner + column] as number;
      indices[at] = BigInt(index);
    }
  }
  return {
    values: { elementType: tensor.elementType, shape, data: values },
    indices: { elementType: 'int64' as const, shape, data: indices },
  };
}

/** The best places of a line, best first: equal values keep their order, NaN goes last. */
function bestOf(elements: Elements, first: number, step: number, length: number, count: number, largest: boolean): Uint32Array {
  const isBetter = (a: number, b: number): boolean => {
    const [left, right] = [elements[first + a * step] as number | bigint, elements[first + b * step] as number | bigint];
    if (left === right || isNoNumber(left)) return false;
    return isNoNumber(right) || left > right === largest;
  };
  const best = new Uint32Array(count);
  // Few of many are wanted: each newcomer is compared with the last of the best, and mostly falls behind.
  for (let index = 0, known = 0; index < length; index += 1) {
    if (known === count && !isBetter(index, best[known - 1] as number)) continue;
    if (known < count) known += 1;
    let [low, high] = [0, known - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBetter(index, best[middle] as number)) high = middle;
      else low = middle + 1;
    }
    best.copyWithin(low + 1, low, known - 1);
    best[low] = index;
  }
  return best;
}

function isNoNumber(value: number | bigint): boolean {
  return typeof value === 'number' && Number.isNaN(value);
}

export function argmaxTensor(inputs: Inputs, params: OperatorParams<'tensor.argmax'>) {
  const tensor = tensorOf(inputs, 'tensor', tensorTypeOf(params.type));
  const axis = axisOf(params.axis, tensor.shape.length) as number;
  const { outer, length, inner } = linesAlong(tensor.shape, axis);
  const elements = elementsIn(tensor);
  const data = new BigInt64Array(length === 0 ? 0 : outer * inner);
  for (let line = 0; line < data.length; line += 1) {
    data[line] = BigInt(largestOf(elements, Math.floor(line / inner) * length * inner + (line % inner), inner, length));
  }
  return { indices: { elementType: 'int64' as const, shape: reducedShape(tensor.shape, axis, params.keepAxis), data } };
}

function largestOf(elements: Elements, first: number, step: number, length: number): number {
  let best = 0;
  for (let index = 1; index < length; index += 1) {
    const [value, leading] = [elements[first + index * step] as number | bigint, elements[first + best * step] as number | bigint];
    if (value > leading || (isNoNumber(leading) && !isNoNumber(value))) best = index;
  }
  return best;
}

export function thresholdTensor(inputs: Inputs, params: OperatorParams<'tensor.threshold'>, context: OperatorContext): { tensor: Tensor } {
  const tensor = tensorOf(inputs, 'tensor', tensorTypeOf(params.type));
  const { threshold, inclusive } = params;
  const elements = elementsIn(tensor);
  const mask = new Uint8Array(elements.length);
  for (let at = 0; at < mask.length; at += 1) {
    const value = elements[at] as number | bigint;
    if (value > threshold || (inclusive && value >= threshold)) mask[at] = 1;
  }
  if (params.give === 'mask') return { tensor: { elementType: 'bool', shape: tensor.shape, data: mask } };
  const data = allocate(tensor.elementType, elements.length, context);
  const write = writerOf(tensor.elementType, data);
  const [from, to] = [tensor.data as Float32Array, data as Float32Array];
  for (let at = 0; at < elements.length; at += 1) {
    if (mask[at] === 1) to[at] = from[at] as number;
    else write(at, params.fill);
  }
  return { tensor: { elementType: tensor.elementType, shape: tensor.shape, data } };
}
