import { expect, test } from 'vitest';
import type { NodeProto, OnnxModel, TensorProto } from '../onnx/index.ts';
import { fixDimensions } from './fix-dimensions.ts';
import { foldAffine } from './fold-affine.ts';
import { foldConstants } from './fold-constants.ts';
import { foldForward } from './fold-forward.ts';
import { liftConstants } from './lift-constants.ts';
import { recogniseActivations } from './recognise-activations.ts';
import { mergeInitialisers, removeDead } from './remove-dead.ts';
import { copyOf, differenceOf, integers, node, numbers, runModel, type SmallGraph, smallGraph, smallModel, weight } from './small-model.ts';

const feed = (...dims: number[]) => ({
  x: {
    dims,
    data: numbers(
      dims.reduce((product, side) => product * side, 1),
      17,
      4,
    ),
  },
});

/** Runs a model, changes it, and runs it again; float rounding aside, the answer has to be the same. */
async function expectSame(model: OnnxModel, feeds: ReturnType<typeof feed>, change: (model: OnnxModel) => unknown): Promise<OnnxModel> {
  const before = await runModel(model, feeds);
  const changed = copyOf(model);
  await change(changed);
  const written = copyOf(changed);
  expect(differenceOf(before, await runModel(written, feeds))).toBeLessThan(2e-5);
  return written;
}

const operators = (model: OnnxModel): string[] => model.graph.node.map(({ opType }) => opType);

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

const three = weight('three', [], [3]);
const clipped: NodeProto[] = [node('Add', ['x', 'three'], ['a']), node('Clip', ['a', 'zero', 'six'], ['c'])];
const constants = [
  three,
  weight('minusThree', [], [-3]),
  weight('zero', [], [0]),
  weight('six', [], [6]),
  weight('sixth', [1], [1 / 6]),
  weight('half', [], [0.5]),
  weight('one', [], [1]),
];
const swishes: Record<string, NodeProto[]> = {
  'Mul, then Div': [...clipped, node('Mul', ['x', 'c'], ['m']), node('Div', ['m', 'six'], ['y'])],
  'Mul the other way, then Mul by 1/6': [...clipped, node('Mul', ['c', 'x'], ['m']), node('Mul', ['sixth', 'm'], ['y'])],
  'Div, then Mul': [...clipped, node('Div', ['c', 'six'], ['m']), node('Mul', ['x', 'm'], ['y'])],
  'Div of the input': [...clipped, node('Div', ['x', 'six'], ['m']), node('Mul', ['m', 'c'], ['y'])],
  'Sub of -3': [
    node('Sub', ['x', 'minusThree'], ['a']),
    node('Clip', ['a', 'zero', 'six'], ['c']),
    node('Mul', ['x', 'c'], ['m']),
    node('Mul', ['m', 'sixth'], ['y']),
  ],
  'scaled before the Clip': [
    node('Mul', ['sixth', 'x'], ['s']),
    node('Add', ['half', 's'], ['a']),
    node('Clip', ['a', 'zero', 'one'], ['c']),
    node('Mul', ['c', 'x'], ['y']),
  ],
};

test.each(Object.entries(swishes))('hard-swish is seen: %s', async (_, nodes) => {
  const model = smallModel(13, { inputs: { x: [2, 40] }, outputs: ['y'], nodes, weights: constants });
  const found = await expectSame(model, feed(2, 40), (copy) => {
    expect(recogniseActivations(copy)).toEqual({ hardSwishes: 1, hardSigmoids: 0 });
  });
  expect(operators(found)).toEqual(['HardSigmoid', 'Mul']);
});

const sigmoids: Record<string, NodeProto[]> = {
  'Clip and Div': [...clipped, node('Div', ['c', 'six'], ['y'])],
  'Clip to 1': [node('Div', ['x', 'six'], ['s']), node('Add', ['s', 'half'], ['a']), node('Clip', ['a', 'zero', 'one'], ['y'])],
};

test.each(Object.entries(sigmoids))('hard-sigmoid is seen: %s', async (_, nodes) => {
  const model = smallModel(13, { inputs: { x: [2, 40] }, outputs: ['y'], nodes, weights: constants });
  const found = await expectSame(model, feed(2, 40), (copy) => {
    expect(recogniseActivations(copy)).toEqual({ hardSwishes: 0, hardSigmoids: 1 });
  });
  expect(operators(found)).toEqual(['HardSigmoid']);
});

test.each(
  Object.entries({
    'relu6 of a sum': [...clipped, node('Relu', ['c'], ['y'])],
    'a product with another value': [
      ...clipped,
      node('Neg', ['x'], ['n']),
      node('Mul', ['n', 'c'], ['m']),
      node('Div', ['m', 'six'], ['y']),
    ],
    'a wrong divisor': [...clipped, node('Mul', ['x', 'c'], ['m']), node('Div', ['m', 'three'], ['y'])],
  }),
)('%s is none of them', (_, nodes) => {
  const model = smallModel(13, { inputs: { x: [2, 4] }, outputs: ['y'], nodes, weights: constants });
  expect(recogniseActivations(model)).toEqual({ hardSwishes: 0, hardSigmoids: 0 });
  expect(operators(model)).toEqual(nodes.map(({ opType }) => opType));
});

test('a Clip that something else reads keeps its spelling', () => {
  const nodes = [...clipped, node('Mul', ['x', 'c'], ['m']), node('Div', ['m', 'six'], ['y'])];
  const model = smallModel(13, { inputs: { x: [2, 4] }, outputs: ['y', 'c'], nodes, weights: constants });
  expect(recogniseActivations(model)).toEqual({ hardSwishes: 0, hardSigmoids: 0 });
});

test('constants become initialisers, in subgraphs too, but an output stays a node', async () => {
  const tensor = (name: string, value: number): NodeProto => ({
    ...node('Constant', [], [name]),
    attribute: [{ name: 'value', type: 4, t: weight('', [1], [value]) }],
  });
  const branch = (value: number) => ({
    graph: smallGraph({ inputs: {}, outputs: ['r'], nodes: [tensor('k', value), node('Add', ['x', 'k'], ['r'])] }),
  });
  const model = smallModel(13, {
    inputs: { x: [3] },
    outputs: ['y', 'fixed'],
    nodes: [
      node('Constant', [], ['f'], { value_float: { float: 2.5 } }),
      node('Constant', [], ['i'], { value_ints: [3] }),
      tensor('fixed', 4),
      node('Expand', ['f', 'i'], ['e']),
      node('ReduceSum', ['x'], ['sum'], { keepdims: 0 }),
      node('Cast', ['sum'], ['positive'], { to: 9 }),
      node('If', ['positive'], ['chosen'], { then_branch: branch(10), else_branch: branch(20) }),
      node('Add', ['chosen', 'e'], ['y']),
    ],
  });
  const lifted = await expectSame(model, feed(3), (copy) => {
    expect(liftConstants(copy)).toBe(4);
  });
  expect(operators(lifted).filter((operator) => operator === 'Constant')).toHaveLength(1);
});

test('an initialiser that is listed as an input becomes a constant', () => {
  const model = smallModel(
    9,
    { inputs: { x: [3], w: [3] }, outputs: ['y'], nodes: [node('Add', ['x', 'w'], ['y'])], weights: [weight('w', [3], [1, 2, 3])] },
    3,
  );
  expect(liftConstants(model)).toBe(1);
  expect(model.graph.input.map(({ name }) => name)).toEqual(['x']);
});

test('what no output depends on goes', async () => {
  const model = smallModel(13, {
    inputs: { x: [3], unused: [1] },
    outputs: ['y'],
    nodes: [
      node('Relu', ['x'], ['a']),
      node('Mul', ['a', 'w'], ['dead1']),
      node('Exp', ['dead1'], ['dead2']),
      node('Add', ['a', 'b'], ['y']),
    ],
    weights: [weight('w', [3], [1, 2, 3]), weight('b', [3], [1, 2, 3]), weight('c', [1], [1])],
  });
  const feeds = { ...feed(3), unused: { dims: [1], data: [0] } };
  const kept = await expectSame(model, feeds, (copy) => {
    expect(removeDead(copy)).toEqual({ nodes: 2, initialisers: 2 });
  });
  expect(kept.graph.input.map(({ name }) => name)).toEqual(['x', 'unused']);
});

test('of equal initialisers one is kept', async () => {
  const model = smallModel(13, {
    inputs: { x: [3] },
    outputs: ['y'],
    nodes: [node('Add', ['x', 'a'], ['v']), node('Mul', ['v', 'b'], ['u']), node('Sub', ['u', 'c'], ['y'])],
    weights: [weight('a', [3], [1, 2, 3]), weight('b', [3], [1, 2, 3]), weight('c', [1, 3], [1, 2, 3])],
  });
  const merged = await expectSame(model, feed(3), (copy) => {
    expect(mergeInitialisers(copy)).toBe(1);
  });
  expect(merged.graph.initializer.map(({ name }) => name)).toEqual(['a', 'c']);
});

test('free dimensions are fixed wherever their symbol stands', async () => {
  const model = smallModel(13, { inputs: { x: ['n', 3, 's', 's'] }, outputs: ['y'], nodes: [node('Relu', ['x'], ['y'])] });
  await expectSame(model, feed(2, 3, 4, 4), (copy) => {
    expect(fixDimensions(copy, { x: [2, 3, 4, 4] })).toBe(3);
    expect(copy.graph.input[0]?.type?.tensorType?.shape?.dim.map(({ dimValue }) => Number(dimValue))).toEqual([2, 3, 4, 4]);
  });
});

test.each([
  ['another rank', { x: [2, 3] }, 'shape-mismatch'],
  ['another fixed side', { x: [1, 4, 2, 2] }, 'shape-mismatch'],
  ['two lengths of one symbol', { x: [1, 3, 2, 5] }, 'shape-mismatch'],
  ['an unknown input', { z: [1] }, 'unknown-input'],
])('%s is refused', (_, fixedShapes, code) => {
  const model = smallModel(13, { inputs: { x: ['n', 3, 's', 's'] }, outputs: ['y'], nodes: [node('Relu', ['x'], ['y'])] });
  expect(() => fixDimensions(model, fixedShapes as unknown as Record<string, number[]>)).toThrowError(
    expect.objectContaining({ code, field: expect.stringContaining('fixedShapes.') }),
  );
});

test('what does not depend on inputs is computed', async () => {
  const model = smallModel(13, {
    inputs: { x: [2, 6] },
    outputs: ['y'],
    nodes: [
      node('Shape', ['x'], ['s']),
      node('Gather', ['s', 'last'], ['g']),
      node('Concat', ['g', 'rest'], ['sides'], { axis: 0 }),
      node('Reshape', ['x', 'sides'], ['r']),
      node('Exp', ['w'], ['e']),
      node('Mul', ['r', 'e'], ['y']),
    ],
    weights: [integers('last', [1]), integers('rest', [2]), weight('w', [2], [1, 2])],
  });
  const folded = await expectSame(model, feed(2, 6), async (copy) => {
    expect(await foldConstants(copy)).toBeUndefined();
  });
  expect(operators(folded)).toEqual(['Reshape', 'Mul']);
  expect(folded.opsetImport).toHaveLength(1);
});

test('half precision is not folded', async () => {
  const model = smallModel(13, {
    inputs: { x: [2] },
    outputs: ['y'],
    nodes: [node('Cast', ['x'], ['h'], { to: 10 }), node('Cast', ['h'], ['y'], { to: 1 })],
  });
  expect(await foldConstants(model)).toContain('half precision');
  expect(operators(model)).toEqual(['Cast', 'Cast']);
});
