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
  if (mode === 'fill') visit(image, region, (at) => image.data.fill(0, at, at + 3));
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
  const sums = new Float64Array(columns * rows * 4);
  visit(image, region, (at, x, y) => {
    const cell = (Math.floor(y / side) * columns + Math.floor(x / side)) * 4;
    for (let channel = 0; channel < 3; channel += 1)
      sums[cell + channel] = (sums[cell + channel] as number) + (image.data[at + channel] as number);
    sums[cell + 3] = (sums[cell + 3] as number) + 1;
  });
  const averages = Uint8Array.from({ length: columns * rows * 3 }, (_, at) => {
    const cell = Math.floor(at / 3) * 4;
    return Math.round((sums[cell + (at % 3)] as number) / (sums[cell + 3] as number));
  });
  return { side, columns, rows, averages };
}

function pixelate(image: RawImage, region: Region, { side, columns, averages }: Grid): void {
  visit(image, region, (at, x, y) => {
    const cell = (Math.floor(y / side) * columns + Math.floor(x / side)) * 3;
    for (let channel = 0; channel < 3; channel += 1) image.data[at + channel] = averages[cell + channel] as number;
  });
}

/** What lies between the averages of the cells around a pixel. */
function blur(image: RawImage, region: Region, { side, columns, rows, averages }: Grid): void {
  const across = neighboursOf(region.width, side, columns);
  const down = neighboursOf(region.height, side, rows);
  visit(image, region, (at, x, y) => {
    const [shareX, shareY] = [across.shares[x] as number, down.shares[y] as number];
    const upper = (down.first[y] as number) * columns;
    const lower = (down.second[y] as number) * columns;
    const [left, right] = [across.first[x] as number, across.second[x] as number];
    for (let channel = 0; channel < 3; channel += 1) {
      const of = (cell: number): number => averages[cell * 3 + channel] as number;
      const above = of(upper + left) * (1 - shareX) + of(upper + right) * shareX;
      const below = of(lower + left) * (1 - shareX) + of(lower + right) * shareX;
      image.data[at + channel] = Math.round(above * (1 - shareY) + below * shareY);
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

/** Calls with the place of each pixel in the data, and its column and row in the region. */
function visit(image: RawImage, { left, top, width, height }: Region, call: (at: number, x: number, y: number) => void): void {
  for (let y = 0; y < height; y += 1) {
    let at = ((top + y) * image.width + left) * 3;
    for (let x = 0; x < width; x += 1, at += 3) call(at, x, y);
  }
}

function copyRegion(from: RawImage, to: RawImage, { left, top, width, height }: Region): void {
  for (let row = top; row < top + height; row += 1) {
    const at = (row * from.width + left) * 3;
    to.data.set(from.data.subarray(at, at + width * 3), at);
  }
}
