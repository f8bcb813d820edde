import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tensor, TensorData } from '../../ports/engine.ts';
import { startOperator } from './operator-harness.ts';

const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const floats = (shape: number[]): Tensor => ({
  elementType: 'float32',
  shape,
  data: Float32Array.from(range(shape.reduce((product, side) => product * side, 1))),
});
const tensorFrom = (given: Record<string, unknown>): Tensor => given['tensor'] as Tensor;

describe('tensor.slice', () => {
  // Expected values as NumPy 2.4 gives them for arange(2 * 3 * 4).reshape(2, 3, 4).
  const type = 'tensor<float32,[2,3,4]>';
  const sliced = async (ranges: object[]) =>
    tensorFrom(await startOperator('tensor.slice', { type, ranges }).run({ tensor: floats([2, 3, 4]) }));

  it('takes ranges, steps and places counted from the end', async () => {
    const part = await sliced([
      { axis: 1, start: -2 },
      { axis: -1, start: 1, end: 4, step: 2 },
    ]);
    expect(part.shape).toEqual([2, 2, 2]);
    expect([...part.data]).toEqual([5, 7, 9, 11, 17, 19, 21, 23]);
  });

  it('removes an axis of which one place is taken', async () => {
    const part = await sliced([
      { axis: 0, index: -1 },
      { axis: 2, index: 1 },
    ]);
    expect(part.shape).toEqual([3]);
    expect([...part.data]).toEqual([13, 17, 21]);
  });

  it('does not copy what lies together', async () => {
    const tensor = floats([2, 3, 4]);
    const whole = startOperator('tensor.slice', { type, ranges: [{ axis: 0, start: 1 }] });
    const part = tensorFrom(await whole.run({ tensor }));
    expect([...part.data]).toEqual(range(12).map((at) => at + 12));
    expect(part.data.buffer).toBe(tensor.data.buffer);
    const column = startOperator('tensor.slice', { type, ranges: [{ axis: 2, start: 1 }] });
    expect(tensorFrom(await column.run({ tensor })).data.buffer).not.toBe(tensor.data.buffer);
  });

  it('moves whole numbers of 64 bits', async () => {
    const tensor: Tensor = { elementType: 'int64', shape: [2, 2], data: BigInt64Array.of(1n, 2n, 3n, 2n ** 62n) };
    const node = startOperator('tensor.slice', { type: 'tensor<int64,[a,b]>', ranges: [{ axis: 1, index: 1 }] });
    expect([...tensorFrom(await node.run({ tensor })).data]).toEqual([2n, 2n ** 62n]);
  });

  it('cuts ranges beyond a free length off, and refuses an index there', async () => {
    const free = 'tensor<float32,[n]>';
    const ranged = startOperator('tensor.slice', { type: free, ranges: [{ axis: 0, start: 1, end: 9 }] });
    expect([...tensorFrom(await ranged.run({ tensor: floats([3]) })).data]).toEqual([1, 2]);
    const indexed = startOperator('tensor.slice', { type: free, ranges: [{ axis: 0, index: 3 }] });
    await expect(indexed.run({ tensor: floats([3]) })).rejects.toMatchObject({ code: 'wrong-value', field: 'params.ranges' });
  });
});

describe('tensor.reshape', () => {
  it('keeps the array and works out what is left over', async () => {
    const tensor = floats([2, 6]);
    const node = startOperator('tensor.reshape', { type: 'tensor<float32,[n,6]>', shape: [-1, 3] });
    const reshaped = tensorFrom(await node.run({ tensor }));
    expect(reshaped.shape).toEqual([4, 3]);
    expect(reshaped.data).toBe(tensor.data);
  });

  it('refuses what does not come out even', async () => {
    const node = startOperator('tensor.reshape', { type: 'tensor<float32,[n]>', shape: [-1, 3] });
    await expect(node.run({ tensor: floats([7]) })).rejects.toMatchObject({ code: 'wrong-value', field: 'params.shape' });
  });
});

describe('tensor.transpose', () => {
  it('puts axes into another order', async () => {
    const node = startOperator('tensor.transpose', { type: 'tensor<float32,[2,3,4]>', order: [2, 0, 1] });
    const turned = tensorFrom(await node.run({ tensor: floats([2, 3, 4]) }));
    expect(turned.shape).toEqual([4, 2, 3]);
    // numpy.arange(24).reshape(2, 3, 4).transpose(2, 0, 1).ravel()
    expect([...turned.data]).toEqual([0, 4, 8, 12, 16, 20, 1, 5, 9, 13, 17, 21, 2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23]);
  });

  it('does not copy where only axes of length 1 move', async () => {
    const tensor = floats([1, 5, 1]);
    const node = startOperator('tensor.transpose', { type: 'tensor<float32,[1,n,1]>', order: [1, 2, 0] });
    const turned = tensorFrom(await node.run({ tensor }));
    expect([turned.shape, turned.data.buffer === tensor.data.buffer]).toEqual([[5, 1, 1], true]);
  });

  it('moves each element to where its coordinates say, for any shape and order', async () => {
    const cases = fc
      .array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })
      .chain((shape) => fc.tuple(fc.constant(shape), fc.shuffledSubarray(range(shape.length), { minLength: shape.length })));
    await fc.assert(
      fc.asyncProperty(cases, async ([shape, order]) => {
        const tensor = floats(shape);
        const turned = tensorFrom(await startOperator('tensor.transpose', { type: `tensor<float32,[${shape}]>`, order }).run({ tensor }));
        for (const at of range(tensor.data.length)) {
          const place = placeOf(at, turned.shape as number[]);
          const origin = order.map(() => 0);
          for (const [axis, from] of order.entries()) origin[from] = place[axis] as number;
          expect(turned.data[at]).toBe(tensor.data[indexOf(origin, shape)]);
        }
      }),
    );
  });
});

describe('tensor.concat', () => {
  it('puts tensors together along an axis', async () => {
    const types = ['tensor<float32,[2,1]>', 'tensor<float32,[2,n]>'];
    const node = startOperator('tensor.concat', { types, axis: 1 });
    const joined = tensorFrom(await node.run({ tensor1: floats([2, 1]), tensor2: floats([2, 2]) }));
    expect([joined.shape, [...joined.data]]).toEqual([
      [2, 3],
      [0, 0, 1, 1, 2, 3],
    ]);
    await expect(node.run({ tensor1: floats([2, 1]), tensor2: floats([3, 2]) })).rejects.toMatchObject({ field: 'tensor2' });
  });

  it('refuses free lengths that differ beside the axis', async () => {
    const node = startOperator('tensor.concat', { types: ['tensor<float32,[a,1]>', 'tensor<float32,[b,1]>'], axis: 1 });
    await expect(node.run({ tensor1: floats([2, 1]), tensor2: floats([3, 1]) })).rejects.toMatchObject({
      code: 'wrong-value',
      field: 'tensor2',
    });
  });
});

describe('an input that is not what the type says', () => {
  const node = startOperator('tensor.reshape', { type: 'tensor<float32,[2,n]>', shape: [-1] });
  const strange: [string, unknown][] = [
    ['nothing', undefined],
    ['a list', [1, 2]],
    ['another element type', { elementType: 'int32', shape: [2, 1], data: new Int32Array(2) }],
    ['another rank', floats([2])],
    ['another length', floats([3, 1])],
    ['another array than it says', { elementType: 'float32', shape: [2, 1], data: new Float64Array(2) as TensorData }],
    ['fewer elements than its shape', { elementType: 'float32', shape: [2, 2], data: new Float32Array(3) }],
  ];
  it.each(strange)('is refused: %s', async (_name, tensor) => {
    await expect(node.run({ tensor })).rejects.toMatchObject({ code: 'wrong-value', field: 'tensor', hint: expect.any(String) });
  });
});

function placeOf(at: number, shape: readonly number[]): number[] {
  let left = at;
  return shape
    .toReversed()
    .map((length) => {
      const place = left % length;
      left = Math.floor(left / length);
      return place;
    })
    .reverse();
}

function indexOf(place: readonly number[], shape: readonly number[]): number {
  return place.reduce((sum, at, axis) => sum * (shape[axis] as number) + at, 0);
}
