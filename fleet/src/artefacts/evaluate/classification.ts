import { StarlingError } from '@starling/shared';
import { z } from 'zod';
import { numbersOf, type Origin, requireFinite } from './numbers.ts';
import { ratioScorer, type Scored } from './scorer.ts';

/** What is looked at in the answer of a classifier: a class by index or by its text, or the classes with scores. */
const classSchema = z.union([z.number(), z.string(), z.object({ label: z.union([z.string(), z.number()]) })]);
const rankedSchema = z.array(z.object({ label: z.union([z.string(), z.number()]), score: z.number() })).min(1);

type Class = number | string;

/**
 * Share of the samples whose class is right, in %.
 * @param names text of each class, by which texts and indices are compared
 */
export function scoreClasses(
  predictions: readonly unknown[],
  labels: readonly unknown[],
  samples: readonly string[],
  side: string,
  names: readonly string[] | undefined,
): Scored {
  const places = names === undefined ? undefined : new Map(names.map((name, place) => [name, place]));
  const right = predictions.map((prediction, index) => {
    const sample = samples[index] ?? '';
    const label = labelOf(labels[index], sample, places, names);
    const answer = indexed(predictedClass(prediction, { side, sample }), places);
    if (typeof answer !== typeof label) {
      throw new StarlingError('label-kind-mismatch', `"${sample}" is labelled ${JSON.stringify(label)}, the ${side} answers ${answer}`, {
        field: `labels.${sample}`,
        hint: 'give the names of the classes in the card of the model (labels), or label with what the model answers',
      });
    }
    return answer === label ? 1 : 0;
  });
  return { scorer: ratioScorer(right, new Array<number>(right.length).fill(1), 100), notes: [] };
}

function labelOf(
  label: unknown,
  sample: string,
  places: ReadonlyMap<string, number> | undefined,
  names: readonly string[] | undefined,
): Class {
  const parsed = classSchema.safeParse(label);
  const given = parsed.success ? plain(parsed.data) : undefined;
  if (given === undefined || (typeof given === 'number' && (!Number.isInteger(given) || given < 0))) {
    throw new StarlingError('label-invalid', `the label of "${sample}" is no class`, {
      field: `labels.${sample}`,
      hint: 'label each sample with the index of its class or with its name',
    });
  }
  const place = indexed(given, places);
  const unknown = places !== undefined && (typeof place === 'string' || place >= places.size);
  if (unknown) {
    throw new StarlingError('label-unknown', `"${sample}" is labelled ${JSON.stringify(given)}, which is no class of the model`, {
      field: `labels.${sample}`,
      hint: `the classes are ${(names ?? []).slice(0, 10).join(', ')}${(names ?? []).length > 10 ? ', ...' : ''}`,
    });
  }
  return place;
}

function predictedClass(prediction: unknown, origin: Origin): Class {
  const one = classSchema.safeParse(prediction);
  if (one.success) return plain(one.data);
  const ranked = rankedSchema.safeParse(prediction);
  if (ranked.success) return ranked.data.reduce((best, each) => (each.score > best.score ? each : best)).label;
  const scores = numbersOf(prediction);
  if (typeof prediction === 'number' || scores !== undefined) requireFinite(scores ?? [], origin);
  if (scores === undefined || scores.length === 0) {
    throw new StarlingError('prediction-unsuitable', `the ${origin.side} gives no class for "${origin.sample}"`, {
      field: `${origin.side}.${origin.sample}`,
      hint: 'score an output that is an index, the name of a class, or a score for each class',
    });
  }
  if (scores.length === 1) return scores[0] as number;
  // The first of equal scores, as NumPy's argmax.
  return scores.reduce((best, score, place) => (score > (scores[best] as number) ? place : best), 0);
}

function plain(value: z.infer<typeof classSchema>): Class {
  return typeof value === 'object' ? value.label : value;
}

function indexed(value: Class, places: ReadonlyMap<string, number> | undefined): Class {
  return typeof value === 'string' ? (places?.get(value) ?? value) : value;
}
