import { type OperatorParams, StarlingError } from '@starling/shared';
import { float32Of } from './values.ts';

/** One class of a classifier. */
export interface ClassScore {
  index: number;
  /** Name of the class, or its index where nobody named it. */
  label: string | number;
  score: number;
}

export async function topClasses(inputs: Readonly<Record<string, unknown>>, params: OperatorParams<'classes.top'>) {
  const { data } = float32Of(inputs, 'scores', 2);
  const { labels, count } = params;
  if (labels !== undefined && labels.length !== data.length) {
    throw new StarlingError('labels-mismatch', `the model has ${data.length} classes, there are ${labels.length} labels`, {
      field: 'params.labels',
      hint: 'give one label for each class, in the order of the model',
    });
  }
  const scores = params.softmax ? softmax(data) : data;
  const order = Array.from(scores.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  const classes: ClassScore[] = order
    .slice(0, count)
    .map((index) => ({ index, label: labels?.[index] ?? index, score: scores[index] as number }));
  return { classes };
}

/** The largest score is subtracted first, so that no exponential overflows. */
function softmax(scores: Float32Array): Float32Array {
  const largest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const powers = scores.map((score) => Math.exp(score - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
