/** A seed -> a small model that turns an image into a map of probabilities, and pipeline and release around it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelCard, PipelineInput, ReleaseView } from '@starling/shared';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { GraphSpec, NodeSpec, WeightSpec } from './onnx-file.ts';
import { writeOnnx } from './onnx-file.ts';
import type { RunningFleet } from './running-fleet.ts';

export const mapCard: ModelCard = {
  title: 'Map',
  description: 'A map of probabilities over an image.',
  task: 'text-detection',
  licence: 'Apache-2.0',
  exampleShapes: { x: [1, 3, 32, 32] },
};

/** Decode, scale, run the model `map`, find boxes. */
export const findBoxes: PipelineInput = {
  kind: 'pipeline',
  schemaVersion: 1,
  name: 'find-boxes',
  version: '1.0.0',
  inputs: { image: 'encoded-image' },
  outputs: { boxes: 'boxes' },
  nodes: {
    decode: { op: 'image.decode' },
    resize: { op: 'image.resize', params: { longestSide: 32 } },
    normalise: { op: 'image.to-tensor' },
    map: { model: 'map' },
    boxes: { op: 'dbnet.decode' },
  },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'resize.image' },
    { from: 'resize.image', to: 'normalise.image' },
    { from: 'normalise.tensor', to: 'map.x' },
    { from: 'map.y', to: 'boxes.map' },
    { from: 'decode.image', to: 'boxes.source' },
    { from: 'boxes.boxes', to: 'output.boxes' },
  ],
};

/**
 * Three channels to `width`, `layers` products of `width` by `width`, and to one: weights that do not compress, so that its size on the
 * wire is that on the disk.
 */
export function mapModel(seed: number, { width = 384, layers = 2 } = {}): GraphSpec {
  const random = xoroshiro128plus(seed);
  const weights: Record<string, WeightSpec> = {};
  const nodes: NodeSpec[] = [];
  let value = 'x';
  let channels = 3;
  for (let layer = 0; layer <= layers + 1; layer += 1) {
    const outputs = layer === layers + 1 ? 1 : width;
    const scale = 1 / Math.sqrt(channels);
    const values = Float32Array.from({ length: outputs * channels }, () => (random.next() / 2 ** 31) * scale);
    weights[`w${layer}`] = { shape: [outputs, channels, 1, 1], values };
    nodes.push({ op: 'Conv', inputs: [value, `w${layer}`], outputs: [`c${layer}`] });
    value = `c${layer}`;
    channels = outputs;
  }
  nodes.push({ op: 'Sigmoid', inputs: [value], outputs: ['y'] });
  return { nodes, weights, inputs: { x: image }, outputs: { y: map } };
}

const image = { type: 'float32', shape: [1, 3, 'h', 'w'] } as const;
const map = { type: 'float32', shape: [1, 1, 'h', 'w'] } as const;

/** Registers a graph as model `map`, builds it, and makes a release of it. */
export async function publishMapRelease(
  fleet: Pick<RunningFleet, 'folder' | 'operator'>,
  graph: GraphSpec,
  revision: number,
  pipelineVersion = findBoxes.version,
): Promise<ReleaseView> {
  const folder = join(fleet.folder, 'models');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `map-${revision}.onnx`);
  await writeFile(file, writeOnnx(graph));
  const model = await fleet.operator.pushModel({ name: 'map', version: `1.0.${revision}`, file, card: mapCard });
  await fleet.operator.waitForBuilds(model.digest);
  if (revision === 0) await fleet.operator.pushPipeline(findBoxes);
  return fleet.operator.createRelease({
    name: `find-boxes-${revision}`,
    pipeline: `${findBoxes.name}@${pipelineVersion}`,
    policies: {
      egress: { outputs: ['boxes'], edges: [], sinks: [] },
      capture: { enabled: false },
      retention: { resultDays: 30 },
      power: {},
    },
  });
}

/** A map model that goes through a loop so many times: 100,000 take about a second or less, 10^12 take for ever. */
export function loopModel(turns: number): GraphSpec {
  const scalar = { type: 'float32', shape: [] } as const;
  const flag = { type: 'bool', shape: [] } as const;
  const body: GraphSpec = {
    nodes: [
      { op: 'Identity', inputs: ['go'], outputs: ['goOn'] },
      { op: 'Add', inputs: ['sum', 'one'], outputs: ['next'] },
    ],
    weights: { one: { shape: [], values: new Float32Array([1]) } },
    inputs: { turn: { type: 'int64', shape: [] }, go: flag, sum: scalar },
    outputs: { goOn: flag, next: scalar },
  };
  return {
    nodes: [
      { op: 'ReduceMax', inputs: ['x'], outputs: ['largest'], attributes: { keepdims: 0 } },
      { op: 'Loop', inputs: ['turns', 'yes', 'largest'], outputs: ['sum'], attributes: { body } },
      { op: 'Mul', inputs: ['sum', 'zero'], outputs: ['nothing'] },
      { op: 'Conv', inputs: ['x', 'kernel'], outputs: ['c'] },
      { op: 'Add', inputs: ['c', 'nothing'], outputs: ['d'] },
      { op: 'Sigmoid', inputs: ['d'], outputs: ['y'] },
    ],
    weights: {
      turns: { shape: [], values: new BigInt64Array([BigInt(turns)]) },
      yes: { shape: [], values: new Uint8Array([1]) },
      zero: { shape: [], values: new Float32Array([0]) },
      kernel: { shape: [1, 3, 1, 1], values: new Float32Array([0.3, 0.3, 0.3]) },
    },
    inputs: { x: image },
    outputs: { y: map },
  };
}

/**
 * A map model that runs for many minutes on a picture with a white pixel, and at once on any other: it counts up to a number that grows
 * with what exceeds 2 in its normalised input, where white is 2.6.
 */
export function hangingModel(): GraphSpec {
  const scalar = { type: 'float32', shape: [] } as const;
  const flag = { type: 'bool', shape: [] } as const;
  const body: GraphSpec = {
    nodes: [
      { op: 'Identity', inputs: ['go'], outputs: ['goOn'] },
      { op: 'Add', inputs: ['sum', 'one'], outputs: ['next'] },
    ],
    weights: { one: { shape: [], values: new Float32Array([1]) } },
    inputs: { turn: { type: 'int64', shape: [] }, go: flag, sum: scalar },
    outputs: { goOn: flag, next: scalar },
  };
  const constant = (value: number): WeightSpec => ({ shape: [], values: new Float32Array([value]) });
  return {
    nodes: [
      { op: 'ReduceMax', inputs: ['x'], outputs: ['largest'], attributes: { keepdims: 0 } },
      { op: 'Sub', inputs: ['largest', 'limit'], outputs: ['over'] },
      { op: 'Relu', inputs: ['over'], outputs: ['overOnly'] },
      { op: 'Mul', inputs: ['overOnly', 'many'], outputs: ['turnsFloat'] },
      { op: 'Cast', inputs: ['turnsFloat'], outputs: ['turns'], attributes: { to: 7 } },
      { op: 'Loop', inputs: ['turns', 'yes', 'zero'], outputs: ['sum'], attributes: { body } },
      { op: 'Mul', inputs: ['sum', 'zero'], outputs: ['nothing'] },
      { op: 'Conv', inputs: ['x', 'kernel'], outputs: ['c'] },
      { op: 'Add', inputs: ['c', 'nothing'], outputs: ['d'] },
      { op: 'Sigmoid', inputs: ['d'], outputs: ['y'] },
    ],
    weights: {
      limit: constant(2),
      many: constant(1e10),
      zero: constant(0),
      yes: { shape: [], values: new Uint8Array([1]) },
      kernel: { shape: [1, 3, 1, 1], values: new Float32Array([0.3, 0.3, 0.3]) },
    },
    inputs: { x: image },
    outputs: { y: map },
  };
}

/**
 * A map model that is what it seems in fp32, and gives other numbers with every run as soon as its weights were rounded: where a weight
 * differs from its exact copy, noise is added. What the builder saw of such an artefact no device can repeat.
 */
export function noisyWhenRounded(seed: number, options?: { width?: number; layers?: number }): GraphSpec {
  const graph = mapModel(seed, options);
  const exact = graph.weights?.w1;
  if (exact === undefined) throw new Error('a map model has a second layer');
  const constant = (value: number): WeightSpec => ({ shape: [], values: new Float32Array([value]) });
  return {
    ...graph,
    nodes: [
      ...graph.nodes.map((node) => (node.op === 'Sigmoid' ? { ...node, outputs: ['clean'] } : node)),
      { op: 'Sub', inputs: ['w1', 'exact'], outputs: ['rounding'] },
      { op: 'Abs', inputs: ['rounding'], outputs: ['roundingSize'] },
      { op: 'ReduceMax', inputs: ['roundingSize'], outputs: ['roundingLargest'], attributes: { keepdims: 0 } },
      { op: 'Mul', inputs: ['roundingLargest', 'many'], outputs: ['noiseWanted'] },
      { op: 'Min', inputs: ['noiseWanted', 'limit'], outputs: ['noiseSize'] },
      { op: 'RandomUniformLike', inputs: ['clean'], outputs: ['noise'] },
      { op: 'Mul', inputs: ['noise', 'noiseSize'], outputs: ['noiseAdded'] },
      { op: 'Add', inputs: ['clean', 'noiseAdded'], outputs: ['y'] },
    ],
    weights: { ...graph.weights, exact, many: constant(1e9), limit: constant(0.2) },
  };
}

/** A map model whose every value is the logarithm of a negative number. */
export function notANumberModel(): GraphSpec {
  return {
    nodes: [
      { op: 'Conv', inputs: ['x', 'kernel'], outputs: ['c'] },
      { op: 'Sigmoid', inputs: ['c'], outputs: ['s'] },
      { op: 'Neg', inputs: ['s'], outputs: ['negative'] },
      { op: 'Log', inputs: ['negative'], outputs: ['y'] },
    ],
    weights: { kernel: { shape: [1, 3, 1, 1], values: new Float32Array([0.3, 0.3, 0.3]) } },
    inputs: { x: image },
    outputs: { y: map },
  };
}

/** 100 MB of float32: a builder has it, and a browser that was given less has not. */
const LARGE_ELEMENTS = 100 * 2 ** 18;
const one: WeightSpec = { shape: [1], values: new BigInt64Array([1n]) };
const number = (value: number): WeightSpec => ({ shape: [], values: new Float32Array([value]) });

/** Adds nothing to every value of `from`, and for that makes a tensor of as many elements as `elements` says. */
function addNothing(from: string, elements: string, to: string): NodeSpec[] {
  return [
    { op: 'Cast', inputs: [elements], outputs: ['count'], attributes: { to: 7 } },
    { op: 'Reshape', inputs: ['count', 'one'], outputs: ['shape'] },
    { op: 'ConstantOfShape', inputs: ['shape'], outputs: ['large'] },
    { op: 'ReduceSum', inputs: ['large'], outputs: ['nothing'], attributes: { keepdims: 0 } },
    { op: 'Add', inputs: [from, 'nothing'], outputs: [to] },
  ];
}

/**
 * A map model that takes 100 MB of memory when it is loaded, where constants are computed; or with every run; or with a picture that has a
 * white pixel alone.
 */
export function hungryModel(when: 'loaded' | 'run' | 'white'): GraphSpec {
  const elements: Readonly<Record<typeof when, NodeSpec[]>> = {
    loaded: [{ op: 'Mul', inputs: ['many', 'unit'], outputs: ['elements'] }],
    run: [
      { op: 'Mul', inputs: ['largest', 'zero'], outputs: ['none'] },
      { op: 'Add', inputs: ['none', 'many'], outputs: ['elements'] },
    ],
    white: [
      // White is 2.6 in a normalised picture.
      { op: 'Sub', inputs: ['largest', 'limit'], outputs: ['over'] },
      { op: 'Sign', inputs: ['over'], outputs: ['sign'] },
      { op: 'Relu', inputs: ['sign'], outputs: ['isWhite'] },
      { op: 'Mul', inputs: ['isWhite', 'many'], outputs: ['elements'] },
    ],
  };
  return {
    nodes: [
      ...(when === 'loaded' ? [] : [{ op: 'ReduceMax', inputs: ['x'], outputs: ['largest'], attributes: { keepdims: 0 } }]),
      ...elements[when],
      { op: 'Conv', inputs: ['x', 'kernel'], outputs: ['c'] },
      ...addNothing('c', 'elements', 'd'),
      { op: 'Sigmoid', inputs: ['d'], outputs: ['y'] },
    ],
    weights: {
      ...{ one, zero: number(0), unit: number(1), limit: number(2.5) },
      many: number(LARGE_ELEMENTS),
      kernel: { shape: [1, 3, 1, 1], values: new Float32Array([0.3, 0.3, 0.3]) },
    },
    inputs: { x: image },
    outputs: { y: map },
  };
}

/** A map model that takes 100 MB where its weights were rounded, and little where they are exact. */
export function hungryWhenRounded(seed: number, options?: { width?: number; layers?: number }): GraphSpec {
  const graph = mapModel(seed, options);
  const exact = graph.weights?.w1;
  if (exact === undefined) throw new Error('a map model has a second layer');
  return {
    ...graph,
    nodes: [
      { op: 'Sub', inputs: ['w1', 'exact'], outputs: ['rounding'] },
      { op: 'Abs', inputs: ['rounding'], outputs: ['roundingSize'] },
      { op: 'ReduceMax', inputs: ['roundingSize'], outputs: ['roundingLargest'], attributes: { keepdims: 0 } },
      { op: 'Sign', inputs: ['roundingLargest'], outputs: ['isRounded'] },
      { op: 'Mul', inputs: ['isRounded', 'many'], outputs: ['elements'] },
      ...graph.nodes.map((node) => (node.op === 'Sigmoid' ? { ...node, inputs: ['fed'] } : node)),
      ...addNothing(graph.nodes.at(-1)?.inputs[0] ?? '', 'elements', 'fed'),
    ].toSorted((left, right) => Number(left.op === 'Sigmoid') - Number(right.op === 'Sigmoid')),
    weights: { ...graph.weights, exact, one, many: number(LARGE_ELEMENTS) },
  };
}
