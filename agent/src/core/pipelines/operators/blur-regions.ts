import { type OperatorParams, type Rectangle, StarlingError } from '@starling/shared';
import type { RawImage } from '../../ports/image-codec.ts';
import { boundsOf, centreOf, clampRectangle, cornersOf } from './geometry.ts';
import { boxesOf, detectionsOf, imageOf } from './values.ts';

type Inputs = Readonly<Record<string, unknown>>;
type Params = OperatorParams<'image.blur-regions'>;

/** Whole pixels of a picture; right and bottom are outside. */
interface Region {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Averages over fewer pixels than this along a side would leave small regions as they are. */
const CELL_SIDE_MINIMUM = 4;

/**
 * Hides regions. All that is kept of one are the averages of its cells, of which there are few, and what is written is a function of
 * them alone: unlike with a convolution, there is nothing to invert.
 */
export function blurRegions(inputs: Inputs, params: Params) {
  const image = imageOf(inputs, 'image');
  const rectangles = rectanglesOf(inputs, params);
  const hidden = { width: image.width, height: image.height, data: new Uint8Array(image.data) };
  if (!params.invert) {
    for (const rectangle of rectangles) hide(hidden, pixelsAround(grown(rectangle, params.margin), image), params);
    return { image: hidden };
  }
  hide(hidden, { left: 0, top: 0, width: image.width, height: image.height }, params);
  // What is shown does not grow: the margin is there to hide more.
  for (const rectangle of rectangles) copyRegion(image, hidden, pixelsAround(rectangle, image));
  return { image: hidden };
}

/** @throws StarlingError `wrong-value` where a region is not known: it is better to give no picture than one that shows a face */
function rectanglesOf(inputs: Inputs, { regions }: Params): Rectangle[] {
  if (regions === 'detections') return detectionsOf(inputs, 'regions').map((detection) => boundsOf(cornersOf(detection)));
  return boxesOf(inputs, 'regions').map(({ quad }, index) => {
    if (!Array.isArray(quad) || quad.length !== 4 || !quad.flat().every(Number.isFinite)) {
      throw new StarlingError('wrong-value', `box ${index} of input "regions" has no corners of finite numbers`, {
        field: `regions.${index}.quad`,
        hint: 'a box has four corners, each x and y in pixels',
      });
    }
    return boundsOf(quad);
  });
}

function grown(rectangle: Rectangle, margin: number): Rectangle {
  const [x, y] = centreOf(rectangle);
  const halfWidth = Math.abs(rectangle[2] - rectangle[0]) * (0.5 + margin);
  const halfHeight = Math.abs(rectangle[3] - rectangle[1]) * (0.5 + margin);
  return [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
}

/** Every pixel that a rectangle touches. */
function pixelsAround(rectangle: Rectangle, picture: RawImage): Region {
  const [left, top, right, bottom] = clampRectangle(rectangle, picture);
  const [x, y] = [Math.floor(left), Math.floor(top)];
  return { left: x, top: y, width: Math.ceil(right) - x, height: Math.ceil(bottom) - y };
}

function hide(image: RawImage, region: Region, { mode, cells }: Params): void {
  if (region.width <= 0 || region.height <= 0) return;
  const side = Math.max(CELL_SIDE_MINIMUM, Math.ceil(Math.max(region.width, region.height) / cells));
  if (mode === 'fill') forEachRow(image, region, (start, end) => image.data.fill(0, start, end));
  else if (mode === 'pixelate') pixelate(image, region, averagesOf(image, region, side));
  else blur(image, region, averagesOf(image, region, side));
}

interface Grid {
  side: number;
  columns: number;
  rows: number;
  /** Mean of each channel of each cell, rounded. */
  averages: Uint8Array;
}

function averagesOf(image: RawImage, region: Region, side: number): Grid {
  const columns = Math.ceil(region.width / side);
  const rows = Math.ceil(region.height / side);
  const sums = new Float64Array(columns * rows * 3);
  forEachRow(image, region, (start, end, y) => {
    let cell = Math.floor(y / side) * columns * 3;
    for (let at = start, left = side; at < end; at += 3, left -= 1) {
      if (left === 0) {
        cell += 3;
        left = side;
      }
      for (let channel = 0; channel < 3; channel += 1)
        sums[cell + channel] = (sums[cell + channel] as number) + (image.data[at + channel] as number);
    }
  });
  const averages = Uint8Array.from(sums, (sum, at) => {
    const [column, row] = [Math.floor(at / 3) % columns, Math.floor(at / 3 / columns)];
    return Math.round(sum / (Math.min(side, region.width - column * side) * Math.min(side, region.height - row * side)));
  });
  return { side, columns, rows, averages };
}

function pixelate(image: RawImage, region: Region, { side, columns, averages }: Grid): void {
  forEachRow(image, region, (start, end, y) => {
    let cell = Math.floor(y / side) * columns * 3;
    for (let at = start, left = side; at < end; at += 3, left -= 1) {
      if (left === 0) {
        cell += 3;
        left = side;
      }
      for (let channel = 0; channel < 3; channel += 1) image.data[at + channel] = averages[cell + channel] as number;
    }
  });
}

/** What lies between the averages of the cells around a pixel. */
function blur(image: RawImage, region: Region, { side, columns, rows, averages }: Grid): void {
  const across = neighboursOf(region.width, side, columns);
  const down = neighboursOf(region.height, side, rows);
  // Averages of all columns at the height of a row: the same for all its pixels.
  const level = new Float64Array(columns * 3);
  forEachRow(image, region, (start, end, y) => {
    const upper = (down.first[y] as number) * columns * 3;
    const lower = (down.second[y] as number) * columns * 3;
    const share = down.shares[y] as number;
    for (let at = 0; at < level.length; at += 1) {
      level[at] = (averages[upper + at] as number) * (1 - share) + (averages[lower + at] as number) * share;
    }
    for (let at = start, x = 0; at < end; at += 3, x += 1) {
      const left = (across.first[x] as number) * 3;
      const right = (across.second[x] as number) * 3;
      const part = across.shares[x] as number;
      for (let channel = 0; channel < 3; channel += 1) {
        image.data[at + channel] = Math.round((level[left + channel] as number) * (1 - part) + (level[right + channel] as number) * part);
      }
    }
  });
}

/** For each pixel along a side the two cells whose middles it lies between, and how near it is to the second. */
function neighboursOf(length: number, side: number, cells: number): { first: Int32Array; second: Int32Array; shares: Float64Array } {
  const [first, second, shares] = [new Int32Array(length), new Int32Array(length), new Float64Array(length)];
  for (let at = 0; at < length; at += 1) {
    const place = Math.min(cells - 1, Math.max(0, (at + 0.5) / side - 0.5));
    first[at] = Math.floor(place);
    second[at] = Math.min(cells - 1, Math.floor(place) + 1);
    shares[at] = place - Math.floor(place);
  }
  return { first, second, shares };
}

/** Calls with where each row of a region starts and ends in the data, and with its number in the region. */
function forEachRow(image: RawImage, { left, top, width, height }: Region, call: (start: number, end: number, y: number) => void): void {
  for (let y = 0; y < height; y += 1) {
    const start = ((top + y) * image.width + left) * 3;
    call(start, start + width * 3, y);
  }
}

function copyRegion(from: RawImage, to: RawImage, region: Region): void {
  forEachRow(from, region, (start, end) => to.data.set(from.data.subarray(start, end), start));
}
