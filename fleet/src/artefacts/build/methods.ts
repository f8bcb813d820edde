import { dirname, join } from 'node:path';
import { type BuildMethod, type Precision, StarlingError } from '@starling/shared';
import type { ChangeReport } from '../contracts.ts';
import { type OnnxModel, openModel, writeModelFiles } from '../onnx/index.ts';
import { optimiseModel } from '../optimise/index.ts';
import { applyDynamicInt8, applyFloat16, applyInt4Weights, applyInt8Weights, pruneWeights } from '../quantise/index.ts';
import type { BuildMaterial, MethodResult } from './material.ts';
import { buildStaticInt8 } from './static-int8.ts';

/** Providers on which files of standard operators run, whatever their precision. */
const EVERY_PROVIDER = ['tensorrt', 'cuda', 'qnn', 'coreml', 'webgpu', 'webnn', 'xnnpack', 'cpu', 'wasm', 'oip-sidecar'];
/** Providers with kernels of MatMulNBits, MatMulInteger and their like. */
const CONTRIB_PROVIDERS = ['cuda', 'webgpu', 'cpu', 'wasm', 'oip-sidecar'];
/** CPUs of this time have no half-precision kernels to speak of: ONNX Runtime would cast to and fro. */
const HALF_PROVIDERS = ['tensorrt', 'cuda', 'qnn', 'coreml', 'webgpu', 'webnn', 'cpu', 'oip-sidecar'];

type Method = (material: BuildMaterial) => Promise<MethodResult>;

/** A function for each method: one that is missing does not compile. */
export const methods: Readonly<Record<BuildMethod, Method>> = {
  source: async ({ job }) => ({
    file: job.file,
    ...(job.weights === undefined ? {} : { weights: { file: join(dirname(job.file), job.weights), digest: job.weights } }),
    precision: 'fp32',
    executionProviders: EVERY_PROVIDER,
    quantisedTensors: 0,
    notes: [],
  }),
  optimised: (material) => change(material, { precision: 'fp32', executionProviders: EVERY_PROVIDER }, prepare, unchanged),
  // Only bytes are to be saved: the graph stays what it was, so that a re-trained layer later costs its own bytes.
  'weights-int8': (material) => change(material, { precision: 'int8', executionProviders: EVERY_PROVIDER }, prune, applyInt8Weights),
  'weights-int4': (material) => change(material, { precision: 'int4w', executionProviders: CONTRIB_PROVIDERS }, prepare, applyInt4Weights),
  fp16: (material) => change(material, { precision: 'fp16', executionProviders: HALF_PROVIDERS }, prepare, applyFloat16),
  'dynamic-int8': (material) => change(material, { precision: 'int8', executionProviders: CONTRIB_PROVIDERS }, prepare, applyDynamicInt8),
  'static-int8': async (material) => ({ executionProviders: EVERY_PROVIDER, ...(await buildStaticInt8(material, prepare)) }),
};

type Change = (model: OnnxModel, recipe: BuildMaterial['job']['recipe']) => ChangeReport;

const unchanged: Change = () => ({ quantisedTensors: 0, layers: [], notes: [] });

/** Opens the source, prepares it, applies the method, and writes the result. */
async function change(
  { job }: BuildMaterial,
  described: { precision: Precision; executionProviders: string[] },
  prepareModel: (material: Pick<BuildMaterial, 'job'>, model: OnnxModel) => Promise<string[]>,
  apply: Change,
): Promise<MethodResult> {
  const { recipe } = job;
  const { model } = openModel(job.file, { externalDirectory: dirname(job.file) });
  job.onProgress(15, 'prepare the graph');
  const notes = await prepareModel({ job }, model);
  job.onProgress(30, `apply ${recipe.method}`);
  const report = apply(model, recipe);
  if (report.quantisedTensors === 0 && apply !== unchanged) {
    throw new StarlingError('recipe-does-not-fit', `${recipe.method} finds nothing in this model to change: ${report.notes.join('; ')}`, {
      field: 'recipe.method',
      hint: 'use the source as it is, or another method',
    });
  }
  const file = join(job.outputDirectory, `${recipe.method}.onnx`);
  const written = writeModelFiles(model, file, job.fileBytesMaximum);
  return { ...described, ...written, quantisedTensors: report.quantisedTensors, notes: [...notes, ...report.notes] };
}

/** The simpler graph that every method but the plainest starts from, with small weights cut off where the recipe says so. */
export async function prepare({ job }: Pick<BuildMaterial, 'job'>, model: OnnxModel): Promise<string[]> {
  const { fixedShapes } = job.recipe;
  const { notes, counts } = await optimiseModel(model, fixedShapes === undefined ? {} : { fixedShapes });
  const done = Object.entries(counts).filter(([, number]) => number > 0);
  const summary = done.length === 0 ? [] : [`optimiser: ${done.map(([pass, number]) => `${pass} ${number}`).join(', ')}`];
  return [...summary, ...notes, ...(await prune({ job }, model))];
}

async function prune({ job }: Pick<BuildMaterial, 'job'>, model: OnnxModel): Promise<string[]> {
  return job.recipe.sparsity > 0 ? pruneWeights(model, job.recipe.sparsity, job.recipe.keepInFloat).notes : [];
}
