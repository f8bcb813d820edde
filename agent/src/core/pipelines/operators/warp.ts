import type { RawImage } from '../../ports/image-codec.ts';
import type { Quad } from './values.ts';

/** Coefficients of x' = (a x + b y + c) / (g x + h y + 1), y' = (d x + e y + f) / (g x + h y + 1). */
export type Homography = readonly [number, number, number, number, number, number, number, number];

/**
 * The homography that maps the unit square's corners (0,0), (1,0), (1,1), (0,1) to a quadrilateral
 * (Heckbert, "Fundamentals of Texture Mapping and Image Warping", 1989, section 2.2.3).
 */
export function squareToQuad(quad: Quad): Homography {
  const [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = quad;
  const sumX = x0 - x1 + x2 - x3;
  const sumY = y0 - y1 + y2 - y3;
  const dx1 = x1 - x2;
  const dx2 = x3 - x2;
  const dy1 = y1 - y2;
  const dy2 = y3 - y2;
  const determinant = dx1 * dy2 - dx2 * dy1;
  const g = determinant === 0 ? 0 : (sumX * dy2 - dx2 * sumY) / determinant;
  const h = determinant === 0 ? 0 : (dx1 * sumY - sumX * dy1) / determinant;
  return [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h];
}

/**
 * Cuts a quadrilateral out of an image by inverse mapping with bilinear sampling; outside pixels repeat the border. Done on raw
 * pixels by our own code so that every runtime gives the same bytes.
 */
export function warpQuad(image: RawImage, quad: Quad, width: number, height: number): RawImage {
  const [a, b, c, d, e, f, g, h] = squareToQuad(quad);
  const data = new Uint8Array(width * height * 3);
  const source = image.data;
  const lastX = image.width - 1;
  const lastY = image.height - 1;
  const rowBytes = image.width * 3;
  let at = 0;
  for (let row = 0; row < height; row += 1) {
    const v = (row + 0.5) / height;
    for (let column = 0; column < width; column += 1) {
      const u = (column + 0.5) / width;
      const scale = 1 / (g * u + h * v + 1);
      const x = Math.min(lastX, Math.max(0, (a * u + b * v + c) * scale - 0.5));
      const y = Math.min(lastY, Math.max(0, (d * u + e * v + f) * scale - 0.5));
      const left = x | 0;
      const top = y | 0;
      const fx = x - left;
      const fy = y - top;
      const upper = top * rowBytes + left * 3;
      const right = left < lastX ? 3 : 0;
      const lower = upper + (top < lastY ? rowBytes : 0);
      for (let channel = 0; channel < 3; channel += 1) {
        const first = (source[upper + channel] as number) * (1 - fx) + (source[upper + right + channel] as number) * fx;
        const second = (source[lower + channel] as number) * (1 - fx) + (source[lower + right + channel] as number) * fx;
        data[at] = first * (1 - fy) + second * fy + 0.5;
        at += 1;
      }
    }
  }
  return { width, height, data };
}
