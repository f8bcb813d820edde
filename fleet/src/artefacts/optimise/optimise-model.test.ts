import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NodeProto, TensorProto } from '../onnx/index.ts';
import { optimiseModel } from './optimise-model.ts';
import { copyOf, differenceOf, node, numbers, runModel, type SmallGraph, smallModel, weight } from './small-model.ts';

const CHANNELS = 4;

/** Steps from a value of [n, 4, h, w] to another; what they are made of is drawn. */
const steps: readonly ((input: string, output: string, seed: number) => { nodes: NodeProto[]; weights: TensorProto[] })[] = [
  (input, output, seed) => ({
    nodes: [node('Conv', [input, `${output}_w`, `${output}_b`], [output], { pads: [1, 1, 1, 1] })],
    weights: [
      weight(`${output}_w`, [CHANNELS, CHANNELS, 3, 3], numbers(144, seed, 0.4)),
      weight(`${output}_b`, [CHANNELS], numbers(CHANNELS, seed)),
    ],
  }),
  (input, output, seed) => ({
    nodes: [node('Conv', [input, `${output}_w`], [output], { group: CHANNELS })],
    weights: [weight(`${output}_w`, [CHANNELS, 1, 1, 1], numbers(CHANNELS, seed))],
  }),
  (input, output, seed) => ({
    nodes: [node('BatchNormalization', [input, ...['g', 's', 'm', 'v'].map((part) => `${output}_${part}`)], [output])],
    weights: ['g', 's', 'm', 'v'].map((part, index) =>
      weight(
        `${output}_${part}`,
        [CHANNELS],
        numbers(CHANNELS, seed + index).map((value) => (part === 'v' ? Math.abs(value) + 0.1 : value)),
      ),
    ),
  }),
  ...(['Mul', 'Add', 'Sub'] as const).map((operator) => (input: string, output: string, seed: number) => ({
    nodes: [node(operator, seed % 2 === 0 ? [input, `${output}_c`] : [`${output}_c`, input], [output])],
    weights: [weight(`${output}_c`, seed % 3 === 0 ? [] : [1, CHANNELS, 1, 1], numbers(seed % 3 === 0 ? 1 : CHANNELS, seed))],
  })),
  (input, output) => ({
    nodes: [
      node('Add', [input, 'three'], [`${output}_a`]),
      node('Clip', [`${output}_a`], [`${output}_c`], { min: { float: 0 }, max: { float: 6 } }),
      node('Mul', [`${output}_c`, input], [`${output}_m`]),
      node('Div', [`${output}_m`, 'six'], [output]),
    ],
    weights: [],
  }),
  (input, output) => ({ nodes: [node('Relu', [input], [output])], weights: [] }),
  (input, output) => ({ nodes: [node('Softmax', [input], [output], { axis: 1 })], weights: [] }),
  (input, output) => ({ nodes: [node('Dropout', [input], [output, `${output}_mask`])], weights: [] }),
  (input, output) => ({
    nodes: [node('ReduceSum', [input], [`${output}_r`], { axes: [2, 3] }), node('Add', [input, `${output}_r`], [output])],
    weights: [],
  }),
];

const stepArbitrary = fc.record({ kind: fc.nat(steps.length - 1), seed: fc.nat(10_000), back: fc.nat(2) });

/** A chain in which a step may read an earlier value than the last one, so that values have several readers and some have none. */
function drawnGraph(drawn: readonly { kind: number; seed: number; back: number }[]): SmallGraph {
  const values = ['x'];
  const graph = {
    inputs: { x: ['n', CHANNELS, 'h', 'w'] },
    nodes: [] as NodeProto[],
    weights: [weight('three', [], [3]), weight('six', [], [6])],
  };
  for (const [index, { kind, seed, back }] of drawn.entries()) {
    const output = `v${index}`;
    const step = steps[kind]?.(values.at(-1 - Math.min(back, values.length - 1)) ?? 'x', output, seed);
    graph.nodes.push(...(step?.nodes ?? []));
    graph.weights.push(...(step?.weights ?? []));
    values.push(output);
  }
  return { ...graph, outputs: [...new Set([values.at(-1) ?? 'x', values[Math.ceil(values.length / 2)] ?? 'x'])] };
}

test('a drawn graph gives the same before and after', async () => {
  const dims = [2, CHANNELS, 5, 3];
  const feeds = { x: { dims, data: numbers(120, 3) } };
  const property = fc.asyncProperty(fc.array(stepArbitrary, { minLength: 1, maxLength: 9 }), fc.boolean(), async (drawn, fixed) => {
    const model = smallModel(9, drawnGraph(drawn));
    const before = await runModel(model, feeds);
    const optimised = copyOf(model);
    await optimiseModel(optimised, fixed ? { fixedShapes: { x: dims } } : {});
    expect(differenceOf(before, await runModel(copyOf(optimised), feeds))).toBeLessThan(1e-4);
  });
  await fc.assert(property, { numRuns: 40, seed: 1 });
});

test('the report says what was done', async () => {
  const model = smallModel(11, {
    inputs: { x: ['n', 2, 'h', 'w'] },
    outputs: ['y'],
    nodes: [
      node('Conv', ['x', 'w'], ['c']),
      node('Mul', ['c', 'm'], ['p']),
      node('Add', ['p', 'three'], ['a']),
      node('Clip', ['a', 'zero', 'six'], ['l']),
      node('Mul', ['p', 'l'], ['n']),
      node('Div', ['n', 'six'], ['h']),
      node('Unsqueeze', ['h'], ['y'], { axes: [0] }),
    ],
    weights: [
      weight('w', [2, 2, 1, 1], [1, 2, 3, 4]),
      weight('m', [2, 1, 1], [2, 3]),
      weight('three', [], [3]),
      weight('zero', [], [0]),
      weight('six', [], [6]),
    ],
  });
  const { notes, counts } = await optimiseModel(model, { fixedShapes: { x: [1, 2, 4, 4] } });
  expect(notes).toEqual(['opset 11 became 17']);
  expect(counts).toMatchObject({ upgradedNodes: 1, fixedDimensions: 3, hardSwishes: 1, foldedFactorsAndSummands: 1 });
  expect(model.graph.node.map(({ opType }) => opType)).toEqual(['Conv', 'HardSigmoid', 'Mul', 'Unsqueeze']);
});

test('a model that ONNX Runtime refuses is an error with a code', async () => {
  const model = smallModel(13, { inputs: { x: [1] }, outputs: ['y'], nodes: [node('NoSuchOperator', ['x'], ['y'])] });
  await expect(optimiseModel(model)).rejects.toMatchObject({ code: 'invalid-model' });
});
