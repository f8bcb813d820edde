import { expect, test } from 'vitest';
import type { NodeProto, TensorProto } from '../../onnx/index.ts';
import { inferTypes } from '../infer-types.ts';
import {
  copyOf,
  differenceOf,
  integers,
  node,
  numbers,
  runModel,
  type SmallGraph,
  smallGraph,
  smallModel,
  weight,
} from '../small-model.ts';
import { opsetOf, upgradeOpset } from './upgrade-opset.ts';

interface Case {
  from: number;
  shape: readonly (number | string)[];
  nodes: readonly NodeProto[];
  weights?: readonly TensorProto[];
  outputs?: readonly string[];
  outputTypes?: Record<string, number>;
}

const INT64 = 7;
const scales = (values: readonly number[]): TensorProto => weight('scales', [values.length], values);

/** Operator forms of old opsets; the free side named `n` is 2 when they run. */
const cases: Record<string, Case> = {
  'Clip with both bounds': { from: 7, shape: ['n', 6], nodes: [node('Clip', ['x'], ['y'], { min: { float: -0.5 }, max: { float: 1 } })] },
  'Clip with one bound': { from: 10, shape: ['n', 6], nodes: [node('Clip', ['x'], ['y'], { min: { float: 0 } })] },
  'Clip without bounds': { from: 6 + 1, shape: ['n', 6], nodes: [node('Clip', ['x'], ['y'])] },
  'Squeeze of axes': { from: 11, shape: ['n', 1, 3, 1], nodes: [node('Squeeze', ['x'], ['y'], { axes: [1, -1] })] },
  'Squeeze of all': { from: 11, shape: [2, 1, 3, 1], nodes: [node('Squeeze', ['x'], ['y'])] },
  Unsqueeze: { from: 9, shape: ['n', 3], nodes: [node('Unsqueeze', ['x'], ['y'], { axes: [0, 2] })] },
  'ReduceSum over axes': { from: 11, shape: ['n', 3, 4], nodes: [node('ReduceSum', ['x'], ['y'], { axes: [1, 2], keepdims: 0 })] },
  'ReduceSum over all': { from: 9, shape: ['n', 3], nodes: [node('ReduceSum', ['x'], ['y'])] },
  ...Object.fromEntries(
    ['ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceL1', 'ReduceL2', 'ReduceProd', 'ReduceSumSquare', 'ReduceLogSumExp'].map((operator) => [
      operator,
      { from: 11, shape: ['n', 3, 4], nodes: [node(operator, ['x'], ['y'], { axes: [-1], keepdims: 1 })] },
    ]),
  ),
  'Softmax over the last axis': { from: 11, shape: ['n', 5], nodes: [node('Softmax', ['x'], ['y'], { axis: -1 })] },
  'Softmax by default, over several axes': { from: 11, shape: ['n', 3, 4], nodes: [node('Softmax', ['x'], ['y'])] },
  'Softmax over all': { from: 9, shape: [2, 3, 4], nodes: [node('Softmax', ['x'], ['y'], { axis: 0 })] },
  'Softmax over channels of one pixel': { from: 11, shape: ['n', 5, 1, 1], nodes: [node('Softmax', ['x'], ['y'], { axis: 1 })] },
  'Softmax from the second axis of the end': { from: 11, shape: ['n', 3, 4], nodes: [node('Softmax', ['x'], ['y'], { axis: -2 })] },
  LogSoftmax: { from: 7, shape: ['n', 3, 4], nodes: [node('LogSoftmax', ['x'], ['y'], { axis: 1 })] },
  Hardmax: { from: 11, shape: ['n', 3, 4], nodes: [node('Hardmax', ['x'], ['y'], { axis: 1 })] },
  'Upsample 7, nearest': {
    from: 7,
    shape: ['n', 2, 3, 4],
    nodes: [node('Upsample', ['x'], ['y'], { mode: 'nearest', scales: { floats: [1, 1, 2, 3] } })],
  },
  'Upsample 9, linear': {
    from: 9,
    shape: ['n', 2, 3, 4],
    nodes: [node('Upsample', ['x', 'scales'], ['y'], { mode: 'linear' })],
    weights: [scales([1, 1, 2, 2.5])],
  },
  'Resize 10, nearest, larger': {
    from: 10,
    shape: ['n', 2, 3, 4],
    nodes: [node('Resize', ['x', 'scales'], ['y'], { mode: 'nearest' })],
    weights: [scales([1, 1, 1.5, 2])],
  },
  'Resize 10, nearest, smaller': {
    from: 10,
    shape: ['n', 2, 9, 7],
    nodes: [node('Resize', ['x', 'scales'], ['y'])],
    weights: [scales([1, 1, 0.4, 0.6])],
  },
  'Resize 10, linear, smaller': {
    from: 10,
    shape: ['n', 2, 9, 8],
    nodes: [node('Resize', ['x', 'scales'], ['y'], { mode: 'linear' })],
    weights: [scales([1, 1, 0.5, 0.5])],
  },
  'Resize 11': {
    from: 11,
    shape: ['n', 2, 3, 4],
    nodes: [node('Resize', ['x', 'roi', 'scales'], ['y'], { mode: 'linear', coordinate_transformation_mode: 'half_pixel' })],
    weights: [weight('roi', [0], []), scales([1, 1, 2, 2])],
  },
  'Pad with a value': {
    from: 10,
    shape: ['n', 3],
    nodes: [node('Pad', ['x'], ['y'], { pads: [0, 1, 0, 2], value: { float: -1.5 } })],
  },
  'Pad by reflection': { from: 7, shape: ['n', 4], nodes: [node('Pad', ['x'], ['y'], { mode: 'reflect', pads: [0, 1, 0, 2] })] },
  Slice: { from: 9, shape: ['n', 5, 6], nodes: [node('Slice', ['x'], ['y'], { starts: [1, -3], ends: [2 ** 53, -1], axes: [1, 2] })] },
  'Slice without axes': { from: 7, shape: [2, 5], nodes: [node('Slice', ['x'], ['y'], { starts: [0, 1], ends: [1, 4] })] },
  'Dropout 7': { from: 7, shape: ['n', 5], nodes: [node('Dropout', ['x'], ['y', 'mask'], { ratio: { float: 0.3 } })] },
  'Dropout 10': { from: 10, shape: ['n', 5], nodes: [node('Dropout', ['x'], ['y'], { ratio: { float: 0.3 } })] },
  'BatchNormalization 7': {
    from: 7,
    shape: ['n', 2, 3],
    nodes: [
      node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y'], { epsilon: { float: 0.01 }, spatial: 1, momentum: { float: 0.9 } }),
    ],
    weights: [weight('s', [2], [1, 2]), weight('b', [2], [0.5, -1]), weight('m', [2], [0.2, 0.1]), weight('v', [2], [1, 0.3])],
  },
  'TopK 9': {
    from: 9,
    shape: ['n', 5],
    nodes: [node('TopK', ['x'], ['y', 'places'], { k: 3, axis: 1 })],
    outputs: ['y', 'places'],
    outputTypes: { places: INT64 },
  },
  'TopK 10': {
    from: 10,
    shape: ['n', 5],
    nodes: [node('TopK', ['x', 'k'], ['y', 'places'])],
    weights: [integers('k', [2])],
    outputs: ['y', 'places'],
    outputTypes: { places: INT64 },
  },
  'Split into equal parts': { from: 11, shape: ['n', 6], nodes: [node('Split', ['x'], ['y', 'z'], { axis: 1 })], outputs: ['y', 'z'] },
  'Split into stated parts': {
    from: 9,
    shape: ['n', 6],
    nodes: [node('Split', ['x'], ['y', 'z'], { axis: 1, split: [2, 4] })],
    outputs: ['y', 'z'],
  },
  ArgMax: { from: 11, shape: ['n', 6], nodes: [node('ArgMax', ['x'], ['y'], { axis: 1 })], outputTypes: { y: INT64 } },
  'Gemm and Flatten': {
    from: 9,
    shape: ['n', 2, 3],
    nodes: [node('Flatten', ['x'], ['f'], { axis: 1 }), node('Gemm', ['f', 'w', 'b'], ['y'], { transB: 1 })],
    weights: [weight('w', [4, 6], numbers(24, 3)), weight('b', [4], numbers(4, 4))],
  },
  Scatter: {
    from: 9,
    shape: ['n', 3],
    nodes: [node('Scatter', ['x', 'places', 'updates'], ['y'], { axis: 1 })],
    weights: [{ ...integers('places', [0, 2]), dims: [2, 1] }, weight('updates', [2, 1], [7, 8])],
  },
  LSTM: {
    from: 7,
    shape: [4, 'n', 3],
    nodes: [node('LSTM', ['x', 'w', 'r'], ['y', '', ''], { hidden_size: 2 })],
    weights: [weight('w', [1, 8, 3], numbers(24, 5)), weight('r', [1, 8, 2], numbers(16, 6))],
  },
  GRU: {
    from: 7,
    shape: [4, 'n', 3],
    nodes: [node('GRU', ['x', 'w', 'r'], ['y'], { hidden_size: 2, linear_before_reset: 1 })],
    weights: [weight('w', [1, 6, 3], numbers(18, 5)), weight('r', [1, 6, 2], numbers(12, 6))],
  },
};

const rows = Object.entries(cases).flatMap(([title, each]) => [13, 17, 21].map((to) => ({ title, to, ...each })));

test.each(rows)(
  '$title computes the same in opset $to',
  async ({ from, to, shape, nodes, weights = [], outputs = ['y'], outputTypes = {} }) => {
    const model = smallModel(from, { inputs: { x: shape }, outputs, nodes, weights, outputTypes });
    const dims = shape.map((side) => (typeof side === 'number' ? side : 2));
    const feeds = {
      x: {
        dims,
        data: numbers(
          dims.reduce((product, side) => product * side, 1),
          11,
        ),
      },
    };
    const before = await runModel(model, feeds);
    // With ranks and types known, and without.
    for (const types of [await inferTypes(model), undefined]) {
      const upgraded = copyOf(model);
      upgradeOpset(upgraded, to, types);
      expect(opsetOf(copyOf(upgraded))).toBe(to);
      expect(differenceOf(before, await runModel(upgraded, feeds))).toBeLessThan(1e-6);
    }
  },
);

const chooseBranch = (from: number): SmallGraph => {
  const branch = (nodes: NodeProto[]) => ({ graph: smallGraph({ inputs: {}, outputs: ['branch'], nodes }) });
  return {
    inputs: { x: ['n', 4] },
    outputs: ['y'],
    nodes: [
      node('ReduceSum', ['x'], ['sum'], { keepdims: 0 }),
      node('Cast', ['sum'], ['positive'], { to: 9 }),
      node('If', ['positive'], ['y'], {
        then_branch: branch([node('Clip', ['x'], ['branch'], { min: { float: 0 }, max: { float: from } })]),
        else_branch: branch([node('Softmax', ['x'], ['branch'], { axis: 1 })]),
      }),
    ],
  };
};

test('subgraphs are brought along', async () => {
  const model = smallModel(9, chooseBranch(1));
  for (const data of [numbers(8, 1), new Array<number>(8).fill(0)]) {
    const feeds = { x: { dims: [2, 4], data } };
    const before = await runModel(model, feeds);
    const upgraded = copyOf(model);
    upgradeOpset(upgraded, 17);
    expect(differenceOf(before, await runModel(upgraded, feeds))).toBeLessThan(1e-6);
  }
});

test('a model that has the opset is left alone', () => {
  const model = smallModel(17, { inputs: { x: [1] }, outputs: ['y'], nodes: [node('Relu', ['x'], ['y'])] });
  expect(upgradeOpset(model, 13)).toBe(0);
  expect(opsetOf(model)).toBe(17);
});

const refused: Record<string, SmallGraph & { from: number; to: number }> = {
  'a mask of Dropout that is used': {
    from: 7,
    to: 17,
    inputs: { x: [4] },
    outputs: ['y', 'mask'],
    nodes: [node('Dropout', ['x'], ['y', 'mask'])],
  },
  'BatchNormalization per activation': {
    from: 7,
    to: 17,
    inputs: { x: [1, 2, 3] },
    outputs: ['y'],
    nodes: [node('BatchNormalization', ['x', 's', 's', 's', 's'], ['y'], { spatial: 0 })],
    weights: [weight('s', [2], [1, 1])],
  },
  'Resize to more and less at once': {
    from: 10,
    to: 17,
    inputs: { x: [1, 1, 4, 4] },
    outputs: ['y'],
    nodes: [node('Resize', ['x', 'scales'], ['y'])],
    weights: [scales([1, 1, 2, 0.5])],
  },
  'a Scan of opset 8': { from: 8, to: 17, inputs: { x: [1, 2] }, outputs: ['y'], nodes: [node('Scan', ['', 'x'], ['y'])] },
  'GroupNormalization to 21': {
    from: 18,
    to: 21,
    inputs: { x: [1, 2, 3] },
    outputs: ['y'],
    nodes: [node('GroupNormalization', ['x', 's', 's'], ['y'], { num_groups: 1 })],
    weights: [weight('s', [1], [1])],
  },
  'an opset beyond the table': { from: 17, to: 99, inputs: { x: [1] }, outputs: ['y'], nodes: [node('Relu', ['x'], ['y'])] },
};

test.each(Object.entries(refused))('%s is refused, naming the place', (_, { from, to, ...graph }) => {
  const model = smallModel(from, graph);
  expect(() => upgradeOpset(model, to)).toThrowError(
    expect.objectContaining({ code: 'opset-upgrade-unsupported', field: expect.any(String), hint: expect.any(String) }),
  );
});
