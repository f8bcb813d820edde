import { z } from 'zod';
import { isStarlingError, messageOf } from '../errors.ts';
import { type Dimension, formatPortType, type PortType, parsePortType } from './port-types.ts';

export type TensorType = Extract<PortType, { kind: 'tensor' }>;

/** Largest number of elements of a tensor whose size is known from its type: 64 MiB of float32, more than any edge model takes. */
const ELEMENTS_MAXIMUM = 16 * 1024 * 1024;

/** A tensor type as text, in parameters of operators whose ports take any tensor. Strings have no dense form, so they are left out. */
export const tensorTypeSchema = z
  .string()
  .max(200)
  .superRefine((text, context) => {
    const problem = problemOf(text);
    // Whoever reads the other parameters in its light has to stop here.
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, continue: false });
  });

function problemOf(text: string): string | undefined {
  try {
    const type = parsePortType(text);
    if (type.kind !== 'tensor') return `"${text}" is no tensor: write its type, such as tensor<float32,[1,84,n]>`;
    if (type.elementType === 'string') return 'tensors of strings are not computed with';
    if (type.shape.length > 8) return 'a tensor has 8 dimensions at most';
    const elements = elementsOf(type.shape);
    if (elements !== undefined && elements > ELEMENTS_MAXIMUM) return `"${text}" has more than ${ELEMENTS_MAXIMUM} elements`;
    return undefined;
  } catch (error) {
    return isStarlingError(error) ? `${messageOf(error)}; ${error.hint ?? ''}` : messageOf(error);
  }
}

/** A text that `tensorTypeSchema` has accepted. */
export function tensorTypeOf(text: string): TensorType {
  return parsePortType(text) as TensorType;
}

/** The type of a tensor as text, as ports state it. */
export function tensorText(elementType: string, shape: readonly Dimension[]): string {
  return formatPortType({ kind: 'tensor', elementType, shape: [...shape] });
}

/** How many elements a shape holds, or undefined where a length is free. */
export function elementsOf(shape: readonly Dimension[]): number | undefined {
  let product = 1;
  for (const length of shape) {
    if (typeof length === 'string') return undefined;
    product *= length;
  }
  return product;
}

/** An axis that may be counted from the end (-1 is the last), from the front. @returns undefined where there is no such axis */
export function axisOf(axis: number, rank: number): number | undefined {
  const found = axis < 0 ? axis + rank : axis;
  return found >= 0 && found < rank ? found : undefined;
}

/** The shape without one of its axes, or with a length of 1 there. */
export function reducedShape<Length extends Dimension>(shape: readonly Length[], axis: number, keepAxis: boolean): (Length | 1)[] {
  return keepAxis ? shape.map((length, at) => (at === axis ? 1 : length)) : shape.filter((_, at) => at !== axis);
}

/** One part of a tensor along one axis. */
export interface AxisRange {
  axis: number;
  start: number;
  end?: number | undefined;
  step: number;
  index?: number | undefined;
}

/** Where a range lies on an axis of a length: as in NumPy, what is counted from the end may be negative, and what is beyond is cut off. */
export function rangeOn(length: number, { start, end = length, step }: AxisRange): { first: number; count: number } {
  const clamp = (at: number): number => Math.min(length, Math.max(0, at < 0 ? at + length : at));
  const [first, last] = [clamp(start), clamp(end)];
  return { first, count: Math.max(0, Math.ceil((last - first) / step)) };
}

/** The shape after a reshape: -1 stands for what is left over. @returns undefined where the elements do not come out even */
export function resolveShape(elements: number, target: readonly number[]): number[] | undefined {
  const known = target.reduce((product, length) => (length === -1 ? product : product * length), 1);
  if (!target.includes(-1)) return known === elements ? [...target] : undefined;
  return elements % known === 0 ? target.map((length) => (length === -1 ? elements / known : length)) : undefined;
}
