import { type Detection, type OperatorParams, StarlingError } from '@starling/shared';
import { boundsOf, cornersOf } from './geometry.ts';
import { convexHull, minimumAreaRectangle } from './rectangle.ts';
import { type Box, boxesOf, detectionsOf, type Quad } from './values.ts';

type Inputs = Readonly<Record<string, unknown>>;

export function detectionsToBoxes(inputs: Inputs) {
  return { boxes: detectionsOf(inputs, 'detections').map((detection): Box => ({ quad: cornersOf(detection), score: detection.score })) };
}

export function boxesToDetections(inputs: Inputs, params: OperatorParams<'boxes.to-detections'>) {
  return { detections: boxesOf(inputs, 'boxes').map((box, index) => detectionOf(requireQuad(box, index), params)) };
}

function requireQuad(box: Box, index: number): Box {
  const isQuad =
    Array.isArray(box?.quad) && box.quad.length === 4 && box.quad.flat().length === 8 && box.quad.flat().every(Number.isFinite);
  if (isQuad) return box;
  throw new StarlingError('wrong-value', `box ${index} of input "boxes" has no four corners of finite numbers`, {
    field: `boxes.${index}.quad`,
    hint: 'a box has four corners, each x and y in pixels',
  });
}

function detectionOf({ quad, score }: Box, params: OperatorParams<'boxes.to-detections'>): Detection {
  return {
    ...(params.turned ? turnedRectangle(quad) : { box: boundsOf(quad) }),
    score,
    class: params.class,
    ...(params.label === undefined ? {} : { label: params.label }),
  };
}

/** The smallest rectangle around a quadrilateral, turned by at most 45 degrees: any rectangle can be named so. */
function turnedRectangle(quad: Quad): Pick<Detection, 'box' | 'angle'> {
  const rectangle = minimumAreaRectangle(convexHull(quad));
  if (rectangle === undefined) return { box: boundsOf(quad) };
  const { centreX, centreY } = rectangle;
  const quarters = Math.round(Math.atan2(rectangle.axisY, rectangle.axisX) / (Math.PI / 2));
  const angle = Math.atan2(rectangle.axisY, rectangle.axisX) - quarters * (Math.PI / 2);
  const [width, height] = quarters % 2 === 0 ? [rectangle.width, rectangle.height] : [rectangle.height, rectangle.width];
  return { box: [centreX - width / 2, centreY - height / 2, centreX + width / 2, centreY + height / 2], ...(angle === 0 ? {} : { angle }) };
}
