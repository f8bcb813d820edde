import type { AccuracyReport, Interval } from '@starling/shared';
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import type { FeedSource } from '../contracts.ts';
import { compareAccuracy, similarityDb } from '../evaluate/index.ts';
import { judgedExactly, judgeOptions } from './kernels.ts';
import type { SampleJob, Samples } from './samples.ts';

/** Judges built files against the source, on the samples of the model version. What the source answers is found out once. */
export interface Judge {
  /** Undefined without an evaluation set. */
  accuracy(file: string): Promise<{ report: AccuracyReport; notes: string[] } | undefined>;
  /** Loss in points of the metric. @throws StarlingError if there is no evaluation set */
  loss(file: string): Promise<Interval>;
  /** Signal-to-noise ratio of the outputs on real inputs; undefined without samples. */
  similarityDb(file: string): Promise<number | undefined>;
}

export function createJudge(job: SampleJob, { evaluation, compared }: Samples): Judge {
  const exact = judgedExactly(job.recipe);
  const isLarge = job.weights !== undefined;
  let source: Promise<unknown[]> | undefined;
  let outputs: Promise<Tensor[][]> | undefined;
  const accuracy: Judge['accuracy'] = async (file) => {
    if (evaluation === undefined) return undefined;
    source ??= evaluation.predict(job.file, false, (done, total) => job.onProgress(12, `evaluate the source: ${done} of ${total}`));
    const answers = await source;
    // The source itself is an artefact too: what it answers is known.
    const isKnown = file === job.file && !exact;
    const artefact = isKnown
      ? answers
      : await evaluation.predict(file, exact, (done, total) => job.onProgress(80, `evaluate the artefact: ${done} of ${total}`));
    const samples = evaluation.dataset.samples.map(({ name, label }) => ({ name, label }));
    const classNames = job.model.labels;
    const { metric } = evaluation.spec;
    return compareAccuracy({ metric, samples, source: answers, artefact, ...(classNames === undefined ? {} : { classNames }) });
  };
  return {
    accuracy,
    async loss(file) {
      const judged = await accuracy(file);
      return judged?.report.lossPoints ?? { value: 0, low: 0, high: 0 };
    },
    async similarityDb(file) {
      if (compared === undefined) return undefined;
      outputs ??= outputsOf(job.file, compared, judgeOptions(false, isLarge));
      const expected = await outputs;
      const actual = await outputsOf(file, compared, judgeOptions(exact, isLarge));
      const names = expected.map((_, place) => `input ${place + 1}`);
      return similarityDb(expected, actual, names);
    },
  };
}

/** All floating outputs of a file for each feed. */
async function outputsOf(file: string, source: FeedSource, options: InferenceSession.SessionOptions): Promise<Tensor[][]> {
  const session = await InferenceSession.create(file, options);
  try {
    const all: Tensor[][] = [];
    for await (const feeds of source.feeds()) {
      const outputs = await session.run(feeds);
      all.push(session.outputNames.flatMap((name) => (outputs[name]?.data instanceof Float32Array ? [outputs[name]] : [])));
    }
    return all;
  } finally {
    await session.release();
  }
}
