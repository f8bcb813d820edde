import { StarlingError } from '@starling/shared';
import { z } from 'zod';
import { intersectionOverUnion, type Polygon, placeSchema, polygonOf } from './geometry.ts';
import { type Origin, requireFinite } from './numbers.ts';
import type { Scored, Scorer } from './scorer.ts';

const objectSchema = z.object({
  box: placeSchema.optional(),
  quad: placeSchema.optional(),
  label: z.union([z.string(), z.number()]).default(0),
  score: z.number().or(z.nan()).default(1),
});
const objectsSchema = z.array(
  z.union([placeSchema.transform((box): z.infer<typeof objectSchema> => ({ box, label: 0, score: 1 })), objectSchema]),
);

interface Found {
  place: Polygon;
  score: number;
}
/** Of one picture: label -> objects. */
type ByLabel = Map<string | number, Found[]>;

/** Detections of a label over all pictures, the best first. */
interface Ranking {
  /** Picture of each detection. */
  pictures: Int32Array;
  /** For each threshold of overlap, whether each detection finds a true object. */
  hits: Uint8Array[];
  /** True objects of each picture. */
  truths: Float64Array;
}

/** Conventions of COCO's evaluation (pycocotools, COCOeval): thresholds of overlap, detections a picture, points of recall. */
const OVERLAPS = Array.from({ length: 10 }, (_, place) => 0.5 + place * ((0.95 - 0.5) / 9));
const DETECTIONS_MAXIMUM = 100;
const RECALL_STEPS = 100;
const RECALL_STEP = 0.01;

/**
 * Mean average precision in % over overlaps of 0.50 to 0.95, as COCO computes it: detections in the order of their scores each take the free
 * true object of their label that they overlap most; precision, made falling, is read at 101 points of recall. Boxes and quadrilaterals.
 * @throws StarlingError `label-invalid`, `labels-empty`, `prediction-unsuitable`, `prediction-not-a-number`
 */
export function scoreDetections(
  predictions: readonly unknown[],
  labels: readonly unknown[],
  samples: readonly string[],
  side: string,
): Scored & { scorerAt50: Scorer } {
  const truths = labels.map((label, index) => parseTruths(label, samples[index] ?? ''));
  const found = predictions.map((prediction, index) => parseFound(prediction, { side, sample: samples[index] ?? '' }));
  const kinds = new Set(truths.flatMap((picture) => [...picture.keys()]));
  if (kinds.size === 0) {
    throw new StarlingError('labels-empty', 'the labels hold no objects', { field: 'labels', hint: 'label what is in the pictures' });
  }
  const rankings = [...kinds].map((kind) => rank(kind, truths, found));
  const unknown = found.reduce(
    (sum, picture) => sum + [...picture].reduce((n, [kind, list]) => (kinds.has(kind) ? n : n + list.length), 0),
    0,
  );
  const notes = unknown === 0 ? [] : [`${unknown} detections of the ${side} have a label that no true object has, and are not scored`];
  const over = (thresholds: readonly number[]): Scorer => {
    return (counts) => {
      const precisions = rankings.flatMap((ranking) => thresholds.map((threshold) => averagePrecision(ranking, threshold, counts)));
      const defined = precisions.filter((precision) => !Number.isNaN(precision));
      return defined.length === 0 ? Number.NaN : (100 * defined.reduce((sum, precision) => sum + precision, 0)) / defined.length;
    };
  };
  return { scorer: over([...OVERLAPS.keys()]), scorerAt50: over([0]), notes };
}

function rank(kind: string | number, truths: readonly ByLabel[], found: readonly ByLabel[]): Ranking {
  const entries = found.flatMap((picture, place) => {
    const detections = (picture.get(kind) ?? []).toSorted((a, b) => b.score - a.score).slice(0, DETECTIONS_MAXIMUM);
    const hits = matchPicture(detections, truths[place]?.get(kind) ?? []);
    return detections.map(({ score }, index) => ({ score, place, hits: hits.map((each) => each[index] === true) }));
  });
  // Sorting is stable: equal scores keep the order of the pictures.
  entries.sort((a, b) => b.score - a.score);
  return {
    pictures: Int32Array.from(entries, ({ place }) => place),
    hits: OVERLAPS.map((_, threshold) => Uint8Array.from(entries, ({ hits }) => (hits[threshold] ? 1 : 0))),
    truths: Float64Array.from(truths, (picture) => picture.get(kind)?.length ?? 0),
  };
}

/** @returns per threshold, which detections find a true object */
function matchPicture(detections: readonly Found[], truths: readonly Found[]): boolean[][] {
  const overlaps = detections.map(({ place }) => truths.map((truth) => intersectionOverUnion(place, truth.place)));
  return OVERLAPS.map((threshold) => {
    const free = new Set(truths.keys());
    return overlaps.map((row) => {
      // As COCOeval: the last of equal overlaps.
      let best: number | undefined;
      let bestOverlap = Math.min(threshold, 1 - 1e-10);
      for (const truth of free) {
        if ((row[truth] as number) < bestOverlap) continue;
        best = truth;
        bestOverlap = row[truth] as number;
      }
      return best !== undefined && free.delete(best);
    });
  });
}

/** NaN where the pictures hold no object of the label. */
function averagePrecision({ pictures, hits, truths }: Ranking, threshold: number, counts: Float64Array): number {
  let objects = 0;
  for (let picture = 0; picture < truths.length; picture += 1) objects += (counts[picture] as number) * (truths[picture] as number);
  if (objects === 0) return Number.NaN;
  const isHit = hits[threshold] as Uint8Array;
  const right = new Float64Array(pictures.length);
  const precision = new Float64Array(pictures.length);
  let [hitCount, seen] = [0, 0];
  for (let index = 0; index < pictures.length; index += 1) {
    const count = counts[pictures[index] as number] as number;
    seen += count;
    hitCount += count * (isHit[index] as number);
    right[index] = hitCount;
    precision[index] = seen === 0 ? 0 : hitCount / seen;
  }
  for (let index = precision.length - 2; index >= 0; index -= 1) {
    if ((precision[index] as number) < (precision[index + 1] as number)) precision[index] = precision[index + 1] as number;
  }
  let sum = 0;
  let index = 0;
  for (let step = 0; step <= RECALL_STEPS; step += 1) {
    while (index < right.length && (right[index] as number) / objects < step * RECALL_STEP) index += 1;
    if (index === right.length) break;
    sum += precision[index] as number;
  }
  return sum / (RECALL_STEPS + 1);
}

function parseTruths(label: unknown, sample: string): ByLabel {
  const objects = byLabel(label);
  if (objects !== undefined) return objects;
  throw new StarlingError('label-invalid', `the label of "${sample}" is no list of objects`, {
    field: `labels.${sample}`,
    hint: 'label each sample with a list of {"box": [left, top, right, bottom], "label"}; a list without objects is fine',
  });
}

function parseFound(prediction: unknown, origin: Origin): ByLabel {
  const objects = byLabel(prediction);
  if (objects === undefined) {
    throw new StarlingError('prediction-unsuitable', `the ${origin.side} gives no list of objects for "${origin.sample}"`, {
      field: `${origin.side}.${origin.sample}`,
      hint: 'score an output of the pipeline that is a list of boxes with scores',
    });
  }
  for (const list of objects.values()) {
    requireFinite(
      list.map(({ score }) => score),
      origin,
    );
  }
  return objects;
}

function byLabel(value: unknown): ByLabel | undefined {
  const parsed = objectsSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const groups: ByLabel = new Map();
  for (const { box, quad, label, score } of parsed.data) {
    const place = quad ?? box;
    if (place === undefined) return undefined;
    groups.set(label, [...(groups.get(label) ?? []), { place: polygonOf(place), score }]);
  }
  return groups;
}
