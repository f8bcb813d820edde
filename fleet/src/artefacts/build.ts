import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { recipeLabel, StarlingError, type TensorPort } from '@starling/shared';
import { InferenceSession } from 'onnxruntime-node';
import { type Dataset, openDataset, requireSamplesFit } from '../datasets/index.ts';
import type { BuiltArtefact, BuiltResult, RecipeRequest } from './build-messages.ts';
import { type GoldenRun, makeGolden, relativeError } from './golden.ts';
import { inspectModel } from './inspect.ts';
import { isWired, type WiredMethod, wiredMethods } from './methods.ts';
import { readModel, toNumber, writeModel } from './onnx/index.ts';
import { quantiseWeights } from './quantise/int8-weights.ts';

export interface BuildJob extends RecipeRequest {
  onProgress: (percent: number, step: string) => void;
  log: (line: string) => void;
}

/** What a method starts from. */
export interface BuildMaterial {
  job: BuildJob;
  source: Uint8Array;
  inputs: readonly TensorPort[];
  calibration: Dataset | undefined;
  evaluation: Dataset | undefined;
}

/** Providers on which plain ONNX files run, whatever their precision. */
const EVERY_PROVIDER = ['tensorrt', 'cuda', 'qnn', 'coreml', 'webgpu', 'webnn', 'xnnpack', 'cpu', 'wasm'];

const methods: Readonly<Record<WiredMethod, (material: BuildMaterial) => Promise<BuiltArtefact>>> = {
  source: buildSource,
  'weights-int8': buildInt8Weights,
};

/**
 * Builds one artefact of a model version by a recipe.
 * @throws StarlingError `method-unavailable`, `recipe-does-not-fit` where the method finds nothing to change, and what is wrong with the
 *   samples: `sample-mismatch`, `sample-broken`
 */
export async function buildArtefact(job: BuildJob): Promise<BuiltResult> {
  const { method } = job.recipe;
  job.log(`recipe ${recipeLabel(job.recipe)}`);
  job.onProgress(2, 'read the model');
  const source = await readFile(job.file);
  const { inputs } = await inspectModel(source);
  const datasets = await openDatasets(job, inputs);
  if (!isWired(method)) {
    throw new StarlingError('method-unavailable', `this fleet cannot build by the method ${method}`, {
      field: 'recipe.method',
      hint: `use one of ${wiredMethods.join(', ')}`,
    });
  }
  const built = await methods[method]({ job, source, inputs, ...datasets });
  job.onProgress(95, 'describe the artefact');
  return { ...built, needs: needsOf(built.file === job.file ? source : await readFile(built.file)) };
}

async function openDatasets(job: BuildJob, inputs: readonly TensorPort[]): Promise<Pick<BuildMaterial, 'calibration' | 'evaluation'>> {
  const open = async (archive: string | undefined, name: 'calibration' | 'evaluation'): Promise<Dataset | undefined> => {
    if (archive === undefined) return undefined;
    job.onProgress(5, `unpack the ${name} set`);
    const dataset = await openDataset(archive, join(job.outputDirectory, name), `datasets.${name}`);
    await requireSamplesFit(dataset, inputs, `datasets.${name}`);
    job.log(`${name} set: ${dataset.samples.length} samples (${dataset.kind})`);
    return dataset;
  };
  return { calibration: await open(job.calibrationArchive, 'calibration'), evaluation: await open(job.evaluationArchive, 'evaluation') };
}

async function buildSource({ job, source, inputs }: BuildMaterial): Promise<BuiltArtefact> {
  const startedMs = performance.now();
  job.onProgress(20, 'golden outputs of fp32');
  const { golden } = await goldenOf(source, inputs, job.exampleShapes);
  return {
    precision: 'fp32',
    optimisation: 'none',
    executionProviders: EVERY_PROVIDER,
    file: job.file,
    golden,
    report: { compressionRatio: 1, maximumError: 0, quantisedTensors: 0, buildMs: performance.now() - startedMs },
    keptInFloat: [],
  };
}

async function buildInt8Weights({ job, source, inputs }: BuildMaterial): Promise<BuiltArtefact> {
  const startedMs = performance.now();
  job.onProgress(15, 'quantise the weights');
  const model = readModel(source);
  const { tensors, bytesBefore, bytesAfter } = quantiseWeights(model);
  if (tensors === 0) {
    throw new StarlingError('recipe-does-not-fit', 'no weights of this model are large enough to gain from int8', {
      field: 'recipe.method',
      hint: 'use the source as it is',
    });
  }
  job.log(`${tensors} tensors became int8: ${bytesBefore} -> ${bytesAfter} bytes`);
  const bytes = writeModel(model);
  const file = join(job.outputDirectory, 'int8-weights.onnx');
  await writeFile(file, bytes);
  job.onProgress(35, 'golden outputs of fp32');
  const reference = await goldenOf(source, inputs, job.exampleShapes);
  job.onProgress(65, 'golden outputs of int8');
  const run = await goldenOf(bytes, inputs, job.exampleShapes);
  return {
    precision: 'int8',
    optimisation: 'weights-int8-per-channel',
    executionProviders: EVERY_PROVIDER,
    file,
    golden: run.golden,
    report: {
      compressionRatio: bytes.length / source.length,
      maximumError: relativeError(reference.outputs, run.outputs),
      quantisedTensors: tensors,
      buildMs: performance.now() - startedMs,
    },
    keptInFloat: [],
  };
}

function needsOf(bytes: Uint8Array): BuiltResult['needs'] {
  const model = readModel(bytes);
  const isStandard = (domain: string | undefined): boolean => domain === undefined || domain === '' || domain === 'ai.onnx';
  const opset = model.opsetImport.find(({ domain }) => isStandard(domain))?.version ?? 1;
  const operators = model.graph.node.map(({ domain, opType }) => (isStandard(domain) ? opType : `${domain}:${opType}`));
  return { opset: toNumber(opset), operators: [...new Set(operators)].sort() };
}

async function goldenOf(bytes: Uint8Array, inputs: readonly TensorPort[], exampleShapes: Record<string, number[]>): Promise<GoldenRun> {
  const session = await InferenceSession.create(bytes, { executionProviders: ['cpu'], logSeverityLevel: 3 });
  try {
    return await makeGolden(session, inputs, exampleShapes);
  } finally {
    await session.release();
  }
}
