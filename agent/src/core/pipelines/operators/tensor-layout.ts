import { axisOf, type OperatorParams, rangeOn, resolveShape, StarlingError, tensorTypeOf } from '@starling/shared';
import type { Tensor, TensorData } from '../../ports/engine.ts';
import type { OperatorContext } from './operator.ts';
import { allocate, tensorOf, volumeOf } from './tensor-data.ts';
import { denseElements, denseStrides, type Layout } from './tensor-strides.ts';

type Inputs = Readonly<Record<string, unknown>>;

export function sliceTensor(inputs: Inputs, params: OperatorParams<'tensor.slice'>, context: OperatorContext) {
  const tensor = tensorOf(inputs, 'tensor', tensorTypeOf(params.type));
  return { tensor: dense(tensor, slicedLayout(tensor.shape, params), context) };
}

function slicedLayout(shape: readonly number[], { ranges }: OperatorParams<'tensor.slice'>): Layout {
  const byAxis = new Map(ranges.map((range) => [axisOf(range.axis, shape.length), range]));
  const layout = { shape: [] as number[], strides: [] as number[], offset: 0 };
  for (const [axis, stride] of denseStrides(shape).entries()) {
    const length = shape[axis] as number;
    const { start = 0, end, step = 1, index, axis: named = axis } = byAxis.get(axis) ?? {};
    if (index !== undefined) {
      layout.offset += placeOn(length, axis, index) * stride;
      continue;
    }
    const { first, count } = rangeOn(length, { axis: named, start, end, step });
    layout.shape.push(count);
    layout.strides.push(stride * step);
    layout.offset += first * stride;
  }
  return layout;
}

function placeOn(length: number, axis: number, index: number): number {
  const place = axisOf(index, length);
  if (place !== undefined) return place;
  throw new StarlingError('wrong-value', `axis ${axis} has ${length} places, none is ${index}`, {
    field: 'params.ranges',
    hint: 'take a range instead of an index where the length may be shorter',
  });
}

export function reshapeTensor(inputs: Inputs, params: OperatorParams<'tensor.reshape'>) {
  const tensor = tensorOf(inputs, 'tensor', tensorTypeOf(params.type));
  const shape = resolveShape(tensor.data.length, params.shape);
  if (shape === undefined) {
    throw new StarlingError('wrong-value', `${tensor.data.length} elements do not fit into [${params.shape.join(',')}]`, {
      field: 'params.shape',
      hint: 'use -1 for the length that changes',
    });
  }
  return { tensor: { ...tensor, shape } };
}

export function transposeTensor(inputs: Inputs, params: OperatorParams<'tensor.transpose'>, context: OperatorContext) {
  const tensor = tensorOf(inputs, 'tensor', tensorTypeOf(params.type));
  const strides = denseStrides(tensor.shape);
  const pick = (numbers: readonly number[]): number[] => params.order.map((axis) => numbers[axis] as number);
  return { tensor: dense(tensor, { shape: pick(tensor.shape), strides: pick(strides), offset: 0 }, context) };
}

function dense(tensor: Tensor, layout: Layout, context: OperatorContext): Tensor {
  const data = denseElements(tensor.data, layout, (length) => allocate(tensor.elementType, length, context));
  return { elementType: tensor.elementType, shape: layout.shape, data };
}

export function concatTensors(inputs: Inputs, params: OperatorParams<'tensor.concat'>, context: OperatorContext) {
  const tensors = params.types.map((type, index) => tensorOf(inputs, `tensor${index + 1}`, tensorTypeOf(type)));
  const first = tensors[0] as Tensor;
  const axis = axisOf(params.axis, first.shape.length) as number;
  for (const [index, { shape }] of tensors.entries()) {
    if (shape.every((length, at) => at === axis || length === first.shape[at])) continue;
    throw new StarlingError('wrong-value', `[${shape.join(',')}] and [${first.shape.join(',')}] differ beside axis ${axis}`, {
      field: `tensor${index + 1}`,
      hint: 'only the length of the axis along which they are put together may differ',
    });
  }
  const shape = first.shape.map((length, at) =>
    at === axis ? tensors.reduce((sum, each) => sum + (each.shape[axis] as number), 0) : length,
  );
  const data = allocate(first.elementType, volumeOf(shape), context);
  interleave(
    data,
    tensors.map((tensor) => ({ data: tensor.data, block: volumeOf(tensor.shape.slice(axis)) })),
  );
  return { tensor: { elementType: first.elementType, shape, data } };
}

/** Blocks of the parts in turn: first of the first, first of the second, ..., second of the first. */
function interleave(target: TensorData, parts: readonly { data: TensorData; block: number }[]): void {
  // One element type in all, checked before; the compiler cannot know it.
  const out = target as Float32Array;
  for (let at = 0, turn = 0; at < target.length; turn += 1) {
    for (const { data, block } of parts) {
      out.set((data as Float32Array).subarray(turn * block, (turn + 1) * block), at);
      at += block;
    }
  }
}
