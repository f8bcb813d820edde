import { z } from 'zod';
import { tensorElementTypeSchema } from '../../documents/model-version.ts';
import type { Dimension } from '../port-types.ts';
import { type AxisRange, axisOf, elementsOf, rangeOn, resolveShape, tensorTypeOf, tensorTypeSchema } from '../tensor-types.ts';

type Context = z.core.$RefinementCtx;

const typeParam = tensorTypeSchema.meta({
  description: 'Type of the input, such as `tensor<float32,[1,84,n]>`; a name stands for a length that is free',
});
const axisParam = z.number().int().min(-8).max(7);
const lastAxisParam = axisParam.default(-1).meta({ description: 'Axis, from 0; negative ones are counted from the end' });

const rangeSchema = z.strictObject({
  axis: axisParam,
  start: z.number().int().default(0),
  end: z.number().int().optional(),
  step: z.number().int().min(1).max(1_000_000).default(1),
  index: z.number().int().optional(),
});

export const sliceParams = z
  .strictObject({
    type: typeParam,
    ranges: z.array(rangeSchema).min(1).max(8).meta({
      description:
        'What is taken on an axis: from `start` up to, without, `end`, each `step`-th; or `index` alone, which removes the axis. Negative places are counted from the end; a range beyond the end is cut off, an `index` there is an error',
    }),
  })
  .superRefine(checkRanges);

export const reshapeParams = z
  .strictObject({
    type: typeParam,
    shape: z
      .array(
        z.union([
          z.literal(-1),
          z
            .number()
            .int()
            .positive()
            .max(2 ** 31 - 1),
        ]),
      )
      .max(8)
      .refine((shape) => shape.filter((length) => length === -1).length <= 1, 'only one length may be -1')
      .meta({ description: 'The new lengths; one of them may be -1, for what is left over' }),
  })
  .superRefine(({ type, shape }, context) => {
    const elements = elementsOf(tensorTypeOf(type).shape);
    if (elements !== undefined && resolveShape(elements, shape) === undefined) {
      problem(context, ['shape'], `${elements} elements do not fit into [${shape.join(',')}]`);
    }
  });

export const transposeParams = z
  .strictObject({
    type: typeParam,
    order: z
      .array(z.number().int().min(0).max(7))
      .max(8)
      .meta({ description: 'For each axis of the result the axis of the input that it was, such as [0,2,1]' }),
  })
  .superRefine(({ type, order }, context) => {
    const rank = tensorTypeOf(type).shape.length;
    if (order.length !== rank || new Set(order).size !== rank || order.some((axis) => axis >= rank)) {
      problem(context, ['order'], `name each of the ${rank} axes once, from 0`);
    }
  });

export const concatParams = z
  .strictObject({
    types: z
      .array(tensorTypeSchema)
      .min(2)
      .max(16)
      .meta({ description: 'Types of the inputs `tensor1`, `tensor2` and so on; only the length of `axis` may differ' }),
    axis: axisParam.meta({ description: 'The axis along which they are put together; negative ones are counted from the end' }),
  })
  .superRefine(checkConcat);

export const softmaxParams = z.strictObject({ type: typeParam, axis: lastAxisParam }).superRefine((params, context) => {
  requireAxis(params, context);
  if (!tensorTypeOf(params.type).elementType.startsWith('float')) problem(context, ['type'], 'softmax is computed on floats: cast first');
});

export const topKParams = z
  .strictObject({
    type: typeParam,
    axis: lastAxisParam,
    k: z.number().int().min(1).max(100_000).meta({ description: 'How many are kept; all where the axis is shorter' }),
    largest: z.boolean().default(true).meta({ description: '`false`: the smallest' }),
  })
  .superRefine(requireAxis);

export const argmaxParams = z
  .strictObject({
    type: typeParam,
    axis: lastAxisParam,
    keepAxis: z.boolean().default(false).meta({ description: 'The axis stays, with a length of 1' }),
  })
  .superRefine(requireAxis);

export const thresholdParams = z.strictObject({
  type: typeParam,
  threshold: z.number().meta({ description: 'Values above it pass' }),
  inclusive: z.boolean().default(false).meta({ description: 'Values equal to it pass too' }),
  give: z
    .enum(['mask', 'values'])
    .default('mask')
    .meta({ description: '`mask`: a bool for each element; `values`: what passes, and `fill` elsewhere' }),
  fill: z.number().default(0).meta({ description: 'Stands where nothing passed, with `give: values`' }),
});

export const castParams = z.strictObject({
  type: typeParam,
  to: tensorElementTypeSchema.exclude(['string']).meta({
    description:
      'The new element type. Fractions are cut off, numbers beyond its range become its ends, NaN becomes 0; a bool is what is not 0',
  }),
});

export const normaliseParams = z
  .strictObject({
    type: typeParam,
    mean: z
      .array(z.number())
      .min(1)
      .max(4096)
      .default([0])
      .meta({ description: 'Subtracted: one number, or one for each place on `axis`' }),
    std: z
      .array(z.number().positive())
      .min(1)
      .max(4096)
      .default([1])
      .meta({ description: 'Divided by: one number, or one for each place on `axis`' }),
    axis: axisParam.default(1).meta({ description: 'The axis that several numbers belong to, such as 1 for channels of [1,3,h,w]' }),
  })
  .superRefine(checkNormalise);

export const toJsonParams = z.strictObject({
  type: typeParam,
  maximumElements: z.number().int().min(1).max(65_536).default(1024).meta({ description: 'A larger tensor is an error' }),
});

/** Elements that a constant may list: what a document holds of it. */
const CONSTANT_VALUES_MAXIMUM = 4096;
export const constantParams = z
  .strictObject({
    type: tensorTypeSchema.meta({ description: 'Type with all its lengths, such as `tensor<int64,[2]>`' }),
    values: z
      .array(z.union([z.number(), z.boolean(), z.string().regex(/^-?\d{1,20}$/, 'write a whole number')]))
      .min(1)
      .max(CONSTANT_VALUES_MAXIMUM)
      .meta({ description: 'Its elements by rows, or one for all; whole numbers beyond 2^53 as text' }),
  })
  .superRefine(({ type, values }, context) => {
    const { elementType, shape } = tensorTypeOf(type);
    const elements = elementsOf(shape);
    if (elements === undefined) problem(context, ['type'], 'a constant needs all its lengths');
    else if (values.length !== 1 && values.length !== elements) {
      problem(context, ['values'], `give 1 or ${elements} values, there are ${values.length}`);
    }
    const stranger = values.findIndex((value) => !isElement(elementType, value));
    if (stranger !== -1) problem(context, ['values', stranger], `${String(values[stranger])} is no ${elementType}`);
  });

function problem(context: Context, path: (string | number)[], message: string): void {
  context.addIssue({ code: 'custom', path, message });
}

function requireAxis({ type, axis }: { type: string; axis: number }, context: Context): void {
  const { shape } = tensorTypeOf(type);
  if (axisOf(axis, shape.length) === undefined) problem(context, ['axis'], `${type} has no axis ${axis}`);
}

function checkRanges({ type, ranges }: { type: string; ranges: readonly AxisRange[] }, context: Context): void {
  const { shape } = tensorTypeOf(type);
  const taken = new Set<number>();
  for (const [place, range] of ranges.entries()) {
    const axis = axisOf(range.axis, shape.length);
    if (axis === undefined) problem(context, ['ranges', place, 'axis'], `${type} has no axis ${range.axis}`);
    else if (taken.has(axis)) problem(context, ['ranges', place, 'axis'], `axis ${axis} is named twice`);
    else checkRange(shape[axis] as Dimension, range, ['ranges', place], context);
    if (axis !== undefined) taken.add(axis);
  }
}

function checkRange(length: Dimension, range: AxisRange, path: (string | number)[], context: Context): void {
  const { start, end, step, index } = range;
  if (index !== undefined) {
    if (start !== 0 || end !== undefined || step !== 1)
      problem(context, [...path, 'index'], '`index` stands alone, without start, end and step');
    if (typeof length === 'number' && axisOf(index, length) === undefined)
      problem(context, [...path, 'index'], `there are ${length} places`);
    return;
  }
  if (typeof length === 'number' && rangeOn(length, range).count === 0) problem(context, path, `takes nothing of ${length} places`);
}

function checkConcat({ types, axis }: { types: readonly string[]; axis: number }, context: Context): void {
  const [first, ...others] = types.map(tensorTypeOf);
  const rank = first?.shape.length ?? 0;
  const along = axisOf(axis, rank);
  if (along === undefined) {
    problem(context, ['axis'], `${types[0]} has no axis ${axis}`);
    return;
  }
  for (const [index, other] of others.entries()) {
    const path = ['types', index + 1];
    if (other.elementType !== first?.elementType) problem(context, path, `element type ${other.elementType} is not ${first?.elementType}`);
    else if (other.shape.length !== rank) problem(context, path, `${other.shape.length} dimensions instead of ${rank}`);
    else if (other.shape.some((length, at) => at !== along && differ(length, first.shape[at] as Dimension))) {
      problem(context, path, `only the length of axis ${along} may differ`);
    }
  }
}

function differ(a: Dimension, b: Dimension): boolean {
  return typeof a === 'number' && typeof b === 'number' && a !== b;
}

function checkNormalise({ type, mean, std, axis }: { type: string; mean: number[]; std: number[]; axis: number }, context: Context): void {
  const { shape } = tensorTypeOf(type);
  if (mean.length === 1 && std.length === 1) return;
  const at = axisOf(axis, shape.length);
  if (at === undefined) {
    problem(context, ['axis'], `${type} has no axis ${axis}`);
    return;
  }
  for (const [name, numbers] of Object.entries({ mean, std })) {
    const length = shape[at] as Dimension;
    if (numbers.length !== 1 && typeof length === 'number' && numbers.length !== length) {
      problem(context, [name], `give 1 or ${length} numbers, there are ${numbers.length}`);
    }
  }
}

/** Whether a value of a document can stand in a tensor as it is: nothing is rounded or cut off in silence, but floats. */
function isElement(elementType: string, value: number | boolean | string): boolean {
  if (elementType === 'bool') return typeof value === 'boolean';
  if (typeof value === 'boolean') return false;
  if (elementType.startsWith('float')) return true;
  const bits = BigInt(elementType.replace(/\D/g, ''));
  const isWhole = typeof value === 'string' || Number.isSafeInteger(value);
  const [least, most] = elementType.startsWith('int') ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n];
  return isWhole && BigInt(value) >= least && BigInt(value) <= most;
}
