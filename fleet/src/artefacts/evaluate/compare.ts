import { type AccuracyReport, type EvaluationMetric, StarlingError } from '@starling/shared';
import { type BootstrapOptions, bootstrapIntervals, type Statistic } from './bootstrap.ts';
import { scoreClasses } from './classification.ts';
import { scoreDetections } from './detection.ts';
import { scoreNumbers } from './regression.ts';
import type { Scored, Scorer } from './scorer.ts';
import { scoreCosine } from './similarity.ts';
import { scoreTexts } from './texts.ts';

export interface EvaluationSample {
  name: string;
  /** Not needed by `similarity`. */
  label?: unknown;
}

export interface EvaluationInput {
  metric: EvaluationMetric;
  samples: readonly EvaluationSample[];
  /** Answers to the samples, in their order. */
  source: readonly unknown[];
  artefact: readonly unknown[];
  /** Texts of the classes, by index. */
  classNames?: readonly string[];
  bootstrap?: BootstrapOptions;
}

export interface AccuracyComparison {
  report: AccuracyReport;
  notes: string[];
}

/** One sample can be drawn again only as itself: its interval would have no width and prove nothing. */
const SAMPLES_MINIMUM = 2;

/**
 * Scores a source and an artefact on the same samples, and what the artefact loses, as 95 % bootstrap intervals. The loss is paired: the
 * same draws of samples for both. It is positive where the artefact is worse, in points of the metric; for `mean-absolute-error`, which has
 * a unit of its own, in % of the source's error. `similarity` is the mean cosine of both outputs, and 100 for the source.
 *
 * Whoever judges a budget takes `lossPoints.high`, not `lossPoints.value`.
 *
 * @throws StarlingError `evaluation-empty`, `evaluation-too-small`, `predictions-incomplete`, `label-missing`, `label-invalid`,
 *   `label-unknown`, `label-kind-mismatch`, `labels-empty`, `prediction-unsuitable`, `prediction-not-a-number`, `output-size-mismatch`
 */
export function compareAccuracy(input: EvaluationInput): AccuracyComparison {
  requireSamples(input);
  const { metric, samples } = input;
  const pair = metric === 'similarity' ? similarityPair(input) : labelledPair(input, metric);
  const statistics = [pair.source.scorer, pair.artefact.scorer, lossOf(metric, pair.source.scorer, pair.artefact.scorer, samples.length)];
  const [source, artefact, lossPoints] = bootstrapIntervals(statistics, samples.length, input.bootstrap);
  if (source === undefined || artefact === undefined || lossPoints === undefined) throw empty();
  const notes = [...pair.source.notes, ...pair.artefact.notes];
  if (lossPoints.low === lossPoints.high) {
    notes.push(`no draw of the ${samples.length} samples told artefact and source apart: the interval of the loss has no width`);
  }
  const unit = metric === 'mean-absolute-error' ? 'unit of the output; loss in % of the error of the source' : '%';
  return { report: { metric, unit, samples: samples.length, source, artefact, lossPoints }, notes };
}

interface Pair {
  source: Scored;
  artefact: Scored;
}

function similarityPair({ source, artefact, samples }: EvaluationInput): Pair {
  const scorer = scoreCosine(
    source,
    artefact,
    samples.map(({ name }) => name),
  );
  return { source: { scorer: () => 100, notes: [] }, artefact: { scorer, notes: [] } };
}

function labelledPair(input: EvaluationInput, metric: Exclude<EvaluationMetric, 'similarity'>): Pair {
  requireLabels(input);
  const names = input.samples.map(({ name }) => name);
  const labels = input.samples.map(({ label }) => label);
  const score = (predictions: readonly unknown[], side: string): Scored => {
    switch (metric) {
      case 'accuracy':
        return scoreClasses(predictions, labels, names, side, input.classNames);
      case 'mean-average-precision':
        return withPrecisionAt50(scoreDetections(predictions, labels, names, side), side, names.length);
      case 'exact-match':
      case 'character-error-rate':
        return scoreTexts(metric, predictions, labels, names, side);
      case 'mean-absolute-error':
        return scoreNumbers(predictions, labels, names, side);
    }
  };
  return { source: score(input.source, 'source'), artefact: score(input.artefact, 'artefact') };
}

function withPrecisionAt50({ scorer, scorerAt50, notes }: Scored & { scorerAt50: Scorer }, side: string, samples: number): Scored {
  const value = scorerAt50(new Float64Array(samples).fill(1));
  return { scorer, notes: [...notes, `average precision of the ${side} at an overlap of 0.50: ${value.toFixed(1)} %`] };
}

function lossOf(metric: EvaluationMetric, source: Scorer, artefact: Scorer, samples: number): Statistic {
  if (metric === 'character-error-rate') return (counts) => artefact(counts) - source(counts);
  if (metric !== 'mean-absolute-error') return (counts) => source(counts) - artefact(counts);
  const whole = source(new Float64Array(samples).fill(1));
  if (whole === 0 && artefact(new Float64Array(samples).fill(1)) > 0) {
    throw new StarlingError('source-without-error', 'the source makes no error at all, so no share of it can be told', {
      field: 'evaluation.metric',
      hint: 'label with true values and not with the answers of the model, or use the metric "similarity"',
    });
  }
  return (counts) => {
    const error = source(counts);
    const rise = artefact(counts) - error;
    // A draw without any error of the source is measured by the error over all samples.
    return rise === 0 ? 0 : (100 * rise) / (error > 0 ? error : whole);
  };
}

function requireSamples({ samples, source, artefact }: EvaluationInput): void {
  if (samples.length === 0) throw empty();
  if (samples.length < SAMPLES_MINIMUM) {
    throw new StarlingError('evaluation-too-small', 'one evaluation sample gives no interval', {
      field: 'evaluation',
      hint: 'give some hundred samples: the fewer, the wider the interval that has to lie within the budget',
    });
  }
  for (const [side, predictions] of [['source', source] as const, ['artefact', artefact] as const]) {
    if (predictions.length === samples.length) continue;
    throw new StarlingError('predictions-incomplete', `the ${side} answered ${predictions.length} of ${samples.length} samples`, {
      field: side,
      hint: 'run both on every sample',
    });
  }
}

function requireLabels({ samples, metric }: EvaluationInput): void {
  const unlabelled = samples.filter(({ label }) => label === undefined || label === null);
  const [first] = unlabelled;
  if (first === undefined) return;
  const all = unlabelled.length === samples.length;
  const message = all ? 'the samples have no labels' : `"${first.name}" has no label, as ${unlabelled.length} of ${samples.length} samples`;
  throw new StarlingError('label-missing', `${message}, and ${metric} needs them`, {
    field: all ? 'labels' : `labels.${first.name}`,
    hint: all ? 'add labels, or use the metric "similarity", which needs none' : 'label every sample, or take it out of the set',
  });
}

function empty(): StarlingError {
  return new StarlingError('evaluation-empty', 'there are no evaluation samples', {
    field: 'evaluation',
    hint: 'give an evaluation set, or build without an accuracy budget',
  });
}
