import { dirname, join } from 'node:path';
import { calibrationOptionsSchema, StarlingError } from '@starling/shared';
import { InferenceSession } from 'onnxruntime-node';
import { calibrate } from '../calibrate/index.ts';
import type { ChangeReport, FeedSource, Ranges } from '../contracts.ts';
import { type OnnxModel, openModel, readModel, writeModel, writeModelFile, writeModelFiles } from '../onnx/index.ts';
import { bySensitivity, type MixedPrecision, measureSensitivity, requireBudget, searchMixedPrecision } from '../sensitivity/index.ts';
import {
  type ChannelMeans,
  calibratedEdges,
  completeRanges,
  measureChannelMeans,
  prepareForQuantising,
  productInputs,
  quantisedEdges,
  quantiseStatic,
  slimDown,
} from '../static/index.ts';
import type { BuildMaterial, MethodResult } from './material.ts';

type Prepare = (material: Pick<BuildMaterial, 'job'>, model: OnnxModel) => Promise<string[]>;

/** Everything that quantising with another set of float layers needs again. */
interface Prepared {
  /** The float graph that is quantised, as bytes: quantising changes a model in place. */
  bytes: Uint8Array;
  ranges: Ranges;
  means: ChannelMeans | undefined;
  notes: string[];
}

/**
 * Static int8: the ranges of activations come from the calibration set, the layers to leave in float from a search under the accuracy
 * budget of the recipe.
 * @throws StarlingError `calibration-missing`, `accuracy-budget-missed` that says the nearest
 */
export async function buildStaticInt8(material: BuildMaterial, prepare: Prepare): Promise<Omit<MethodResult, 'executionProviders'>> {
  const { job, samples } = material;
  const { recipe } = job;
  if (samples.calibration === undefined) {
    throw new StarlingError('calibration-missing', 'static int8 needs samples from which it learns the ranges of activations', {
      field: 'datasets.calibration',
      hint: 'push the model with a calibration set',
    });
  }
  const prepared = await prepareAll(material, samples.calibration, prepare);
  const quantise = (keepInFloat: readonly string[]): { model: OnnxModel; report: ChangeReport } => {
    const model = readModel(prepared.bytes);
    const report = quantiseStatic(
      model,
      { ...recipe, keepInFloat: [...recipe.keepInFloat, ...keepInFloat] },
      prepared.ranges,
      prepared.means,
    );
    return { model, report };
  };
  const first = quantise([]);
  if (first.report.quantisedTensors === 0) {
    throw new StarlingError('recipe-does-not-fit', `static int8 finds no layer to quantise: ${first.report.notes.join('; ')}`, {
      field: 'recipe.method',
      hint: 'use weights-int8 or fp16',
    });
  }
  const suffers = 'measure what each layer suffers';
  job.onProgress(45, suffers);
  const layers = await measureSensitivity({
    model: readModel(prepared.bytes),
    layers: first.report.layers,
    recipe,
    ranges: prepared.ranges,
    apply: quantiseStatic,
    edges: quantisedEdges,
    samples: samples.calibration,
    open: openInMemory,
    onSample: (done, total) => job.onProgress(45 + Math.round((10 * done) / total), suffers),
  });
  const found = await search(material, bySensitivity(layers), quantise);
  const { model, report } = quantise(found.keptInFloat);
  slimDown(model, new Set(layers.map(({ node }) => node)));
  const file = join(job.outputDirectory, 'static-int8.onnx');
  const written = writeModelFiles(model, file, job.fileBytesMaximum);
  const kept = new Set(found.keptInFloat);
  return {
    ...written,
    precision: 'int8',
    quantisedTensors: report.quantisedTensors,
    layers: layers.map((layer) => ({ ...layer, inFloat: layer.inFloat || kept.has(layer.node) })),
    ...(found.steps.length === 0 ? {} : { search: found.steps }),
    keptInFloat: found.keptInFloat,
    notes: [...prepared.notes, ...report.notes],
  };
}

async function prepareAll({ job }: BuildMaterial, calibration: FeedSource, prepare: Prepare): Promise<Prepared> {
  const { recipe } = job;
  const { model } = openModel(job.file, { externalDirectory: dirname(job.file) });
  job.onProgress(15, 'prepare the graph');
  const notes = [...(await prepare({ job }, model)), ...prepareForQuantising(model, recipe)];
  const options = recipe.calibration ?? calibrationOptionsSchema.parse({});
  const {
    ranges: found,
    findings,
    samples,
  } = await calibrate(model, calibratedEdges(model, recipe), calibration, {
    calibration: options,
    open: openInMemory,
    symmetric: recipe.target === 'tensorrt',
    onSample: (done, total) => job.onProgress(20 + Math.round((20 * done) / total), `calibrate: ${done} of ${total}`),
  });
  const ranges = completeRanges(model, recipe, found);
  job.log(`${ranges.size} ranges by ${options.method} over ${samples} samples`);
  const means = recipe.biasCorrection ? await measureChannelMeans(model, productInputs(model, recipe), calibration) : undefined;
  return { bytes: writeModel(model), ranges, means, notes: [...notes, ...findings.map(({ message }) => message)] };
}

/** Without a budget or without samples to judge it by, every layer is quantised. */
async function search(
  { job, judge, samples }: BuildMaterial,
  layers: readonly string[],
  quantise: (keepInFloat: readonly string[]) => { model: OnnxModel },
): Promise<Pick<MixedPrecision, 'keptInFloat' | 'steps'>> {
  const budgetPoints = job.recipe.accuracyLossPointsMaximum;
  if (budgetPoints === undefined || samples.evaluation === undefined) return { keptInFloat: [], steps: [] };
  const file = join(job.outputDirectory, 'trial.onnx');
  const found = await searchMixedPrecision({
    layers,
    budgetPoints,
    build: async (keepInFloat) => {
      job.onProgress(55, `try with ${keepInFloat.length} layers in float`);
      writeModelFile(quantise(keepInFloat).model, file);
      return file;
    },
    judge: judge.loss,
    onStep: ({ keptInFloat, lossPoints, withinBudget }) =>
      job.log(
        `${keptInFloat.length} layers in float: loses ${lossPoints.value.toFixed(2)} points (${lossPoints.low.toFixed(2)} to ${lossPoints.high.toFixed(2)}), ${withinBudget ? 'within' : 'over'} ${budgetPoints}`,
      ),
  });
  requireBudget(found, budgetPoints);
  return found;
}

function openInMemory(model: OnnxModel): Promise<InferenceSession> {
  return InferenceSession.create(writeModel(model), { executionProviders: ['cpu'], logSeverityLevel: 3 });
}
