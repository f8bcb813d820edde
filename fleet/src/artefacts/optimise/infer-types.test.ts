import { expect, test } from 'vitest';
import { inferTypes } from './infer-types.ts';
import { integers, node, smallModel, weight } from './small-model.ts';

test('types and shapes of values between are inferred, ranks even where sides are computed', async () => {
  const model = smallModel(13, {
    inputs: { x: ['n', 3, 8, 8] },
    outputs: ['y'],
    nodes: [
      node('Conv', ['x', 'w'], ['c'], { strides: [2, 2] }),
      node('Shape', ['c'], ['s']),
      node('ReduceMax', ['c'], ['r'], { axes: [2, 3], keepdims: 0 }),
      node('Gather', ['s', 'first'], ['batch']),
      node('Concat', ['batch', 'rest'], ['sides'], { axis: 0 }),
      node('Reshape', ['c', 'sides'], ['flat']),
      node('MatMul', ['flat', 'm'], ['product']),
      node('Relu', ['product'], ['y']),
    ],
    weights: [
      weight('w', [4, 3, 2, 2], new Array<number>(48).fill(1)),
      integers('first', [0]),
      integers('rest', [4, 16]),
      weight('m', [16, 2], new Array<number>(32).fill(1)),
    ],
  });
  const types = await inferTypes(model);
  expect(types.get('c')).toEqual({ elementType: 1, shape: [undefined, 4, 4, 4] });
  expect(types.get('s')).toEqual({ elementType: 7, shape: [4] });
  expect(types.get('r')?.shape).toHaveLength(2);
  expect(types.get('y')?.shape).toHaveLength(3);
  // The model itself is as it was.
  expect(model.graph.output.map(({ name }) => name)).toEqual(['y']);
});

test('a model that ONNX Runtime refuses is an error', async () => {
  const model = smallModel(13, { inputs: { x: [1] }, outputs: ['y'], nodes: [node('NoSuchOperator', ['x'], ['y'])] });
  await expect(inferTypes(model)).rejects.toMatchObject({ code: 'invalid-model' });
});
