import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { type BuildRecipe, type BuildReport, recipeLabel } from '@starling/shared';
import { InferenceSession } from 'onnxruntime-node';
import type { BuiltResult } from '../build-messages.ts';
import { type GoldenRun, makeGolden, relativeError } from '../golden.ts';
import { inspectModel } from '../inspect.ts';
import { loadedBytes, openModel, operatorsOf, toNumber } from '../onnx/index.ts';
import { createJudge } from './judge.ts';
import { goldenTolerance, judgedExactly, judgeOptions } from './kernels.ts';
import type { BuildMaterial } from './material.ts';
import { methods } from './methods.ts';
import { openSamples, type SampleJob } from './samples.ts';

/**
 * Builds one artefact of a model version by a recipe: changes the model, compares it with its source on golden inputs and on the samples
 * of the version, and describes what it needs.
 * @throws StarlingError `recipe-does-not-fit` where the method finds nothing to change, `accuracy-budget-missed`, and what is wrong with
 *   the samples: `sample-mismatch`, `sample-broken`, `sample-failed`
 */
export async function buildArtefact(job: SampleJob): Promise<BuiltResult> {
  const startedMs = performance.now();
  job.log(`recipe ${recipeLabel(job.recipe)}`);
  job.onProgress(2, 'read the model');
  const { inputs } = await inspectModel(job.file, job.weights);
  const samples = await openSamples(job, inputs);
  try {
    return await buildWith({ job, inputs, samples, judge: createJudge(job, samples) }, startedMs);
  } finally {
    samples.close();
  }
}

async function buildWith(material: BuildMaterial, startedMs: number): Promise<BuiltResult> {
  const { job, judge } = material;
  const made = await methods[job.recipe.method](material);
  for (const note of made.notes) job.log(note);
  const isSource = made.file === job.file;
  job.onProgress(75, 'golden outputs');
  const reference = await goldenOf(job.file, material, SOURCE);
  const run = isSource ? reference : await goldenOf(made.file, material, job.recipe);
  const accuracy = await judge.accuracy(made.file);
  const similarity = isSource ? undefined : await judge.similarityDb(made.file);
  const notes = [...made.notes, ...(accuracy?.notes ?? [])];
  const report: BuildReport = {
    ...(accuracy === undefined ? {} : { accuracy: accuracy.report }),
    ...(similarity === undefined ? {} : { similarityDb: similarity }),
    ...(made.layers === undefined ? {} : { layers: made.layers }),
    ...(made.search === undefined ? {} : { search: made.search }),
    ...(notes.length === 0 ? {} : { notes }),
    compressionRatio: (await bytesOf(made.file, made.weights?.file)) / (await bytesOf(job.file, sourceWeights(job))),
    maximumError: relativeError(reference.outputs, run.outputs),
    quantisedTensors: made.quantisedTensors,
    buildMs: performance.now() - startedMs,
  };
  job.onProgress(95, 'describe the artefact');
  return {
    precision: made.precision,
    optimisation: isSource ? 'none' : recipeLabel(job.recipe),
    executionProviders: made.executionProviders,
    file: made.file,
    ...(made.weights === undefined ? {} : { weights: made.weights }),
    golden: run.golden,
    report,
    keptInFloat: made.keptInFloat ?? [],
    needs: needsOf(made.file),
  };
}

/** What everything is compared with. */
const SOURCE = { method: 'source', target: 'portable' } as const;

function needsOf(file: string): BuiltResult['needs'] {
  const { model, close } = openModel(file);
  close();
  const standard = model.opsetImport.find(({ domain }) => domain === undefined || domain === '' || domain === 'ai.onnx');
  return { opset: toNumber(standard?.version ?? 1), operators: operatorsOf(model), memoryBytes: loadedBytes(model) };
}

async function bytesOf(...files: (string | undefined)[]): Promise<number> {
  let bytes = 0;
  for (const file of files) if (file !== undefined) bytes += (await stat(file)).size;
  return bytes;
}

function sourceWeights({ file, weights }: SampleJob): string | undefined {
  return weights === undefined ? undefined : join(dirname(file), weights);
}

async function goldenOf(
  file: string,
  { job, inputs }: Pick<BuildMaterial, 'job' | 'inputs'>,
  recipe: Pick<BuildRecipe, 'method' | 'target'>,
): Promise<GoldenRun> {
  const session = await InferenceSession.create(file, judgeOptions(judgedExactly(recipe), job.weights !== undefined));
  try {
    const shapes = { ...job.exampleShapes, ...job.recipe.fixedShapes };
    return await makeGolden(session, inputs, { shapes, ranges: job.exampleRanges ?? {} }, goldenTolerance(recipe));
  } finally {
    await session.release();
  }
}
