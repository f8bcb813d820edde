/** Random small networks and what ONNX Runtime makes of them, in float and quantised. For tests. */
import { type BuildRecipeInput, buildRecipeSchema } from '@starling/shared';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ChangeReport, FeedSource, ValueRange } from '../contracts.ts';
import {
  type AttributeValue,
  makeNode,
  makeTensor,
  type NodeProto,
  type OnnxModel,
  readModel,
  type TensorProto,
  writeModel,
} from '../onnx/index.ts';
import { measureChannelMeans } from './channel-means.ts';
import { prepareForQuantising } from './prepare.ts';
import { productInputs, quantisedEdges, quantiseStatic } from './quantise-static.ts';

/** Numbers from -1 to 1 that are the same each time (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

export interface Network {
  nodes: NodeProto[];
  constants: TensorProto[];
  input: readonly number[];
  output?: string;
}

export class NetworkBuilder {
  readonly nodes: NodeProto[] = [];
  readonly constants: TensorProto[] = [];
  private readonly random: () => number;

  constructor(seed = 1) {
    this.random = randomNumbers(seed);
  }

  weight(dims: readonly number[], scale = 1, each?: (index: number) => number): string {
    const length = dims.reduce((product, side) => product * side, 1);
    const name = `w${this.constants.length}`;
    const values = Float32Array.from({ length }, (_, index) => (each === undefined ? this.random() * scale : each(index)));
    this.constants.push(makeTensor(name, 'float', dims, values));
    return name;
  }

  integers(values: readonly number[]): string {
    const name = `w${this.constants.length}`;
    this.constants.push(makeTensor(name, 'int64', [values.length], values));
    return name;
  }

  add(type: string, inputs: readonly string[], attributes: Record<string, AttributeValue> = {}, outputs = 1): string {
    const names = Array.from({ length: outputs }, (_, index) => `v${this.nodes.length}${index === 0 ? '' : `_${index}`}`);
    this.nodes.push(makeNode(type, inputs, names, { name: `n${this.nodes.length}`, attributes }));
    return names[0] ?? '';
  }

  conv(input: string, inputs: number, outputs: number, side = 1, group = 1): string {
    const pad = side >> 1;
    const weight = this.weight([outputs, inputs / group, side, side], 1 / Math.sqrt((inputs / group) * side * side));
    return this.add('Conv', [input, weight, this.weight([outputs], 0.2)], {
      pads: { ints: [pad, pad, pad, pad] },
      group: { int: group },
    });
  }

  build(input: readonly number[], opset = 17): OnnxModel {
    const valueInfo = (name: string, sides?: readonly number[]) => ({
      name,
      type: { tensorType: { elemType: 1, ...(sides === undefined ? {} : { shape: { dim: sides.map((dimValue) => ({ dimValue })) } }) } },
    });
    const last = this.nodes.at(-1)?.output[0] ?? '';
    return {
      irVersion: 8,
      opsetImport: [{ domain: '', version: opset }],
      graph: { name: 'g', node: this.nodes, initializer: this.constants, input: [valueInfo('x', input)], output: [valueInfo(last)] },
    } as OnnxModel;
  }
}

export const recipeOf = (input: Partial<BuildRecipeInput> = {}) => buildRecipeSchema.parse({ method: 'static-int8', ...input });

const SAMPLES = 4;

function sample(dims: readonly number[], index: number): Tensor {
  const random = randomNumbers(index + 100);
  return new Tensor('float32', Float32Array.from({ length: dims.reduce((product, side) => product * side, 1) }, random), dims);
}

export function samplesOf(dims: readonly number[]): FeedSource {
  return {
    samples: SAMPLES,
    async *feeds() {
      for (let index = 0; index < SAMPLES; index += 1) yield { x: sample(dims, index) };
    },
  };
}

export async function runModel(
  bytes: Uint8Array,
  dims: readonly number[],
  index = 0,
  values: readonly string[] = [],
  graphOptimizationLevel: 'all' | 'disabled' = 'all',
): Promise<Map<string, Float32Array>> {
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3, graphOptimizationLevel });
  try {
    const x = sample(dims, index);
    const outputs = await session.run({ x });
    const found = new Map(Object.entries(outputs).map(([name, tensor]) => [name, tensor.data as Float32Array]));
    if (values.includes('x')) found.set('x', x.data as Float32Array);
    return found;
  } finally {
    await session.release();
  }
}

export async function rangesOf(model: OnnxModel, values: readonly string[], dims: readonly number[]): Promise<Map<string, ValueRange>> {
  const tapped = readModel(writeModel(model));
  const known = new Set([...tapped.graph.output, ...tapped.graph.input].map(({ name }) => name));
  tapped.graph.output.push(...values.filter((name) => !known.has(name)).map((name) => ({ name })));
  const bytes = writeModel(tapped);
  const ranges = new Map<string, ValueRange>();
  for (let index = 0; index < SAMPLES; index += 1) {
    for (const [name, data] of await runModel(bytes, dims, index, values)) {
      const { minimum = Number.POSITIVE_INFINITY, maximum = Number.NEGATIVE_INFINITY } = ranges.get(name) ?? {};
      ranges.set(name, {
        minimum: data.reduce((a, b) => Math.min(a, b), minimum),
        maximum: data.reduce((a, b) => Math.max(a, b), maximum),
      });
    }
  }
  return ranges;
}

export interface Tried {
  model: OnnxModel;
  report: ChangeReport;
  /** Signal-to-quantisation-noise ratio of the output on an unseen sample. */
  signalToNoiseDb: number;
  operators: string[];
  /** Mean error of the output. */
  meanError: number;
}

/** Quantises a network and compares it with itself in float. */
export async function tryQuantising(source: OnnxModel, dims: readonly number[], input: Partial<BuildRecipeInput> = {}): Promise<Tried> {
  const recipe = recipeOf(input);
  const expected = await runModel(writeModel(source), dims, SAMPLES);
  const model = readModel(writeModel(source));
  prepareForQuantising(model, recipe);
  const ranges = await rangesOf(model, quantisedEdges(model, recipe), dims);
  const means = recipe.biasCorrection ? await measureChannelMeans(model, productInputs(model, recipe), samplesOf(dims)) : undefined;
  const report = quantiseStatic(model, recipe, ranges, means);
  // Without fusions every step runs in float between integers: what the kernels of another processor compute. Those of this one
  // could saturate on weights that are not meant for it.
  const actual = await runModel(writeModel(model), dims, SAMPLES, [], recipe.target === 'x86-avx2' ? 'all' : 'disabled');
  let [signal, noise, error, count] = [0, 0, 0, 0];
  for (const [name, wanted] of expected) {
    for (const [index, value] of wanted.entries()) {
      const difference = (actual.get(name)?.[index] ?? Number.NaN) - value;
      [signal, noise, error, count] = [signal + value ** 2, noise + difference ** 2, error + difference, count + 1];
    }
  }
  const operators = model.graph.node.map(({ opType }) => opType);
  return { model, report, operators, signalToNoiseDb: 10 * Math.log10(signal / Math.max(noise, 1e-30)), meanError: error / count };
}
