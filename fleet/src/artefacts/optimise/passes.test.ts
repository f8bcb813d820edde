import { expect, test } from 'vitest';
import type { NodeProto, OnnxModel } from '../onnx/index.ts';
import { fixDimensions } from './fix-dimensions.ts';
import { foldConstants } from './fold-constants.ts';
import { liftConstants } from './lift-constants.ts';
import { recogniseActivations } from './recognise-activations.ts';
import { mergeInitialisers, removeDead } from './remove-dead.ts';
import { changeAndCompare, feed, integers, node, operators, type runModel, smallGraph, smallModel, weight } from './small-model.ts';

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
