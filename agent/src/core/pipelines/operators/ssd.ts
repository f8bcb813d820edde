import { type Detection, type OperatorParams, type Rectangle, StarlingError } from '@starling/shared';
import type { Tensor } from '../../ports/engine.ts';
import { wayBack } from './fit.ts';
import { areaOf, clampRectangle } from './geometry.ts';
import { type Prior, priorsOf } from './ssd-priors.ts';
import { bestFirst, suppress } from './suppress.ts';
import { float32Of, imageOf } from './values.ts';

export type SsdParams = OperatorParams<'ssd.decode'>;
type Inputs = Readonly<Record<string, unknown>>;
type Floats = Tensor & { data: Float32Array };

/** Boxes that are compared with each other at most: a model that finds something everywhere must not stop the device. */
const CANDIDATES_MAXIMUM = 3000;

/** The box is in shares of the sides of the input, 0..1. */
interface Found {
  class: number;
  score: number;
  box: Rectangle;
}

/** Detections of an SSD (Liu et al., "SSD: Single Shot MultiBox Detector", 2016), the best class for each prior. */
export function ssdDecode(inputs: Inputs, params: SsdParams) {
  const source = imageOf(inputs, 'source');
  const boxes = float32Of(inputs, 'boxes', 3);
  const [batch, count = 0, sides] = boxes.shape;
  if (batch !== 1 || sides !== 4) throw wrongShape('boxes', boxes, 'boxes are [1,n,4]');
  const found = params.format === 'final' ? readFinal(inputs, boxes, count, params) : readRaw(inputs, boxes, count, params);
  const sorted = bestFirst(found).slice(0, CANDIDATES_MAXIMUM);
  const isSuppressed = params.format === 'final' || params.iouThreshold === 1;
  const { width, height } = params.fit;
  const way = wayBack(source, params.fit);
  const placed = sorted.map((each): Found => {
    const [left, top] = way.point(each.box[0] * width, each.box[1] * height);
    const [right, bottom] = way.point(each.box[2] * width, each.box[3] * height);
    return { ...each, box: [left, top, right, bottom] };
  });
  const kept = isSuppressed ? placed.slice(0, params.maximumCount) : suppress(placed, params);
  return {
    detections: kept.flatMap((each): Detection[] => {
      const box = clampRectangle(each.box, source);
      if (areaOf(box) === 0) return [];
      const label = params.labels?.[each.class];
      return [{ ...{ box, score: Math.min(1, each.score), class: each.class }, ...(label === undefined ? {} : { label }) }];
    }),
  };
}

function readRaw(inputs: Inputs, boxes: Floats, count: number, params: SsdParams): Found[] {
  const scores = float32Of(inputs, 'scores', 3);
  const [, rows, classes = 0] = scores.shape;
  const first = params.background ? 1 : 0;
  if (rows !== count || classes <= first) {
    throw wrongShape(
      'scores',
      scores,
      `they are [1,${count},classes], one row for each box${params.background ? ', with the background first' : ''}`,
    );
  }
  requireLabels(params, classes - first);
  const priors = params.priors === undefined ? undefined : priorsOf(params.priors, params.fit, count);
  const found: Found[] = [];
  for (let row = 0; row < count; row += 1) {
    const { best, score } = bestClass(probabilitiesOf(scores.data, row, classes, params.activation), first, row);
    if (score >= params.scoreThreshold) found.push({ class: best - first, score, box: readBox(boxes.data, row, params, priors?.[row]) });
  }
  return found;
}

/** The scores of one row as probabilities. */
function probabilitiesOf(data: Float32Array, row: number, classes: number, activation: SsdParams['activation']): Float32Array {
  const scores = data.subarray(row * classes, (row + 1) * classes);
  if (activation === 'none') return scores;
  if (activation === 'sigmoid') return scores.map((score) => 1 / (1 + Math.exp(-score)));
  // The largest is subtracted first, so that no exponential overflows.
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

function bestClass(scores: Float32Array, first: number, row: number): { best: number; score: number } {
  let best = first;
  for (let index = first; index < scores.length; index += 1) {
    if (requireFinite('scores', scores[index] as number, row) > (scores[best] as number)) best = index;
  }
  return { best, score: scores[best] as number };
}

function readBox(data: Float32Array, row: number, params: SsdParams, prior: Prior | undefined): Rectangle {
  const [a, b, c, d] = fourNumbers(data, row);
  const [unitX, unitY] = unitsOf(params);
  if (params.format === 'corners') return [a * unitX, b * unitY, c * unitX, d * unitY];
  if (prior === undefined) return aroundCentre(a * unitX, b * unitY, c * unitX, d * unitY);
  const [centre, side] = params.variances;
  // Beyond this no box of a picture is larger, and exponentials overflow.
  const grow = (offset: number): number => Math.exp(Math.min(20, offset * side));
  return aroundCentre(
    prior.x + a * centre * prior.width,
    prior.y + b * centre * prior.height,
    prior.width * grow(c),
    prior.height * grow(d),
  );
}

function fourNumbers(data: Float32Array, row: number): Rectangle {
  return [0, 1, 2, 3].map((index) => requireFinite('boxes', data[row * 4 + index] as number, row)) as Rectangle;
}

/** What a number of the model is in shares of its input. */
function unitsOf({ unit, fit }: SsdParams): readonly [number, number] {
  return unit === 'pixels' ? [1 / fit.width, 1 / fit.height] : [1, 1];
}

function aroundCentre(x: number, y: number, width: number, height: number): Rectangle {
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

/** The end of a TensorFlow graph: boxes as top, left, bottom, right; the number of a class for each; how many of them count. */
function readFinal(inputs: Inputs, boxes: Floats, rows: number, params: SsdParams): Found[] {
  const scores = float32Of(inputs, 'scores', 2);
  const classes = float32Of(inputs, 'classes', 2);
  if (scores.data.length !== rows) throw wrongShape('scores', scores, `there are ${rows} boxes`);
  if (classes.data.length !== rows) throw wrongShape('classes', classes, `there are ${rows} boxes`);
  const counted = inputs['count'] === undefined ? rows : Math.round(requireFinite('count', float32Of(inputs, 'count', 1).data[0] ?? 0, 0));
  const found: Found[] = [];
  for (let row = 0; row < Math.min(rows, counted); row += 1) {
    const score = requireFinite('scores', scores.data[row] as number, row);
    if (score < params.scoreThreshold) continue;
    const index = Math.round(requireFinite('classes', classes.data[row] as number, row)) - params.firstClass;
    if (index < 0 || (params.labels !== undefined && index >= params.labels.length)) {
      throw new StarlingError('labels-mismatch', `row ${row} is of class ${index}, there are ${params.labels?.length ?? 0} labels`, {
        field: 'params.labels',
        hint: 'give one label for each class, in the order of the model; set firstClass to the number of the first',
      });
    }
    const [top, left, bottom, right] = fourNumbers(boxes.data, row);
    const [unitX, unitY] = unitsOf(params);
    found.push({ class: index, score, box: [left * unitX, top * unitY, right * unitX, bottom * unitY] });
  }
  return found;
}

function requireLabels({ labels }: SsdParams, classes: number): void {
  if (labels === undefined || labels.length === classes) return;
  throw new StarlingError('labels-mismatch', `the model has ${classes} classes, there are ${labels.length} labels`, {
    field: 'params.labels',
    hint: 'give one label for each class, in the order of the model, without the background; set background if there is none',
  });
}

function requireFinite(port: string, value: number, row: number): number {
  if (Number.isFinite(value)) return value;
  throw new StarlingError('not-finite', `row ${row} of ${port} holds ${value}`, {
    field: port,
    hint: 'the artefact computes wrong on this device: try another precision, or look at what the model is given',
  });
}

function wrongShape(port: string, { shape }: Tensor, reason: string): StarlingError {
  return new StarlingError('wrong-shape', `${port} of [${shape.join(',')}] do not fit: ${reason}`, {
    field: port,
    hint: 'connect the outputs of the model to the inputs of the same meaning, and correct format',
  });
}
