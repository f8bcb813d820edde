import type { Detection, OperatorParams } from '@starling/shared';
import { areaOf, centreOf, cornersOf, isInsidePolygon } from './geometry.ts';
import { detectionsOf, imageOf, type Point } from './values.ts';

type Params = OperatorParams<'detections.filter'>;

export function filterDetections(inputs: Readonly<Record<string, unknown>>, params: Params) {
  const picture = params.unit === 'share' ? imageOf(inputs, 'source') : { width: 1, height: 1 };
  const passed: Detection[] = [];
  const rest: Detection[] = [];
  for (const detection of detectionsOf(inputs, 'detections')) (passes(detection, params, picture) ? passed : rest).push(detection);
  return { detections: passed, rest };
}

function passes(detection: Detection, params: Params, { width, height }: { width: number; height: number }): boolean {
  const { labels, classes, minimumScore, minimumArea, maximumArea = Infinity, zone, anchor } = params;
  if (labels !== undefined && !labels.includes(detection.label ?? '')) return false;
  if (classes !== undefined && !classes.includes(detection.class)) return false;
  if (!(detection.score >= minimumScore)) return false;
  const area = areaOf(detection.box) / (width * height);
  if (area < minimumArea || area > maximumArea) return false;
  if (zone === undefined) return true;
  const [x, y] = anchor === 'centre' ? centreOf(detection.box) : lowestMiddle(detection);
  return isInsidePolygon([x / width, y / height], zone);
}

/** The middle of the lower side; of a turned box, of that side which lies lowest. */
function lowestMiddle(detection: Detection): Point {
  const corners = cornersOf(detection);
  const middles = corners.map(([x, y], index): Point => {
    const [nextX, nextY] = corners[(index + 1) % 4] as Point;
    return [(x + nextX) / 2, (y + nextY) / 2];
  });
  return middles.reduce((lowest, middle) => (middle[1] > lowest[1] ? middle : lowest));
}
