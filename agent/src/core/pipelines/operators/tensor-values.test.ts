import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../ports/engine.ts';
import { startOperator } from './operator-harness.ts';

const float32 = (shape: number[], values: number[]): Tensor => ({ elementType: 'float32', shape, data: Float32Array.from(values) });
/** IEEE half precision bits, as they are published: 1, -2, 65504 (the largest), infinity. */
const HALVES = [0x3c00, 0xc000, 0x7bff, 0x7c00];
const float16 = (values: number[]): Tensor => ({ elementType: 'float16', shape: [values.length], data: Uint16Array.from(values) });

describe('tensor.softmax', () => {
  it('makes probabilities along an axis, also far from 0', async () => {
    const node = startOperator('tensor.softmax', { type: 'tensor<float32,[2,2]>', axis: 0 });
    const { tensor } = await node.run({ tensor: float32([2, 2], [1000, 0, 1001, 0]) });
    const [a, b, c, d] = (tensor as Tensor).data as Float32Array;
    // 1 / (1 + e) and its complement: scipy.special.softmax([[1000, 0], [1001, 0]], axis=0)
    expect(a).toBeCloseTo(0.2689414213699951, 7);
    expect(c).toBeCloseTo(0.7310585786300049, 7);
    expect([b, d]).toEqual([0.5, 0.5]);
  });

  it('works on half precision', async () => {
    const node = startOperator('tensor.softmax', { type: 'tensor<float16,[n]>' });
    const { tensor } = await node.run({ tensor: float16([0, 0]) });
    // 0x3800 is a half
    expect([...(tensor as Tensor).data]).toEqual([0x3800, 0x3800]);
  });
});

describe('tensor.top-k', () => {
  it('gives the best of each line and where they stood, equal ones in order, NaN last', async () => {
    const node = startOperator('tensor.top-k', { type: 'tensor<float32,[2,4]>', k: 3 });
    const { values, indices } = await node.run({ tensor: float32([2, 4], [1, 5, 5, 2, Number.NaN, 0, -1, 0]) });
    expect([...(values as Tensor).data]).toEqual([5, 5, 2, 0, 0, -1]);
    expect([...(indices as Tensor).data]).toEqual([1n, 2n, 3n, 1n, 3n, 2n]);
    expect((indices as Tensor).shape).toEqual([2, 3]);
  });

  it('goes along other axes, takes the smallest, and all where there are fewer', async () => {
    const node = startOperator('tensor.top-k', { type: 'tensor<int64,[n,2]>', k: 9, axis: 0, largest: false });
    const tensor: Tensor = { elementType: 'int64', shape: [2, 2], data: BigInt64Array.of(2n ** 60n, -1n, 2n ** 60n - 1n, 4n) };
    const { values, indices } = await node.run({ tensor });
    expect([...(values as Tensor).data]).toEqual([2n ** 60n - 1n, -1n, 2n ** 60n, 4n]);
    expect([...(indices as Tensor).data]).toEqual([1n, 0n, 0n, 1n]);
  });

  it('takes what a stable sort would put first', async () => {
    const values = fc.array(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constant(Number.NaN)), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 1, max: 45 }), fc.boolean(), async (line, k, largest) => {
        const node = startOperator('tensor.top-k', { type: 'tensor<float32,[n]>', k, largest });
        const { indices } = await node.run({ tensor: float32([line.length], line) });
        const rank = (value: number): number => (Number.isNaN(value) ? Infinity : largest ? -value : value);
        const sorted = line.map((value, index) => [rank(value), index] as const).sort(([a, i], [b, j]) => (a === b ? i - j : a - b));
        expect([...(indices as Tensor).data]).toEqual(sorted.slice(0, k).map(([, index]) => BigInt(index)));
      }),
    );
  });

  it('ranks halves by their value, not by their bits', async () => {
    const { values } = await startOperator('tensor.top-k', { type: 'tensor<float16,[4]>', k: 4 }).run({ tensor: float16(HALVES) });
    expect([...(values as Tensor).data]).toEqual([0x7c00, 0x7bff, 0x3c00, 0xc000]);
  });
});

describe('tensor.argmax', () => {
  it('names the first of the largest, NaN aside', async () => {
    const tensor = float32([2, 3], [1, 7, 7, Number.NaN, -3, -2]);
    const { indices } = await startOperator('tensor.argmax', { type: 'tensor<float32,[2,3]>' }).run({ tensor });
    expect(indices).toEqual({ elementType: 'int64', shape: [2], data: BigInt64Array.of(1n, 2n) });
    const kept = await startOperator('tensor.argmax', { type: 'tensor<float32,[2,3]>', axis: 0, keepAxis: true }).run({ tensor });
    expect(kept['indices']).toEqual({ elementType: 'int64', shape: [1, 3], data: BigInt64Array.of(0n, 0n, 0n) });
  });
});

describe('tensor.threshold', () => {
  it('makes a mask', async () => {
    const tensor = float32([4], [0.4, 0.5, 0.6, Number.NaN]);
    const type = 'tensor<float32,[4]>';
    const above = await startOperator('tensor.threshold', { type, threshold: 0.5 }).run({ tensor });
    expect(above['tensor']).toEqual({ elementType: 'bool', shape: [4], data: Uint8Array.of(0, 0, 1, 0) });
    const from = await startOperator('tensor.threshold', { type, threshold: 0.5, inclusive: true }).run({ tensor });
    expect([...(from['tensor'] as Tensor).data]).toEqual([0, 1, 1, 0]);
  });

  it('keeps what passes, of whole numbers too', async () => {
    const tensor: Tensor = { elementType: 'int64', shape: [3], data: BigInt64Array.of(-5n, 2n ** 60n, 3n) };
    const node = startOperator('tensor.threshold', { type: 'tensor<int64,[3]>', threshold: 2.5, give: 'values', fill: -1 });
    expect([...((await node.run({ tensor }))['tensor'] as Tensor).data]).toEqual([-1n, 2n ** 60n, 3n]);
  });
});

describe('tensor.cast', () => {
  const cast = async (tensor: Tensor, to: string): Promise<unknown[]> => {
    const node = startOperator('tensor.cast', { type: `tensor<${tensor.elementType},[n]>`, to });
    const result = (await node.run({ tensor }))['tensor'] as Tensor;
    expect(result.elementType).toBe(to);
    return [...result.data];
  };
  const strange = float32([6], [1.9, -1.9, 300, -300, Number.NaN, Number.POSITIVE_INFINITY]);

  it.each([
    ['uint8', [1, 0, 255, 0, 0, 255]],
    ['int8', [1, -1, 127, -128, 0, 127]],
    ['int32', [1, -1, 300, -300, 0, 2147483647]],
    ['int64', [1n, -1n, 300n, -300n, 0n, 2n ** 63n - 1n]],
    ['uint64', [1n, 0n, 300n, 0n, 0n, 2n ** 64n - 1n]],
    ['bool', [1, 1, 1, 1, 1, 1]],
  ])('cuts off fractions and what is beyond %s', async (to, expected) => {
    expect(await cast(strange, to)).toEqual(expected);
  });

  it('reads and writes halves', async () => {
    expect(await cast(float16(HALVES), 'float64')).toEqual([1, -2, 65504, Number.POSITIVE_INFINITY]);
    expect(await cast(float32([4], [1, -2, 65504, 1e9]), 'float16')).toEqual(HALVES);
  });

  it('reads whole numbers of 64 bits', async () => {
    const tensor: Tensor = { elementType: 'uint64', shape: [2], data: BigUint64Array.of(7n, 2n ** 64n - 1n) };
    expect(await cast(tensor, 'int64')).toEqual([7n, 2n ** 63n - 1n]);
    expect(await cast(tensor, 'float32')).toEqual([7, 2 ** 64]);
  });

  it('gives the same tensor for the same type', async () => {
    const node = startOperator('tensor.cast', { type: 'tensor<float32,[n]>', to: 'float32' });
    expect((await node.run({ tensor: strange }))['tensor']).toBe(strange);
  });
});

describe('tensor.normalise', () => {
  it('uses a mean and a deviation for each channel', async () => {
    const tensor: Tensor = { elementType: 'uint8', shape: [1, 2, 1, 2], data: Uint8Array.of(10, 20, 30, 40) };
    const node = startOperator('tensor.normalise', { type: 'tensor<uint8,[1,2,1,2]>', mean: [10, 20], std: [5, 10] });
    expect((await node.run({ tensor }))['tensor']).toEqual({
      elementType: 'float32',
      shape: [1, 2, 1, 2],
      data: Float32Array.of(0, 2, 1, 2),
    });
  });

  it('uses one for all, and refuses a number of channels that is not theirs', async () => {
    const tensor = float32([1, 3], [1, 2, 3]);
    const same = startOperator('tensor.normalise', { type: 'tensor<float32,[1,c]>', mean: [2], std: [0.5] });
    expect([...((await same.run({ tensor }))['tensor'] as Tensor).data]).toEqual([-2, 0, 2]);
    const other = startOperator('tensor.normalise', { type: 'tensor<float32,[1,c]>', mean: [1, 2] });
    await expect(other.run({ tensor })).rejects.toMatchObject({ code: 'wrong-value', field: 'params.mean' });
  });
});

describe('tensor.to-json', () => {
  it('nests lists, and writes what JSON cannot say', async () => {
    const node = startOperator('tensor.to-json', { type: 'tensor<float32,[2,2]>' });
    const { json } = await node.run({ tensor: float32([2, 2], [1, Number.NaN, 3, Number.NEGATIVE_INFINITY]) });
    expect(json).toEqual([
      [1, null],
      [3, null],
    ]);
    const wide: Tensor = { elementType: 'int64', shape: [2], data: BigInt64Array.of(5n, 2n ** 60n) };
    const wideNode = startOperator('tensor.to-json', { type: 'tensor<int64,[n]>' });
    expect((await wideNode.run({ tensor: wide }))['json']).toEqual([5, '1152921504606846976']);
    const mask: Tensor = { elementType: 'bool', shape: [2], data: Uint8Array.of(1, 0) };
    expect((await startOperator('tensor.to-json', { type: 'tensor<bool,[n]>' }).run({ tensor: mask }))['json']).toEqual([true, false]);
    const scalar = startOperator('tensor.to-json', { type: 'tensor<float32,[]>' });
    expect((await scalar.run({ tensor: float32([], [4]) }))['json']).toBe(4);
  });

  it('refuses a large one', async () => {
    const node = startOperator('tensor.to-json', { type: 'tensor<float32,[n]>', maximumElements: 2 });
    await expect(node.run({ tensor: float32([3], [1, 2, 3]) })).rejects.toMatchObject({ code: 'tensor-too-large', field: 'tensor' });
  });
});

describe('tensor.constant', () => {
  it.each([
    ['tensor<float32,[1,2]>', [0.5, -1], Float32Array.of(0.5, -1)],
    ['tensor<int64,[2]>', ['9007199254740993', 1], BigInt64Array.of(9007199254740993n, 1n)],
    ['tensor<float16,[3]>', [1], Uint16Array.of(0x3c00, 0x3c00, 0x3c00)],
    ['tensor<bool,[2]>', [true, false], Uint8Array.of(1, 0)],
    ['tensor<int8,[]>', [-128], Int8Array.of(-128)],
  ])('gives %s', async (type, values, data) => {
    const { tensor } = await startOperator('tensor.constant', { type, values }).run({});
    expect((tensor as Tensor).data).toEqual(data);
  });
});
