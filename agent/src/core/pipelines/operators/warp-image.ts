import type { OperatorParams } from '@starling/shared';
import { imageOf, type Point, type Quad } from './values.ts';
import { warpQuad } from './warp.ts';

type Params = OperatorParams<'image.warp'>;

export function warpImage(inputs: Readonly<Record<string, unknown>>, params: Params) {
  const image = imageOf(inputs, 'image');
  const { width, height, matrix, quad, unit } = params;
  if (matrix !== undefined) return { image: warpQuad(image, quadOfMatrix(matrix, width, height), width, height) };
  const [scaleX, scaleY] = unit === 'share' ? [image.width, image.height] : [1, 1];
  // The schema lets a node give one of both, never none.
  const corners = (quad as Quad).map(([x, y]): Point => [x * scaleX, y * scaleY]) as Quad;
  return { image: warpQuad(image, corners, width, height) };
}

/** An affine matrix makes a parallelogram of the result: its corners, mapped back into the picture. */
function quadOfMatrix([a, b, c, d, e, f]: NonNullable<Params['matrix']>, width: number, height: number): Quad {
  const determinant = a * e - b * d;
  const back = (x: number, y: number): Point => [(e * (x - c) - b * (y - f)) / determinant, (a * (y - f) - d * (x - c)) / determinant];
  return [back(0, 0), back(width, 0), back(width, height), back(0, height)];
}
