import { buildRecipeSchema, goldenInput, isStarlingError, type LayerReport } from '@starling/shared';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import type { ApplyRecipe, FeedSource, Feeds, Ranges } from '../contracts.ts';
import { bytesOf, floatsOf } from '../onnx/graph.ts';
import { type OnnxModel, readModel, writeModel } from '../onnx/index.ts';
import type { NodeProto } from '../onnx/proto.ts';
import { bySensitivity, measureSensitivity } from './measure.ts';

const FLOAT = 1;
const UINT8 = 2;
const SIDE = 24;
const type = { tensorType: { elemType: FLOAT, shape: { dim: [{ dimValue: 1 }, { dimValue: SIDE }] } } };
const recipe = buildRecipeSchema.parse({ method: 'static-int8' });
const open = (model: OnnxModel) => InferenceSession.create(writeModel(model), { intraOpNumThreads: 1, logSeverityLevel: 4 });

/** Three products; one huge weight makes the scale of the second coarse. Read back, as a pushed model is. */
function network(): OnnxModel {
  const weight = (name: string, seed: number, huge = 0) => {
    const values = goldenInput(seed, SIDE * SIDE);
    if (huge > 0) values[7] = huge;
    return { name, dims: [SIDE, SIDE], dataType: FLOAT, rawData: bytesOf(values) };
  };
  const node = (name: string, opType: string, input: string[], output: string) => ({
    name,
    opType,
    input,
    output: [output],
    attribute: [],
  });
  const graph = {
    name: 'network',
    node: [
      node('first', 'MatMul', ['x', 'w1'], 'a'),
      node('relu', 'Relu', ['a'], 'b'),
      node('second', 'MatMul', ['b', 'w2'], 'c'),
      node('third', 'MatMul', ['c', 'w3'], 'y'),
    ],
    initializer: [weight('w1', 1), weight('w2', 2, 40), weight('w3', 3)],
    input: [{ name: 'x', type }],
    output: [{ name: 'y', type }],
  };
  return readModel(writeModel({ irVersion: 8, opsetImport: [{ domain: '', version: 13 }], graph }));
}

/** A plain method: inputs of products through QuantizeLinear and back, weights rounded to 255 levels, both in one scale. */
const roundProducts: ApplyRecipe = (model, { keepInFloat }, ranges) => {
  const { graph } = model;
  const added: NodeProto[] = [];
  for (const node of graph.node) {
    if (node.opType !== 'MatMul' || keepInFloat.some((name) => name === node.name)) continue;
    const [input = '', weightName] = node.input;
    const weight = graph.initializer.find(({ name }) => name === weightName);
    const range = ranges.get(input);
    if (weight === undefined || range === undefined) continue;
    const values = floatsOf(weight);
    const step = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / 127;
    weight.rawData = bytesOf(values.map((value) => Math.round(value / step) * step));
    const scale = (Math.max(0, range.maximum) - Math.min(0, range.minimum)) / 255;
    const zeroPoint = Math.round(-Math.min(0, range.minimum) / scale);
    const own = `${input}/${node.name}`;
    graph.initializer.push(
      { name: `${own}/scale`, dims: [], dataType: FLOAT, rawData: bytesOf(Float32Array.of(scale)) },
      { name: `${own}/zero`, dims: [], dataType: UINT8, rawData: Uint8Array.of(zeroPoint) },
    );
    const quantise = (opType: string, from: string, to: string): NodeProto => ({
      name: to,
      opType,
      input: [from, `${own}/scale`, `${own}/zero`],
      output: [to],
      attribute: [],
    });
    added.push(quantise('QuantizeLinear', input, `${own}/q`), quantise('DequantizeLinear', `${own}/q`, `${own}/dq`));
    node.input = [`${own}/dq`, weightName ?? ''];
  }
  graph.node = [...graph.node, ...added];
  return { quantisedTensors: added.length / 2, layers: [], notes: [] };
};

/** Inputs of products, as the method above needs them. */
const productInputs = (model: OnnxModel): string[] =>
  model.graph.node.flatMap(({ opType, input }) => (opType === 'MatMul' ? [input[0] ?? ''] : []));

const inputs = [11, 12, 13].map((seed) => new Tensor('float32', goldenInput(seed, SIDE), [1, SIDE]));
const samples: FeedSource = {
  samples: inputs.length,
  async *feeds(): AsyncGenerator<Feeds> {
    for (const x of inputs) yield { x };
  },
};
const ranges: Ranges = new Map([
  ['x', { minimum: -1, maximum: 1 }],
  ['b', { minimum: 0, maximum: 8 }],
  ['c', { minimum: -60, maximum: 60 }],
]);
const layer = (node: string, operator = 'MatMul'): LayerReport => ({ node, operator, signalToNoiseDb: null, inFloat: false });
const layers = [layer('first'), layer('second'), layer('third')];

/** The same by the long way: a model in which only one layer is quantised, its output against that of the float model. */
async function aloneDb(name: string, output: string): Promise<number> {
  const showing = (model: OnnxModel): OnnxModel => ({ ...model, graph: { ...model.graph, output: [{ name: output }] } });
  const quantised = network();
  roundProducts(quantised, { ...recipe, keepInFloat: layers.map(({ node }) => node).filter((node) => node !== name) }, ranges);
  const [float, alone] = [await open(showing(network())), await open(showing(quantised))];
  let [signal, noise] = [0, 0];
  for (const x of inputs) {
    const expected = (await float.run({ x }))[output]?.data as Float32Array;
    const actual = (await alone.run({ x }))[output]?.data as Float32Array;
    for (const [place, value] of expected.entries()) {
      signal += value ** 2;
      noise += (value - (actual[place] ?? Number.NaN)) ** 2;
    }
  }
  await Promise.all([float.release(), alone.release()]);
  return 10 * Math.log10(signal / noise);
}

test('the ratio of each layer is that of quantising it alone, from one session', async () => {
  let sessions = 0;
  const model = network();
  const before = writeModel(model);
  const settings = { model, layers, recipe, ranges, apply: roundProducts, edges: productInputs, samples };
  const measured = await measureSensitivity({
    ...settings,
    open: (each) => {
      sessions += 1;
      return open(each);
    },
  });
  expect(sessions).toBe(1);
  const alone: [name: string, ratioDb: number][] = [];
  for (const [name, output] of [
    ['first', 'b'],
    ['second', 'c'],
    ['third', 'y'],
  ] as const) {
    const ratio = measured.find(({ node }) => node === name)?.signalToNoiseDb ?? Number.NaN;
    alone.push([name, await aloneDb(name, output)]);
    expect(ratio, name).toBeCloseTo(alone.at(-1)?.[1] ?? Number.NaN, 2);
  }
  expect(bySensitivity(measured)).toEqual(alone.sort((a, b) => a[1] - b[1]).map(([name]) => name));
  expect(writeModel(model), 'the model itself is not changed').toEqual(before);
});

test('layers that the method leaves alone have no noise, unknown ones no ratio', async () => {
  const kept = { ...recipe, keepInFloat: ['third'] };
  const asked = [...layers, layer('nowhere')];
  const measured = await measureSensitivity({
    model: network(),
    layers: asked,
    recipe: kept,
    ranges,
    apply: roundProducts,
    edges: productInputs,
    samples,
    open,
  });
  expect(measured.map(({ node, signalToNoiseDb }) => [node, signalToNoiseDb === 200, signalToNoiseDb === null])).toEqual([
    ['first', false, false],
    ['second', false, false],
    ['third', true, false],
    ['nowhere', false, true],
  ]);
  expect(bySensitivity(measured).at(-1)).toBe('nowhere');
});

test('a range that only a layer by itself needs is found', async () => {
  const withoutThird: Ranges = new Map([...ranges].filter(([value]) => value !== 'c'));
  const settings = { model: network(), layers, recipe, apply: roundProducts, edges: productInputs, samples, open };
  const measured = await measureSensitivity({ ...settings, ranges: withoutThird });
  const third = measured.find(({ node }) => node === 'third')?.signalToNoiseDb ?? Number.NaN;
  expect(third).toBeGreaterThan(20);
  expect(third).toBeLessThan(60);
});

test('layers that are in float already are neither measured nor tried', async () => {
  const asked = layers.map((each) => ({ ...each, inFloat: each.node === 'first' }));
  const settings = { model: network(), recipe, ranges, apply: roundProducts, edges: productInputs, samples, open };
  const measured = await measureSensitivity({ ...settings, layers: asked });
  expect(measured.map(({ signalToNoiseDb }) => signalToNoiseDb === null)).toEqual([true, false, false]);
  expect(bySensitivity(measured).toSorted()).toEqual(['second', 'third']);
});

test('samples that the model cannot run say so', async () => {
  const wrong: FeedSource = {
    samples: 1,
    async *feeds() {
      yield { x: new Tensor('float32', new Float32Array(3), [1, 3]) };
    },
  };
  const settings = { model: network(), layers, recipe, ranges, apply: roundProducts, edges: productInputs, samples: wrong, open };
  const code = await measureSensitivity(settings).then(
    () => 'none',
    (error: unknown) => (isStarlingError(error) ? error.code : error),
  );
  expect(code).toBe('sensitivity-failed');
});
