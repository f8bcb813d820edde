import { type Detection, type OperatorParams, StarlingError } from '@starling/shared';
import { wayBack } from './fit.ts';
import { boundsOf } from './geometry.ts';
import { float32Of, imageOf } from './values.ts';

type Params = OperatorParams<'keypoints.from-heatmaps'>;
type Keypoint = [number, number, number];

/**
 * One detection with the place of the highest value of each heat map, refined by a quarter of a cell towards the higher neighbour, since
 * a maximum between two cells leaves the second one higher (Newell et al., "Stacked Hourglass Networks", 2016).
 */
export function keypointsFromHeatmaps(inputs: Readonly<Record<string, unknown>>, params: Params) {
  const { shape, data } = float32Of(inputs, 'heatmaps', 4);
  const source = imageOf(inputs, 'source');
  const [batch, count = 0, height = 0, width = 0] = shape;
  if (batch !== 1 || data.length === 0) {
    throw new StarlingError('wrong-shape', `heat maps of [${shape.join(',')}] are none`, {
      field: 'heatmaps',
      hint: 'connect the output of the model that is [1,key points,height,width]',
    });
  }
  const way = wayBack(source, params.fit);
  const keypoints = Array.from({ length: count }, (_, index): Keypoint => {
    const [column, row, score] = peakOf(data.subarray(index * width * height, (index + 1) * width * height), width, height, index, params);
    const [x, y] = way.point((column * params.fit.width) / width, (row * params.fit.height) / height);
    return [Math.min(source.width, Math.max(0, x)), Math.min(source.height, Math.max(0, y)), Math.min(1, Math.max(0, score))];
  });
  const seen = keypoints.filter(([, , score]) => score >= params.scoreThreshold);
  if (seen.length < params.minimumKeypoints) return { detections: [] };
  const detection: Detection = {
    box: boundsOf(seen.map(([x, y]) => [x, y])),
    score: seen.reduce((sum, [, , score]) => sum + score, 0) / seen.length,
    class: 0,
    ...(params.label === undefined ? {} : { label: params.label }),
    keypoints,
  };
  return { detections: [detection] };
}

/** @returns column and row of the middle of the highest cell, counted from the edge of the map, and its value */
function peakOf(map: Float32Array, width: number, height: number, index: number, { refine }: Params): Keypoint {
  let best = 0;
  for (let at = 0; at < map.length; at += 1) {
    if (Number.isNaN(map[at])) {
      throw new StarlingError('not-finite', `heat map ${index} holds ${map[at]}`, {
        field: 'heatmaps',
        hint: 'the artefact computes wrong on this device: try another precision, or look at what the model is given',
      });
    }
    if ((map[at] as number) > (map[best] as number)) best = at;
  }
  const [column, row] = [best % width, Math.floor(best / width)];
  // At the border there is no neighbour on one side, so nothing to compare.
  const lean = (before: number, after: number): number => Math.sign((map[after] as number) - (map[before] as number)) / 4;
  const alongX = refine && column > 0 && column < width - 1 ? lean(best - 1, best + 1) : 0;
  const alongY = refine && row > 0 && row < height - 1 ? lean(best - width, best + width) : 0;
  return [column + 0.5 + alongX, row + 0.5 + alongY, map[best] as number];
}
