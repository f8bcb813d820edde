import { expect, test } from 'vitest';
import type { NodeProto, OnnxModel, TensorProto } from '../onnx/index.ts';
import { foldAffine } from './fold-affine.ts';
import { foldForward } from './fold-forward.ts';
import { changeAndCompare, feed, node, numbers, operators, type runModel, type SmallGraph, smallModel, weight } from './small-model.ts';

/** Runs a model, changes it, and runs it again; float rounding aside, the answer has to be the same. */
async function expectSame(
  model: OnnxModel,
  feeds: Parameters<typeof runModel>[1],
  change: (model: OnnxModel) => unknown,
): Promise<OnnxModel> {
  const { difference, changed } = await changeAndCompare(model, feeds, change);
  expect(difference).toBeLessThan(2e-5);
  return changed;
}

const normalise = (channels: number, input: string, output: string): { node: NodeProto; weights: TensorProto[] } => ({
  node: node('BatchNormalization', [input, 'scale', 'shift', 'mean', 'variance'], [output], { epsilon: { float: 0.001 } }),
  weights: [
    weight('scale', [channels], numbers(channels, 1)),
    weight('shift', [channels], numbers(channels, 2)),
    weight('mean', [channels], numbers(channels, 3)),
    weight('variance', [channels], numbers(channels, 4).map(Math.abs)),
  ],
});

const linears: Record<string, { shape: number[]; channels: number; node: NodeProto; weights: TensorProto[]; constant: number[] }> = {
  Conv: {
    shape: [2, 4, 5, 5],
    channels: 6,
    node: node('Conv', ['x', 'w', 'b'], ['c'], { group: 2, pads: [1, 1, 1, 1] }),
    weights: [weight('w', [6, 2, 3, 3], numbers(108, 5)), weight('b', [6], numbers(6, 6))],
    constant: [1, 6, 1, 1],
  },
  'ConvTranspose in groups': {
    shape: [1, 4, 5, 5],
    channels: 6,
    node: node('ConvTranspose', ['x', 'w'], ['c'], { group: 2, strides: [2, 2] }),
    weights: [weight('w', [4, 3, 2, 2], numbers(48, 7))],
    constant: [6, 1, 1],
  },
  'Gemm with factors': {
    shape: [3, 4],
    channels: 5,
    node: node('Gemm', ['x', 'w', 'b'], ['c'], { alpha: { float: 0.5 }, beta: { float: 2 } }),
    weights: [weight('w', [4, 5], numbers(20, 8)), weight('b', [1, 5], numbers(5, 9))],
    constant: [5],
  },
  'Gemm, transposed': {
    shape: [3, 4],
    channels: 5,
    node: node('Gemm', ['x', 'w'], ['c'], { transB: 1 }),
    weights: [weight('w', [5, 4], numbers(20, 8))],
    constant: [1, 5],
  },
};

const linearRows = Object.entries(linears).map(([title, each]) => ({ title, ...each }));

test.each(linearRows)('$title takes in BatchNormalization', async ({ shape, channels, node: linear, weights }) => {
  const normalisation = normalise(channels, 'c', 'y');
  const model = smallModel(13, {
    inputs: { x: shape },
    outputs: ['y'],
    nodes: [linear, normalisation.node],
    weights: [...weights, ...normalisation.weights],
  });
  const folded = await expectSame(model, feed(...shape), (copy) => {
    expect(foldAffine(copy)).toEqual({ batchNormalisations: 1, factorsAndSummands: 0 });
  });
  expect(operators(folded)).toEqual([linear.opType]);
});

test.each(linearRows)('$title takes in a chain of products and sums', async ({ shape, channels, node: linear, weights, constant }) => {
  const vector = (name: string, seed: number) =>
    weight(
      name,
      constant,
      numbers(channels, seed).map((value) => value + (value < 0 ? -0.5 : 0.5)),
    );
  const model = smallModel(13, {
    inputs: { x: shape },
    outputs: ['y'],
    nodes: [
      linear,
      node('Mul', ['m', 'c'], ['v1']),
      node('Sub', ['v1', 's'], ['v2']),
      node('Div', ['v2', 'd'], ['v3']),
      node('Sub', ['s', 'v3'], ['v4']),
      node('Add', ['v4', 'three'], ['y']),
    ],
    weights: [...weights, vector('m', 21), vector('s', 22), vector('d', 23), weight('three', [], [3])],
  });
  const folded = await expectSame(model, feed(...shape), (copy) => {
    expect(foldAffine(copy)).toEqual({ batchNormalisations: 0, factorsAndSummands: 5 });
  });
  expect(operators(folded)).toEqual([linear.opType]);
});

const kernel = weight('w', [2, 2, 1, 1], [1, 2, 3, 4]);
const pair = weight('m', [2, 1, 1], [2, 3]);
const left: Record<string, SmallGraph> = {
  'a weight that two convolutions share': {
    inputs: { x: [1, 2, 3, 3] },
    outputs: ['y', 'z'],
    nodes: [node('Conv', ['x', 'w'], ['c']), node('Mul', ['c', 'm'], ['y']), node('Conv', ['x', 'w'], ['z'])],
    weights: [kernel, pair],
  },
  'a convolution that something else reads': {
    inputs: { x: [1, 2, 3, 3] },
    outputs: ['y', 'z'],
    nodes: [node('Conv', ['x', 'w'], ['c']), node('Mul', ['c', 'm'], ['y']), node('Relu', ['c'], ['z'])],
    weights: [kernel, pair],
  },
  'a convolution whose value is an output': {
    inputs: { x: [1, 2, 3, 3] },
    outputs: ['c', 'y'],
    nodes: [node('Conv', ['x', 'w'], ['c']), node('Mul', ['c', 'm'], ['y'])],
    weights: [kernel, pair],
  },
  'a constant along another axis': {
    inputs: { x: [1, 2, 2, 2] },
    outputs: ['y'],
    nodes: [node('Conv', ['x', 'w'], ['c']), node('Mul', ['c', 'm'], ['y'])],
    weights: [kernel, weight('m', [2], [2, 3])],
  },
  'a constant that adds an axis': {
    inputs: { x: [1, 2, 2, 2] },
    outputs: ['y'],
    nodes: [node('Conv', ['x', 'w'], ['c']), node('Mul', ['c', 'm'], ['y'])],
    weights: [kernel, weight('m', [1, 1, 2, 1, 1], [2, 3])],
  },
  'a constant that is not finite': {
    inputs: { x: [1, 2, 2, 2] },
    outputs: ['y'],
    nodes: [node('Conv', ['x', 'w'], ['c']), node('Max', ['c', 'm'], ['v']), node('Add', ['c', 'm'], ['y'])],
    weights: [kernel, weight('m', [1], [Number.NEGATIVE_INFINITY])],
  },
  'a number divided by the value': {
    inputs: { x: [1, 2, 2, 2] },
    outputs: ['y'],
    nodes: [node('Conv', ['x', 'w'], ['c']), node('Div', ['m', 'c'], ['y'])],
    weights: [kernel, pair],
  },
};

test.each(Object.entries(left))('%s is left as it is', (_, graph) => {
  expect(foldAffine(smallModel(13, graph))).toEqual({ batchNormalisations: 0, factorsAndSummands: 0 });
});

const readers = (pads: number[]): { nodes: NodeProto[]; weights: TensorProto[] } => ({
  nodes: [node('Conv', ['v', 'w', 'b'], ['y'], { pads, group: 2 }), node('Conv', ['v', 'u'], ['z'], { pads: [0, 0, 0, 0] })],
  weights: [weight('w', [4, 2, 3, 3], numbers(72, 31)), weight('b', [4], numbers(4, 32)), weight('u', [3, 4, 1, 1], numbers(12, 33))],
});
const vector = weight('m', [4, 1, 1], [2, -3, 0.5, 1.5]);
const forward: Record<string, { nodes: NodeProto[]; weights: TensorProto[]; left: string[] }> = {
  'a factor, over padding': {
    nodes: [node('Mul', ['m', 'x'], ['v']), ...readers([1, 1, 1, 1]).nodes],
    weights: [vector],
    left: ['Conv', 'Conv'],
  },
  'a divisor': { nodes: [node('Div', ['x', 'm'], ['v']), ...readers([1, 1, 1, 1]).nodes], weights: [vector], left: ['Conv', 'Conv'] },
  'a summand, without padding': {
    nodes: [node('Sub', ['x', 'm'], ['v']), ...readers([0, 0, 0, 0]).nodes],
    weights: [vector],
    left: ['Conv', 'Conv'],
  },
  'a difference from a constant': {
    nodes: [node('Sub', ['m', 'x'], ['v']), ...readers([0, 0, 0, 0]).nodes],
    weights: [vector],
    left: ['Conv', 'Conv'],
  },
  'no summand over padding': {
    nodes: [node('Add', ['x', 'm'], ['v']), ...readers([1, 1, 1, 1]).nodes],
    weights: [vector],
    left: ['Add', 'Conv', 'Conv'],
  },
  'a factor across a summand': {
    nodes: [node('Mul', ['x', 'm'], ['s']), node('Add', ['t', 's'], ['v']), ...readers([1, 1, 1, 1]).nodes],
    weights: [vector, weight('t', [1], [0.7])],
    left: ['Add', 'Conv', 'Conv'],
  },
  'no factor across a summand that would grow too large': {
    nodes: [node('Mul', ['x', 'm'], ['s']), node('Add', ['t', 's'], ['v']), ...readers([1, 1, 1, 1]).nodes],
    weights: [weight('m', [], [1e-4]), weight('t', [1], [0.7])],
    left: ['Mul', 'Add', 'Conv', 'Conv'],
  },
  'both, without padding': {
    nodes: [node('Mul', ['x', 'm'], ['s']), node('Add', ['t', 's'], ['v']), ...readers([0, 0, 0, 0]).nodes],
    weights: [vector, weight('t', [1], [0.7])],
    left: ['Conv', 'Conv'],
  },
};

test.each(Object.entries(forward))('convolutions take in what they read: %s', async (_, { nodes, weights, left: expected }) => {
  const model = smallModel(13, { inputs: { x: [2, 4, 5, 5] }, outputs: ['y', 'z'], nodes, weights: [...weights, ...readers([]).weights] });
  const folded = await expectSame(model, feed(2, 4, 5, 5), (copy) => foldForward(copy));
  expect(operators(folded)).toEqual(expected);
});

test('what something else reads too is not folded forward', () => {
  const nodes = [node('Mul', ['m', 'x'], ['v']), ...readers([0, 0, 0, 0]).nodes, node('Relu', ['v'], ['r'])];
  const model = smallModel(13, { inputs: { x: [2, 4, 5, 5] }, outputs: ['y', 'z', 'r'], nodes, weights: [vector, ...readers([]).weights] });
  expect(foldForward(model)).toBe(0);
});
