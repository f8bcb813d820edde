/** A decoded picture -> the tensors of both models, drawn by a canvas. */
import type { Quad } from '../../../agent/src/core/pipelines/operators/index.ts';

export interface Sides {
  width: number;
  height: number;
}

/** Planes of a picture, one after the other. */
export interface Planes extends Sides {
  data: Float32Array;
}

const LONGEST_SIDE = 960;
const MULTIPLE_OF = 32;
const LINE_HEIGHT = 48;
const LINE_WIDTH = { minimum: 320, maximum: 1600, step: 64 };
const TALL_RATIO = 1.5;
const MEAN = [0.485, 0.456, 0.406] as const;
const DEVIATION = [0.229, 0.224, 0.225] as const;

const picture = canvasOf(LONGEST_SIDE, LONGEST_SIDE);
const line = canvasOf(LINE_WIDTH.maximum, LINE_HEIGHT);

function canvasOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  return new OffscreenCanvas(width, height).getContext('2d', {
    willReadFrequently: true,
    alpha: false,
  }) as OffscreenCanvasRenderingContext2D;
}

export function sidesFor({ width, height }: Sides): Sides {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const round = (side: number): number => Math.max(MULTIPLE_OF, Math.round((side * scale) / MULTIPLE_OF) * MULTIPLE_OF);
  return { width: round(width), height: round(height) };
}

export function drawToTensor(bitmap: ImageBitmap, { width, height }: Sides): Float32Array {
  picture.drawImage(bitmap, 0, 0, width, height);
  const { data: rgba } = picture.getImageData(0, 0, width, height);
  const pixels = width * height;
  const data = new Float32Array(3 * pixels);
  for (let plane = 0; plane < 3; plane += 1) {
    const scale = 1 / (255 * (DEVIATION[plane] as number));
    const offset = -(MEAN[plane] as number) / (DEVIATION[plane] as number);
    // The network was trained with blue first.
    for (let pixel = 0, at = 2 - plane, to = plane * pixels; pixel < pixels; pixel += 1, at += 4, to += 1) {
      data[to] = (rgba[at] as number) * scale + offset;
    }
  }
  return data;
}

/** A rotated rectangle of the picture, upright and as high as the recogniser wants it. */
export function cutLine(bitmap: ImageBitmap, quad: Quad): Planes {
  const [topLeft, topRight, , bottomLeft] = asWide(quad);
  const [across, down] = [distance(topLeft, topRight), distance(topLeft, bottomLeft)];
  const width = Math.min(LINE_WIDTH.maximum, Math.max(1, Math.ceil((LINE_HEIGHT * across) / down)));
  const padded = Math.min(LINE_WIDTH.maximum, Math.max(LINE_WIDTH.minimum, Math.ceil(width / LINE_WIDTH.step) * LINE_WIDTH.step));
  // The inverse of the matrix that takes a place in the line to a place in the picture.
  const [xAlong, yAlong] = [(topRight[0] - topLeft[0]) / width, (topRight[1] - topLeft[1]) / width];
  const [xDown, yDown] = [(bottomLeft[0] - topLeft[0]) / LINE_HEIGHT, (bottomLeft[1] - topLeft[1]) / LINE_HEIGHT];
  line.setTransform(new DOMMatrix([xAlong, yAlong, xDown, yDown, topLeft[0], topLeft[1]]).invertSelf());
  line.drawImage(bitmap, 0, 0);
  line.resetTransform();
  const { data: rgba } = line.getImageData(0, 0, width, LINE_HEIGHT);
  const data = new Float32Array(3 * LINE_HEIGHT * padded);
  for (let channel = 0; channel < 3; channel += 1) {
    for (let row = 0; row < LINE_HEIGHT; row += 1) {
      let to = ((2 - channel) * LINE_HEIGHT + row) * padded;
      for (let column = 0, at = row * width * 4 + channel; column < width; column += 1, at += 4, to += 1) {
        data[to] = (rgba[at] as number) / 127.5 - 1;
      }
    }
  }
  return { width: padded, height: LINE_HEIGHT, data };
}

/** Text that stands upright is turned. */
function asWide(quad: Quad): Quad {
  const [topLeft, topRight, bottomRight, bottomLeft] = quad;
  const [across, down] = [distance(topLeft, topRight), distance(topLeft, bottomLeft)];
  return down / across < TALL_RATIO ? quad : [topRight, bottomRight, bottomLeft, topLeft];
}

function distance(a: readonly [number, number], b: readonly [number, number]): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
