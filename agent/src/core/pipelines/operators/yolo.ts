import { type Detection, type Rectangle, StarlingError } from '@starling/shared';
import { type WayBack, wayBack } from './fit.ts';
import { areaOf, boundsOf, clampRectangle, cornersOf } from './geometry.ts';
import { type Prototypes, prototypesOf, readMask } from './prototype-mask.ts';
import { bestFirst, suppress } from './suppress.ts';
import { float32Of, imageOf } from './values.ts';
import { readLayout, type YoloParams, type YoloRows } from './yolo-layout.ts';

/** Boxes that are compared with each other at most: a model that finds something everywhere must not stop the device. */
const CANDIDATES_MAXIMUM = 3000;

/** A row whose score is high enough. Its box is in pixels of the input of the model, before it is turned by `angle`. */
interface Found {
  row: number;
  class: number;
  score: number;
  box: Rectangle;
  angle?: number;
}

/**
 * Detections of a YOLO export. Boxes are suppressed as the model sees them, then taken back into the source and cut at its border;
 * what lies in the padding alone is dropped.
 */
export function yoloDecode(inputs: Readonly<Record<string, unknown>>, params: YoloParams) {
  const output = float32Of(inputs, 'output', 3);
  const source = imageOf(inputs, 'source');
  const prototypes = params.task === 'segment' ? prototypesOf(inputs) : undefined;
  const layout = readLayout(output, params, prototypes?.channels ?? 0);
  const candidates = readers[layout.layout](output.data, layout, params);
  const found = bestFirst(candidates)
    .slice(0, CANDIDATES_MAXIMUM)
    .map((candidate) => ({ ...candidate, ...readBox(output.data, layout, candidate.row, params) }));
  const isSuppressed = layout.layout === 'v10' || params.iouThreshold === 1;
  const kept = isSuppressed ? found.slice(0, params.maximumCount) : suppress(found, params);
  const way = wayBack(source, params.fit);
  return { detections: kept.flatMap((each) => detectionOf(each, output.data, layout, way, params, prototypes)) };
}

type Scored = Omit<Found, 'box' | 'angle'>;

/** Rows with objectness: its product with the score of the best class. */
function readRows(data: Float32Array, layout: YoloRows, { scoreThreshold }: YoloParams): Scored[] {
  const candidates: Scored[] = [];
  for (let row = 0; row < layout.rows; row += 1) {
    const start = row * layout.rowStep;
    const objectness = data[start + 4] as number;
    // No class raises it, so most rows end here. Written so that NaN goes on, and is refused.
    if (objectness < scoreThreshold) continue;
    let best = 0;
    let score = data[start + layout.firstClass] as number;
    for (let index = 1; index < layout.classes; index += 1) {
      const value = data[start + layout.firstClass + index] as number;
      if (value <= score || Number.isNaN(score)) continue;
      best = index;
      score = value;
    }
    const product = requireFinite(objectness * score, row);
    if (product >= scoreThreshold) candidates.push({ row, class: best, score: product });
  }
  return candidates;
}

/** A plane for each class: along them memory is read in order. */
function readPlanes(data: Float32Array, { rows, firstClass, classes }: YoloRows, { scoreThreshold }: YoloParams): Scored[] {
  const best = new Int32Array(rows);
  const scores = data.slice(firstClass * rows, (firstClass + 1) * rows);
  for (let index = 1; index < classes; index += 1) {
    const plane = (firstClass + index) * rows;
    for (let row = 0; row < rows; row += 1) {
      const value = data[plane + row] as number;
      const score = scores[row] as number;
      // A NaN wins over every score, and stays: it is refused below.
      if (value <= score || Number.isNaN(score)) continue;
      best[row] = index;
      scores[row] = value;
    }
  }
  const candidates: Scored[] = [];
  for (let row = 0; row < rows; row += 1) {
    const score = requireFinite(scores[row] as number, row);
    if (score >= scoreThreshold) candidates.push({ row, class: best[row] as number, score });
  }
  return candidates;
}

/** Rows that the model has suppressed itself: box, score, class. */
function readFinal(data: Float32Array, { rows, rowStep }: YoloRows, { scoreThreshold, labels }: YoloParams): Scored[] {
  const candidates: Scored[] = [];
  for (let row = 0; row < rows; row += 1) {
    const score = requireFinite(data[row * rowStep + 4] as number, row);
    if (score < scoreThreshold) continue;
    const number = Math.round(requireFinite(data[row * rowStep + 5] as number, row));
    if (number < 0 || (labels !== undefined && number >= labels.length)) {
      throw new StarlingError('labels-mismatch', `row ${row} is of class ${number}, there are ${labels?.length ?? 0} labels`, {
        field: 'params.labels',
        hint: 'give one label for each class, in the order of the model; if the number makes no sense, name the layout',
      });
    }
    candidates.push({ row, class: number, score });
  }
  return candidates;
}

const readers = { v5: readRows, v8: readPlanes, v10: readFinal };

function readBox(data: Float32Array, layout: YoloRows, row: number, params: YoloParams): Pick<Found, 'box' | 'angle'> {
  const channel = (index: number): number => requireFinite(data[row * layout.rowStep + index * layout.channelStep] as number, row);
  const [unitX, unitY] = unitsOf(params);
  const [first, second, third, fourth] = [channel(0) * unitX, channel(1) * unitY, channel(2) * unitX, channel(3) * unitY];
  // Turned boxes have centre and sides also where the model has suppressed them.
  if (layout.layout === 'v10' && params.task !== 'turned') return { box: [first, second, third, fourth] };
  const box: Rectangle = [first - third / 2, second - fourth / 2, first + third / 2, second + fourth / 2];
  return params.task === 'turned' ? { box, angle: channel(layout.firstExtra) } : { box };
}

function unitsOf({ unit, fit }: YoloParams): readonly [number, number] {
  return unit === 'share' ? [fit.width, fit.height] : [1, 1];
}

/** @returns none for a box of which nothing lies in the picture */
function detectionOf(
  found: Found,
  data: Float32Array,
  layout: YoloRows,
  way: WayBack,
  params: YoloParams,
  prototypes: Prototypes | undefined,
): Detection[] {
  const [left, top] = way.point(found.box[0], found.box[1]);
  const [right, bottom] = way.point(found.box[2], found.box[3]);
  const isTurned = found.angle !== undefined;
  // A turned box that sticks out would be another one after cutting.
  const box = isTurned ? ([left, top, right, bottom] as Rectangle) : clampRectangle([left, top, right, bottom], way.source);
  const visible = isTurned ? clampRectangle(boundsOf(cornersOf({ box, ...angleOf(found) })), way.source) : box;
  if (!(areaOf(box) > 0 && areaOf(visible) > 0)) return [];
  const label = params.labels?.[found.class];
  const extra = (index: number): number =>
    requireFinite(data[found.row * layout.rowStep + (layout.firstExtra + index) * layout.channelStep] as number, found.row);
  return [
    {
      ...{ box, score: Math.min(1, found.score), class: found.class },
      ...(label === undefined ? {} : { label }),
      ...angleOf(found),
      ...(params.task === 'pose' ? { keypoints: readKeypoints(extra, layout, way, params) } : {}),
      ...(prototypes === undefined ? {} : { mask: readMask(prototypes, extra, box, way, params) }),
    },
  ];
}

function angleOf({ angle }: Found): { angle?: number } {
  return angle === undefined ? {} : { angle };
}

function readKeypoints(extra: (index: number) => number, layout: YoloRows, way: WayBack, params: YoloParams): [number, number, number][] {
  const values = layout.extras / params.keypoints;
  const [unitX, unitY] = unitsOf(params);
  return Array.from({ length: params.keypoints }, (_, index): [number, number, number] => {
    const [x, y] = way.point(extra(index * values) * unitX, extra(index * values + 1) * unitY);
    const score = values === 3 ? extra(index * values + 2) : 1;
    return [Math.min(way.source.width, Math.max(0, x)), Math.min(way.source.height, Math.max(0, y)), Math.min(1, Math.max(0, score))];
  });
}

function requireFinite(value: number, row: number): number {
  if (Number.isFinite(value)) return value;
  throw new StarlingError('not-finite', `row ${row} of the output holds ${value}`, {
    field: 'output',
    hint: 'the artefact computes wrong on this device: try another precision, or look at what the model is given',
  });
}
