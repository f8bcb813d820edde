import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { TensorPort } from '@starling/shared';
import { InferenceSession } from 'onnxruntime-node';
import type { BuiltArtefact } from './build-messages.ts';
import { type GoldenRun, makeGolden, relativeError } from './golden.ts';
import { inspectModel } from './inspect.ts';
import { readModel, writeModel } from './onnx/index.ts';
import { quantiseWeights } from './quantise/index.ts';

export interface BuildJob {
  file: string;
  outputDirectory: string;
  exampleShapes: Record<string, number[]>;
  onProgress: (percent: number, step: string) => void;
}

/** Providers on which plain ONNX files run, whatever their precision. */
const EVERY_PROVIDER = ['tensorrt', 'cuda', 'qnn', 'coreml', 'webgpu', 'webnn', 'xnnpack', 'cpu', 'wasm'];

/** Builds every artefact of a model version: the source as it is, and one with int8 weights. */
export async function buildArtefacts(job: BuildJob): Promise<BuiltArtefact[]> {
  job.onProgress(2, 'read the model');
  const source = await readFile(job.file);
  const { inputs } = await inspectModel(source);
  job.onProgress(20, 'golden outputs of fp32');
  const startedMs = performance.now();
  const reference = await goldenOf(source, inputs, job.exampleShapes);
  const fp32: BuiltArtefact = {
    precision: 'fp32',
    optimisation: 'none',
    executionProviders: EVERY_PROVIDER,
    file: job.file,
    golden: reference.golden,
    report: { compressionRatio: 1, maximumError: 0, quantisedTensors: 0, buildMs: performance.now() - startedMs },
  };
  job.onProgress(45, 'quantise the weights');
  const int8 = await buildInt8Weights(job, source, inputs, reference);
  job.onProgress(100, 'done');
  return int8 === undefined ? [fp32] : [fp32, int8];
}

async function buildInt8Weights(
  job: BuildJob,
  source: Uint8Array,
  inputs: readonly TensorPort[],
  reference: GoldenRun,
): Promise<BuiltArtefact | undefined> {
  const startedMs = performance.now();
  const model = readModel(source);
  const { tensors } = quantiseWeights(model);
  // A model without large weights gains nothing.
  if (tensors === 0) return undefined;
  const bytes = writeModel(model);
  job.onProgress(70, 'golden outputs of int8');
  const run = await goldenOf(bytes, inputs, job.exampleShapes);
  const file = join(job.outputDirectory, 'int8-weights.onnx');
  await writeFile(file, bytes);
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
  };
}

async function goldenOf(bytes: Uint8Array, inputs: readonly TensorPort[], exampleShapes: Record<string, number[]>): Promise<GoldenRun> {
  const session = await InferenceSession.create(bytes, { executionProviders: ['cpu'], logSeverityLevel: 3 });
  try {
    return await makeGolden(session, inputs, exampleShapes);
  } finally {
    await session.release();
  }
}
