import type { RawImage } from '../../ports/image-codec.ts';
import { LUMA } from './luma.ts';
import { imageOf } from './values.ts';

export interface ImageStatistics {
  /** Mean luma, 0..255 (ITU-R BT.601 weights). */
  brightness: number;
  /** Standard deviation of the luma. */
  contrast: number;
  /** Variance of the 4-neighbour Laplacian of the luma (Pech-Pacheco et al. 2000): low means blurred. */
  sharpness: number;
}

/** Pixels looked at along the longer side: enough for a stable figure, cheap beside an inference. */
const SAMPLES_ALONG_SIDE = 320;

export function measureImage(inputs: Readonly<Record<string, unknown>>) {
  const image = imageOf(inputs, 'image');
  return { statistics: { width: image.width, height: image.height, ...imageStatistics(image) } };
}

/** Statistics of an image on a regular grid of its pixels. */
export function imageStatistics(image: RawImage): ImageStatistics {
  const step = Math.max(1, Math.floor(Math.max(image.width, image.height) / SAMPLES_ALONG_SIDE));
  const width = Math.floor((image.width - 1) / step) + 1;
  const height = Math.floor((image.height - 1) / step) + 1;
  const luma = new Float32Array(width * height);
  let sum = 0;
  let squares = 0;
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 1) {
      const pixel = (y * step * image.width + x * step) * 3;
      const { data } = image;
      const value = LUMA[0] * (data[pixel] as number) + LUMA[1] * (data[pixel + 1] as number) + LUMA[2] * (data[pixel + 2] as number);
      luma[at] = value;
      sum += value;
      squares += value * value;
    }
  }
  const mean = sum / luma.length;
  return {
    brightness: mean,
    contrast: Math.sqrt(Math.max(0, squares / luma.length - mean * mean)),
    sharpness: laplacianVariance(luma, width, height),
  };
}

function laplacianVariance(luma: Float32Array, width: number, height: number): number {
  let sum = 0;
  let squares = 0;
  let count = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const at = y * width + x;
      const around = (luma[at - 1] as number) + (luma[at + 1] as number) + (luma[at - width] as number) + (luma[at + width] as number);
      const value = around - 4 * (luma[at] as number);
      sum += value;
      squares += value * value;
      count += 1;
    }
  }
  return count === 0 ? 0 : squares / count - (sum / count) ** 2;
}
