import type { Rectangle } from '@starling/shared';
import type { RawImage } from '../../ports/image-codec.ts';
import { clampRectangle } from './geometry.ts';
import type { Point } from './values.ts';

/** Red, green, blue, 0..255. */
export type Colour = readonly [number, number, number];

/** Shapes that reach beyond the picture are drawn as far as they lie in it; none takes more work than the picture has pixels. */
export function setPixel({ width, height, data }: RawImage, x: number, y: number, [red, green, blue]: Colour): void {
  if (!(x >= 0 && y >= 0 && x < width && y < height)) return;
  const at = (y * width + x) * 3;
  data[at] = red;
  data[at + 1] = green;
  data[at + 2] = blue;
}

/** @param opacity 0 leaves the pixel as it is, 1 replaces it */
export function blendPixel({ width, height, data }: RawImage, x: number, y: number, colour: Colour, opacity: number): void {
  if (!(x >= 0 && y >= 0 && x < width && y < height)) return;
  const at = (y * width + x) * 3;
  for (let channel = 0; channel < 3; channel += 1) {
    const before = data[at + channel] as number;
    data[at + channel] = Math.round(before + ((colour[channel] as number) - before) * opacity);
  }
}

/** Pixels whose middle lies in a rectangle. */
export function fillRectangle(image: RawImage, rectangle: Rectangle, colour: Colour): void {
  const [left, top, right, bottom] = clampRectangle(rectangle, image).map(Math.round) as Rectangle;
  for (let y = top; y < bottom; y += 1) {
    for (let x = left; x < right; x += 1) setPixel(image, x, y, colour);
  }
}

export function fillDisc(image: RawImage, [x, y]: Point, radius: number, colour: Colour): void {
  const [left, top, right, bottom] = clampRectangle([x - radius, y - radius, x + radius, y + radius], image);
  for (let row = Math.floor(top); row < bottom; row += 1) {
    for (let column = Math.floor(left); column < right; column += 1) {
      if ((column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2 <= radius ** 2) setPixel(image, column, row, colour);
    }
  }
}

/** The frame of an upright rectangle: half of each line lies inside. */
export function drawFrame(image: RawImage, [left, top, right, bottom]: Rectangle, lineWidth: number, colour: Colour): void {
  const half = lineWidth / 2;
  fillRectangle(image, [left - half, top - half, right + half, top + half], colour);
  fillRectangle(image, [left - half, bottom - half, right + half, bottom + half], colour);
  fillRectangle(image, [left - half, top - half, left + half, bottom + half], colour);
  fillRectangle(image, [right - half, top - half, right + half, bottom + half], colour);
}

/** A line with round ends. */
export function drawLine(image: RawImage, from: Point, to: Point, lineWidth: number, colour: Colour): void {
  const isFlat = Math.abs(to[0] - from[0]) >= Math.abs(to[1] - from[1]);
  // Along the axis in which it is longer, so that no step leaves a gap.
  const [along, across]: readonly [0 | 1, 0 | 1] = isFlat ? [0, 1] : [1, 0];
  const [start, end] = from[along] <= to[along] ? [from, to] : [to, from];
  const slope = end[along] === start[along] ? 0 : (end[across] - start[across]) / (end[along] - start[along]);
  const half = (lineWidth / 2) * Math.hypot(1, slope);
  const length = isFlat ? image.width : image.height;
  const breadth = isFlat ? image.height : image.width;
  for (let at = Math.max(0, Math.ceil(start[along] - 0.5)); at <= Math.min(length - 1, Math.floor(end[along] - 0.5)); at += 1) {
    const middle = start[across] + (at + 0.5 - start[along]) * slope;
    const last = Math.min(breadth, Math.ceil(middle + half - 0.5));
    for (let beside = Math.max(0, Math.ceil(middle - half - 0.5)); beside < last; beside += 1) {
      if (isFlat) setPixel(image, at, beside, colour);
      else setPixel(image, beside, at, colour);
    }
  }
  fillDisc(image, from, lineWidth / 2, colour);
  fillDisc(image, to, lineWidth / 2, colour);
}

/** Lines from point to point, and back to the first where the shape is closed. */
export function drawPath(image: RawImage, points: readonly Point[], isClosed: boolean, lineWidth: number, colour: Colour): void {
  for (let index = isClosed ? 0 : 1; index < points.length; index += 1) {
    drawLine(image, points.at(index - 1) as Point, points[index] as Point, lineWidth, colour);
  }
}
