import { StarlingError } from '@starling/shared';
import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { centreOf, contains, intersectionOverUnion, type Point, type Polygon, placeSchema, polygonOf } from './geometry.ts';
import { ratioScorer, type Scored } from './scorer.ts';

const textSchema = z.union([
  z.string().transform((text) => ({ text })),
  z.object({ text: z.string(), quad: placeSchema.optional(), box: placeSchema.optional() }),
]);
/** One text, or those in a picture, with or without their places. */
const textsSchema = z.union([textSchema.transform((one) => [one]), z.array(textSchema)]);

interface PlacedText {
  text: string;
  place?: Polygon;
}

interface TextCounts {
  texts: number;
  exact: number;
  characters: number;
  errors: number;
  /** Readings where no text is. */
  spurious: number;
}

/** Places that overlap less are of different texts, unless the middle of one lies in the other. */
const OVERLAP_MINIMUM = 0.3;

/**
 * Texts read without an error over all texts, or wrong characters over all characters; both in %. A wrong character is an insertion,
 * deletion or substitution (Levenshtein). Compared is what is left after Unicode NFKC without white space; case counts. Readings are given
 * to the texts that they overlap if both have places, otherwise by their order. Readings where no text is count in neither metric, but are
 * noted.
 */
export function scoreTexts(
  metric: 'exact-match' | 'character-error-rate',
  predictions: readonly unknown[],
  labels: readonly unknown[],
  samples: readonly string[],
  side: string,
): Scored {
  const counts = predictions.map((prediction, index) => {
    const sample = samples[index] ?? '';
    return countTexts(parseLabel(labels[index], sample), parsePrediction(prediction, side, sample));
  });
  const column = (key: keyof TextCounts): number[] => counts.map((each) => each[key]);
  const sum = (key: keyof TextCounts): number => column(key).reduce((total, count) => total + count, 0);
  if (sum('characters') === 0) {
    throw new StarlingError('labels-empty', 'the labels hold no characters', {
      field: 'labels',
      hint: 'label the samples with the texts that are in them',
    });
  }
  const notes = sum('spurious') === 0 ? [] : [`${sum('spurious')} readings of the ${side} are where no text is`];
  const scorer =
    metric === 'exact-match'
      ? ratioScorer(column('exact'), column('texts'), 100)
      : ratioScorer(column('errors'), column('characters'), 100);
  return { scorer, notes };
}

function countTexts(truths: readonly PlacedText[], readings: readonly PlacedText[]): TextCounts {
  const placed = [...truths, ...readings].every(({ place }) => place !== undefined);
  const { reads, spurious } = placed ? matchByPlace(truths, readings) : matchByOrder(truths, readings);
  const pairs = truths.map(({ text }, index) => [normalised(text), normalised(reads[index] ?? '')] as const);
  return {
    texts: pairs.length,
    exact: pairs.filter(([truth, read]) => truth === read).length,
    characters: pairs.reduce((total, [truth]) => total + [...truth].length, 0),
    errors: pairs.reduce((total, [truth, read]) => total + distance(truth, read), 0),
    spurious,
  };
}

function normalised(text: string): string {
  return text.normalize('NFKC').replace(/\s+/gu, '');
}

function matchByOrder(truths: readonly PlacedText[], readings: readonly PlacedText[]): { reads: string[]; spurious: number } {
  return { reads: truths.map((_, index) => readings[index]?.text ?? ''), spurious: Math.max(0, readings.length - truths.length) };
}

/** Readings of one text are joined along it, since a detector may see a gap between words as the end of a line. */
function matchByPlace(truths: readonly PlacedText[], readings: readonly PlacedText[]): { reads: string[]; spurious: number } {
  const parts = truths.map((): { text: string; middle: Point }[] => []);
  let spurious = 0;
  for (const { text, place = [] } of readings) {
    const middle = centreOf(place);
    const index = nearest(truths, place, middle);
    if (index === undefined) spurious += 1;
    else parts[index]?.push({ text, middle });
  }
  const reads = truths.map(({ place = [] }, index) => {
    const [from = [0, 0], to = [1, 0]] = place;
    const along = ({ middle }: { middle: Point }): number =>
      (middle[0] - from[0]) * (to[0] - from[0]) + (middle[1] - from[1]) * (to[1] - from[1]);
    const ordered = (parts[index] ?? []).toSorted((a, b) => along(a) - along(b));
    return ordered.map(({ text }) => text).join('');
  });
  return { reads, spurious };
}

function nearest(truths: readonly PlacedText[], place: Polygon, middle: Point): number | undefined {
  let best: number | undefined;
  let bestOverlap = -1;
  for (const [index, truth] of truths.entries()) {
    const overlap = intersectionOverUnion(truth.place ?? [], place);
    if (overlap <= bestOverlap || (overlap < OVERLAP_MINIMUM && !contains(truth.place ?? [], middle))) continue;
    best = index;
    bestOverlap = overlap;
  }
  return best;
}

function parseLabel(label: unknown, sample: string): PlacedText[] {
  const parsed = textsSchema.safeParse(label);
  if (parsed.success) return parsed.data.map(placedText);
  throw new StarlingError('label-invalid', `the label of "${sample}" is no text`, {
    field: `labels.${sample}`,
    hint: 'label each sample with a text, a list of texts, or a list of {"text", "quad"}',
  });
}

function parsePrediction(prediction: unknown, side: string, sample: string): PlacedText[] {
  const parsed = textsSchema.safeParse(prediction);
  if (parsed.success) return parsed.data.map(placedText);
  throw new StarlingError('prediction-unsuitable', `the ${side} gives no texts for "${sample}"`, {
    field: `${side}.${sample}`,
    hint: 'score an output of the pipeline that is a text or a list of readings',
  });
}

function placedText({ text, ...places }: z.infer<typeof textSchema>): PlacedText {
  const place = 'quad' in places && places.quad !== undefined ? places.quad : 'box' in places ? places.box : undefined;
  return place === undefined ? { text } : { text, place: polygonOf(place) };
}
