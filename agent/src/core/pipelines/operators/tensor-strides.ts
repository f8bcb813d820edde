import type { TensorData } from '../../ports/engine.ts';

/** Where the elements of a tensor lie in an array: element (i, j, ...) at offset + i * strides[0] + j * strides[1] + ... */
export interface Layout {
  shape: readonly number[];
  strides: readonly number[];
  offset: number;
}

/** Strides of a dense tensor by rows. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides: number[] = new Array(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    strides[axis] = step;
    step *= shape[axis] as number;
  }
  return strides;
}

/** The elements of a layout by rows: a view where they already lie that way, else a copy into what `allocate` gives. */
export function denseElements(data: TensorData, layout: Layout, allocate: (length: number) => TensorData): TensorData {
  const length = layout.shape.reduce((product, side) => product * side, 1);
  if (length === 0 || liesDense(layout)) return data.subarray(layout.offset, layout.offset + length);
  const target = allocate(length);
  copyInto(target, data, layout);
  return target;
}

/** Along an axis of length 1 nobody steps, so its stride does not matter. */
function liesDense({ shape, strides }: Layout): boolean {
  const dense = denseStrides(shape);
  return shape.every((length, axis) => length === 1 || strides[axis] === dense[axis]);
}

function copyInto(target: TensorData, source: TensorData, layout: Layout): void {
  const { shape, strides, offset } = layout;
  const last = shape.length - 1;
  const [rowLength, step] = [shape[last] as number, strides[last] as number];
  const place = new Array<number>(last).fill(0);
  for (let at = 0, from = offset; at < target.length; at += rowLength) {
    copyRow(target, at, source, from, rowLength, step);
    // An odometer over the other axes: the last one moves first, and carries.
    for (let axis = last - 1; axis >= 0; axis -= 1) {
      place[axis] = (place[axis] as number) + 1;
      from += strides[axis] as number;
      if ((place[axis] as number) < (shape[axis] as number)) break;
      from -= (strides[axis] as number) * (shape[axis] as number);
      place[axis] = 0;
    }
  }
}

function copyRow(target: TensorData, at: number, source: TensorData, from: number, length: number, step: number): void {
  // Both arrays hold one element type, which may be bigint: the compiler cannot know that they are the same.
  const [to, out] = [target as Float32Array, source as Float32Array];
  if (step === 1) to.set(out.subarray(from, from + length), at);
  else for (let index = 0; index < length; index += 1) to[at + index] = out[from + index * step] as number;
}
