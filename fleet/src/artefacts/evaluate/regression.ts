import { StarlingError } from '@starling/shared';
import { numbersOf, requireNumbers } from './numbers.ts';
import { ratioScorer, type Scored } from './scorer.ts';

/** Mean distance of the numbers to those of the labels, in the unit of the output. */
export function scoreNumbers(
  predictions: readonly unknown[],
  labels: readonly unknown[],
  samples: readonly string[],
  side: string,
): Scored {
  const distances: number[] = [];
  const lengths: number[] = [];
  for (const [index, prediction] of predictions.entries()) {
    const sample = samples[index] ?? '';
    const answer = requireNumbers(prediction, { side, sample });
    const label = numbersOf(labels[index]);
    if (label === undefined || label.length !== answer.length || !label.every(Number.isFinite)) {
      throw new StarlingError('label-invalid', `the label of "${sample}" is not ${answer.length} numbers, as the ${side} answers`, {
        field: `labels.${sample}`,
        hint: 'label each sample with as many numbers as the output has',
      });
    }
    distances.push(answer.reduce((sum, value, place) => sum + Math.abs(value - (label[place] as number)), 0));
    lengths.push(answer.length);
  }
  return { scorer: ratioScorer(distances, lengths, 1), notes: [] };
}
