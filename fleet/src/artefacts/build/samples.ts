import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { type ModelEvaluation, messageOf, StarlingError, type TensorPort } from '@starling/shared';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type Dataset, openDataset, requireSamplesFit, type Sample } from '../../datasets/index.ts';
import type { RecipeRequest } from '../build-messages.ts';
import type { FeedSource, Feeds } from '../contracts.ts';
import { type Evaluator, startEvaluator } from '../evaluator-process.ts';
import { tensorFeeds } from '../tensor-feeds.ts';
import { judgeOptions } from './kernels.ts';

/** Feeds of evaluation samples on which outputs are compared, whatever the metric. */
const COMPARED_FEEDS = 16;

export interface SampleJob extends RecipeRequest {
  onProgress: (percent: number, step: string) => void;
  log: (line: string) => void;
}

/** The pipeline of the card, with one file of the model at a time. */
interface Graphs {
  open(field: string, file: string, exact?: boolean): Promise<Evaluator>;
  close(): void;
}

/** The data sets of a build, as model inputs and as predictions. */
export interface Samples {
  /** Undefined where the method learns nothing from samples, even if there is a set. */
  calibration: FeedSource | undefined;
  /** Some inputs of the model from real samples, to compare outputs on: of the evaluation set, else of the calibration set. */
  compared: FeedSource | undefined;
  evaluation: Evaluation | undefined;
  /** Ends the process that ran the pipeline. */
  close(): void;
}

/** The evaluation set with the way from a sample to what is scored. */
export interface Evaluation {
  dataset: Dataset;
  spec: ModelEvaluation;
  /**
   * What a model file answers to each sample, in their order.
   * @param exact computed without graph optimisation: as kernels would that this machine lacks
   */
  predict(file: string, exact: boolean, onSample?: (done: number, total: number) => void): Promise<unknown[]>;
}

/**
 * Opens the data sets of a job. Images become inputs of the model through the pipeline of its card, in the agent's own engine.
 * @throws StarlingError `pipeline-missing`, `sample-failed` that names the sample, `sample-mismatch`, `no-feeds`
 */
export async function openSamples(job: SampleJob, inputs: readonly TensorPort[]): Promise<Samples> {
  const graphs = createGraphs(job);
  try {
    return { ...(await readSets(job, inputs, graphs)), close: () => graphs.close() };
  } catch (error) {
    graphs.close();
    throw error;
  }
}

async function readSets(job: SampleJob, inputs: readonly TensorPort[], graphs: Graphs): Promise<Omit<Samples, 'close'>> {
  const calibrationSet = await openSet(job, 'calibration', job.calibrationArchive, inputs);
  const evaluationSet = await openSet(job, 'evaluation', job.evaluationArchive, inputs);
  const maximum = job.recipe.calibration?.samplesMaximum ?? 128;
  // Only the ranges of static int8 are learned from them; a pipeline over all of them takes longer than most builds.
  const isUsed = job.recipe.method === 'static-int8' || evaluationSet === undefined;
  const calibration =
    calibrationSet === undefined || !isUsed ? undefined : await feedsOf(job, 'calibration', calibrationSet, { inputs, graphs, maximum });
  const compared =
    evaluationSet === undefined
      ? calibration
      : await feedsOf(job, 'evaluation', evaluationSet, { inputs, graphs, maximum: COMPARED_FEEDS });
  const evaluation = evaluationSet === undefined ? undefined : evaluationOf(job, evaluationSet, inputs, graphs);
  return { calibration, compared, evaluation };
}

type SetName = 'calibration' | 'evaluation';

async function openSet(
  job: SampleJob,
  name: SetName,
  archive: string | undefined,
  inputs: readonly TensorPort[],
): Promise<Dataset | undefined> {
  if (archive === undefined) return undefined;
  job.onProgress(5, `unpack the ${name} set`);
  const dataset = await openDataset(archive, join(job.outputDirectory, name), `datasets.${name}`);
  await requireSamplesFit(dataset, inputs, `datasets.${name}`);
  job.log(`${name} set: ${dataset.samples.length} samples (${dataset.kind})`);
  return dataset;
}

/** Inputs of the model, kept on disk so that a second pass costs no pipeline and memory holds one sample. */
async function feedsOf(
  job: SampleJob,
  name: SetName,
  dataset: Dataset,
  { inputs, graphs, maximum }: { inputs: readonly TensorPort[]; graphs: Graphs; maximum: number },
): Promise<FeedSource> {
  if (dataset.kind === 'tensors') return tensorFeeds(dataset, inputs, `datasets.${name}`, maximum);
  const directory = join(job.outputDirectory, `${name}-feeds`);
  await mkdir(directory, { recursive: true });
  const evaluator = await graphs.open(`datasets.${name}`, job.file);
  const files: string[] = [];
  for (const sample of spread(dataset.samples, maximum)) {
    job.onProgress(8, `${name} sample ${sample.name}`);
    for (const feed of (await runSample(evaluator, sample, name)).feeds) {
      if (files.length >= maximum) break;
      const file = join(directory, `${files.length}.bin`);
      await writeFile(
        file,
        serialize(Object.entries(feed).map(([input, { type, dims, data }]) => ({ input, type, dims: [...dims], data }))),
      );
      files.push(file);
    }
    if (files.length >= maximum) break;
  }
  if (files.length === 0) {
    throw new StarlingError('no-feeds', `no sample of the ${name} set reached the model ${job.model.name}`, {
      field: `datasets.${name}`,
      hint: 'check that the pipeline of the card leads to the model, and that the samples hold what it looks for',
    });
  }
  job.log(`${files.length} inputs of ${job.model.name} from the ${name} set`);
  return {
    samples: files.length,
    async *feeds() {
      for (const file of files) yield readFeeds(deserialize(await readFile(file)));
    },
  };
}

function readFeeds(kept: readonly { input: string; type: string; dims: number[]; data: Float32Array }[]): Feeds {
  return Object.fromEntries(kept.map(({ input, type, dims, data }) => [input, new Tensor(type as 'float32', data, dims)]));
}

/** At most so many samples, from all over the set. */
function spread<Item>(items: readonly Item[], maximum: number): Item[] {
  if (items.length <= maximum) return [...items];
  return Array.from({ length: maximum }, (_, place) => items[Math.floor((place * items.length) / maximum)] as Item);
}

function evaluationOf(job: SampleJob, dataset: Dataset, inputs: readonly TensorPort[], graphs: Graphs): Evaluation {
  const spec = job.evaluation ?? { metric: 'similarity' as const };
  return {
    dataset,
    spec,
    predict: (file, exact, onSample) =>
      spec.pipeline === undefined || dataset.kind === 'tensors'
        ? predictTensors(job, dataset, inputs, { spec, file, exact }, onSample)
        : predictThroughPipeline(graphs, dataset, { spec, file, exact }, onSample),
  };
}

/** One file to be asked. */
interface Prediction {
  spec: ModelEvaluation;
  file: string;
  exact: boolean;
}

async function predictThroughPipeline(
  graphs: Graphs,
  { samples }: Dataset,
  { spec, file, exact }: Prediction,
  onSample?: (done: number, total: number) => void,
): Promise<unknown[]> {
  const evaluator = await graphs.open('datasets.evaluation', file, exact);
  const predictions: unknown[] = [];
  for (const sample of samples) {
    const { outputs } = await runSample(evaluator, sample, 'evaluation');
    const name = spec.output ?? Object.keys(outputs)[0] ?? '';
    if (!Object.hasOwn(outputs, name)) {
      throw new StarlingError('unknown-output', `the pipeline of the card has no output "${name}"`, {
        field: 'card.evaluation.output',
        hint: `its outputs: ${Object.keys(outputs).join(', ')}`,
      });
    }
    predictions.push(outputs[name]);
    onSample?.(predictions.length, samples.length);
  }
  return predictions;
}

/** Samples that are tensors already go to the model as they are; its output is the prediction. */
async function predictTensors(
  job: SampleJob,
  dataset: Dataset,
  inputs: readonly TensorPort[],
  { spec, file, exact }: Prediction,
  onSample?: (done: number, total: number) => void,
): Promise<unknown[]> {
  const source = dataset.kind === 'tensors' ? tensorFeeds(dataset, inputs, 'datasets.evaluation', dataset.samples.length) : undefined;
  if (source === undefined) throw pipelineMissing(job, 'datasets.evaluation');
  const session = await InferenceSession.create(file, judgeOptions(exact));
  try {
    const predictions: unknown[] = [];
    for await (const feeds of source.feeds()) {
      const outputs = await session.run(feeds);
      predictions.push(outputs[spec.output ?? session.outputNames[0] ?? '']);
      onSample?.(predictions.length, source.samples);
    }
    return predictions;
  } finally {
    await session.release();
  }
}

/** One evaluator for a whole build: starting one takes longer than a model of this size takes for a hundred samples. */
function createGraphs(job: SampleJob): Graphs {
  let evaluator: Evaluator | undefined;
  let loaded = '';
  return {
    async open(field, file, exact = false) {
      const graph = job.evaluation?.pipeline;
      if (graph === undefined) throw pipelineMissing(job, field);
      evaluator ??= startEvaluator();
      const wanted = JSON.stringify([file, exact]);
      // The source never changes; the file of a trial does under one name.
      if (wanted === loaded && file === job.file) return evaluator;
      loaded = wanted;
      const models = { ...job.companions, [job.model.name]: { file, assets: job.model.assets } };
      await evaluator.open({ graph, models, record: job.model.name, exact: exact ? [job.model.name] : [], threads: 0 });
      return evaluator;
    },
    close: () => evaluator?.close(),
  };
}

async function runSample(evaluator: Evaluator, sample: Sample, set: SetName) {
  const [file] = Object.values(sample.files);
  try {
    return await evaluator.run(await readFile(file ?? ''));
  } catch (cause) {
    throw new StarlingError('sample-failed', `${set} sample "${sample.name}": ${messageOf(cause)}`, {
      field: `datasets.${set}`,
      hint: 'take the sample out of the set, or correct the pipeline of the card',
      cause,
    });
  }
}

function pipelineMissing({ model }: SampleJob, field: string): StarlingError {
  return new StarlingError(
    'pipeline-missing',
    `${field} holds images, and the card of ${model.name} does not say how they reach the model`,
    {
      field: 'card.evaluation.pipeline',
      hint: 'describe the pipeline in the card, or give tensors (.npy)',
    },
  );
}
