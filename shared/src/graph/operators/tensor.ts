import type { z } from 'zod';
import type { Dimension } from '../port-types.ts';
import type { OperatorSignature, PortTexts } from '../signature.ts';
import { axisOf, elementsOf, rangeOn, reducedShape, resolveShape, tensorText, tensorTypeOf } from '../tensor-types.ts';
import {
  argmaxParams,
  castParams,
  concatParams,
  constantParams,
  normaliseParams,
  reshapeParams,
  sliceParams,
  softmaxParams,
  thresholdParams,
  toJsonParams,
  topKParams,
  transposeParams,
} from './tensor-params.ts';

type SliceParams = z.output<typeof sliceParams>;

/** Arithmetic and layout of tensors between models. The parameter `type` says what comes in, and so what goes out. */
export const tensorOperators = {
  'tensor.slice': {
    name: 'tensor.slice',
    version: 1,
    summary: 'Takes parts of a tensor along its axes; without a copy where what is taken lies together',
    inputs: { tensor: 'T' },
    outputs: { tensor: 'U' },
    params: sliceParams,
    ports: (params: SliceParams) => oneToOne(params.type, tensorText(tensorTypeOf(params.type).elementType, slicedShape(params))),
  },
  'tensor.reshape': {
    name: 'tensor.reshape',
    version: 1,
    summary: 'Gives the same elements another shape, without a copy',
    inputs: { tensor: 'T' },
    outputs: { tensor: 'U' },
    params: reshapeParams,
    ports({ type, shape }: z.output<typeof reshapeParams>) {
      const input = tensorTypeOf(type);
      const elements = elementsOf(input.shape);
      const known = elements === undefined ? undefined : resolveShape(elements, shape);
      return oneToOne(type, tensorText(input.elementType, known ?? shape.map((length) => (length === -1 ? 'rest' : length))));
    },
  },
  'tensor.transpose': {
    name: 'tensor.transpose',
    version: 1,
    summary: 'Puts the axes of a tensor into another order',
    inputs: { tensor: 'T' },
    outputs: { tensor: 'U' },
    params: transposeParams,
    ports({ type, order }: z.output<typeof transposeParams>) {
      const { elementType, shape } = tensorTypeOf(type);
      return oneToOne(
        type,
        tensorText(
          elementType,
          order.map((axis) => shape[axis] as Dimension),
        ),
      );
    },
  },
  'tensor.concat': {
    name: 'tensor.concat',
    version: 1,
    summary: 'Puts 2 to 16 tensors together along an axis; they arrive on `tensor1`, `tensor2` and so on',
    inputs: { tensor1: 'T', tensor2: 'U' },
    outputs: { tensor: 'V' },
    params: concatParams,
    ports(params: z.output<typeof concatParams>) {
      const { elementType } = tensorTypeOf(params.types[0] as string);
      return {
        inputs: Object.fromEntries(params.types.map((type, index) => [`tensor${index + 1}`, type])),
        outputs: { tensor: tensorText(elementType, joinedShape(params)) },
      };
    },
  },
  'tensor.softmax': {
    name: 'tensor.softmax',
    version: 1,
    summary: 'Turns logits into probabilities along an axis',
    inputs: { tensor: 'T' },
    outputs: { tensor: 'T' },
    params: softmaxParams,
    ports: ({ type }: z.output<typeof softmaxParams>) => oneToOne(type, type),
  },
  'tensor.top-k': {
    name: 'tensor.top-k',
    version: 1,
    summary: 'The k largest values along an axis, best first, and where they stood; equal ones in their order, NaN last',
    inputs: { tensor: 'T' },
    outputs: { values: 'T', indices: 'U' },
    params: topKParams,
    ports({ type, axis, k }: z.output<typeof topKParams>) {
      const { elementType, shape } = tensorTypeOf(type);
      const at = axisOf(axis, shape.length);
      const kept = shape.map((length, place) =>
        place !== at ? length : typeof length === 'number' ? Math.min(k, length) : `${length}_top`,
      );
      return { inputs: { tensor: type }, outputs: { values: tensorText(elementType, kept), indices: tensorText('int64', kept) } };
    },
  },
  'tensor.argmax': {
    name: 'tensor.argmax',
    version: 1,
    summary: 'Where along an axis the largest value stands; the first of equal ones',
    inputs: { tensor: 'T' },
    outputs: { indices: 'U' },
    params: argmaxParams,
    ports({ type, axis, keepAxis }: z.output<typeof argmaxParams>) {
      const { shape } = tensorTypeOf(type);
      const at = axisOf(axis, shape.length) ?? 0;
      return { inputs: { tensor: type }, outputs: { indices: tensorText('int64', reducedShape(shape, at, keepAxis)) } };
    },
  },
  'tensor.threshold': {
    name: 'tensor.threshold',
    version: 1,
    summary: 'Compares each element with a number',
    inputs: { tensor: 'T' },
    outputs: { tensor: 'U' },
    params: thresholdParams,
    ports({ type, give }: z.output<typeof thresholdParams>) {
      return oneToOne(type, give === 'mask' ? tensorText('bool', tensorTypeOf(type).shape) : type);
    },
  },
  'tensor.cast': {
    name: 'tensor.cast',
    version: 1,
    summary: 'Gives the elements another type; without a copy where it is the same',
    inputs: { tensor: 'T' },
    outputs: { tensor: 'U' },
    params: castParams,
    ports: ({ type, to }: z.output<typeof castParams>) => oneToOne(type, tensorText(to, tensorTypeOf(type).shape)),
  },
  'tensor.normalise': {
    name: 'tensor.normalise',
    version: 1,
    summary: 'Subtracts a mean and divides by a standard deviation; whole numbers become float32',
    inputs: { tensor: 'T' },
    outputs: { tensor: 'U' },
    params: normaliseParams,
    ports({ type }: z.output<typeof normaliseParams>) {
      const { elementType, shape } = tensorTypeOf(type);
      return oneToOne(type, tensorText(elementType.startsWith('float') ? elementType : 'float32', shape));
    },
  },
  'tensor.to-json': {
    name: 'tensor.to-json',
    version: 1,
    summary: 'A small tensor as nested lists; NaN and infinities become null, whole numbers beyond 2^53 text, bools true and false',
    inputs: { tensor: 'T' },
    outputs: { json: 'json' },
    params: toJsonParams,
    ports: ({ type }: z.output<typeof toJsonParams>) => ({ inputs: { tensor: type }, outputs: { json: 'json' } }),
  },
  'tensor.constant': {
    name: 'tensor.constant',
    version: 1,
    summary: 'The same tensor for every item; `triggers` of its node say for which',
    inputs: {},
    outputs: { tensor: 'U' },
    params: constantParams,
    ports: ({ type }: z.output<typeof constantParams>) => ({ inputs: {}, outputs: { tensor: type } }),
  },
} as const satisfies Record<string, OperatorSignature>;

function oneToOne(input: string, output: string): { inputs: PortTexts; outputs: PortTexts } {
  return { inputs: { tensor: input }, outputs: { tensor: output } };
}

/** Lengths after a slice. Of a free length nothing is known beforehand, except where all of it is taken. */
function slicedShape({ type, ranges }: SliceParams): Dimension[] {
  const { shape } = tensorTypeOf(type);
  const byAxis = new Map(ranges.map((range) => [axisOf(range.axis, shape.length), range]));
  return shape.flatMap((length, axis): Dimension[] => {
    const range = byAxis.get(axis);
    if (range === undefined) return [length];
    if (range.index !== undefined) return [];
    if (typeof length === 'number') return [rangeOn(length, range).count];
    return [range.start === 0 && range.end === undefined && range.step === 1 ? length : `${length}_part`];
  });
}

function joinedShape({ types, axis }: z.output<typeof concatParams>): Dimension[] {
  const shapes = types.map((type) => tensorTypeOf(type).shape);
  const first = shapes[0] as Dimension[];
  const along = axisOf(axis, first.length);
  return first.map((length, at) => {
    const lengths = shapes.map((shape) => shape[at] as Dimension);
    if (at === along)
      return elementsOf(lengths) === undefined ? 'joined' : lengths.reduce<number>((sum, each) => sum + (each as number), 0);
    return lengths.find((each) => typeof each === 'number') ?? length;
  });
}
