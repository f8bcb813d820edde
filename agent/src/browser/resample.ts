import type { RawImage } from '../core/ports/image-codec.ts';

/** Weights are whole numbers over 2^12, and positions between two pixels are told apart to 1/64, as libvips does it: so that a picture
 * becomes the same here as on a device with Node. */
const WEIGHT_SHIFT = 12;
const WEIGHT_ONE = 1 << WEIGHT_SHIFT;
const WEIGHT_HALF = WEIGHT_ONE >> 1;
const POSITIONS = 64;

/**
 * Scales to exactly `width` x `height`. Smaller: a triangle over all pixels that fall together, so that nothing is skipped. Larger:
 * bilinear. First down, then across.
 */
export function resample(image: RawImage, width: number, height: number): RawImage {
  let scaled = image;
  if (height < scaled.height) scaled = reduceRows(scaled, height);
  if (width < scaled.width) scaled = reduceColumns(scaled, width);
  return width === scaled.width && height === scaled.height ? scaled : enlarge(scaled, width, height);
}

/** For each output position: where its pixels start, and which row of the table weighs them. */
interface Reduction {
  points: number;
  starts: Int32Array;
  /** Weights of one output position after the other. */
  weights: Int32Array;
}

function planReduction(from: number, to: number): Reduction {
  const shrink = from / to;
  const points = 2 * Math.round(shrink) + 1;
  const table = Array.from({ length: POSITIONS + 1 }, (_, position) => triangle(points, shrink, position / POSITIONS));
  const starts = new Int32Array(to);
  const weights = new Int32Array(to * points);
  // Pixels are thought of as repeated beyond the edge.
  const lead = Math.ceil(points / 2) - 1;
  for (let index = 0; index < to; index += 1) {
    const centre = (index + 0.5) * shrink - 0.5 + 0.5;
    const start = Math.floor(centre);
    const fine = Math.floor(centre * POSITIONS * 2) & (POSITIONS * 2 - 1);
    starts[index] = start - lead;
    weights.set(table[(fine + 1) >> 1] as Int32Array, index * points);
  }
  return { points, starts, weights };
}

function triangle(points: number, shrink: number, offset: number): Int32Array {
  const half = offset + points / 2 - 1;
  const raw = Float64Array.from({ length: points }, (_, index) => Math.max(0, 1 - Math.abs((index - half) / shrink)));
  const sum = raw.reduce((total, weight) => total + weight, 0);
  return Int32Array.from(raw, (weight) => Math.trunc((weight / sum) * WEIGHT_ONE));
}

function reduceRows({ width, height, data }: RawImage, to: number): RawImage {
  const { points, starts, weights } = planReduction(height, to);
  const rowBytes = width * 3;
  const reduced = new Uint8Array(rowBytes * to);
  const sums = new Int32Array(rowBytes);
  for (let row = 0; row < to; row += 1) {
    sums.fill(WEIGHT_HALF);
    for (let point = 0; point < points; point += 1) {
      const weight = weights[row * points + point] as number;
      if (weight === 0) continue;
      const from = clamp((starts[row] as number) + point, height) * rowBytes;
      for (let at = 0; at < rowBytes; at += 1) sums[at] = (sums[at] as number) + weight * (data[from + at] as number);
    }
    const base = row * rowBytes;
    for (let at = 0; at < rowBytes; at += 1) reduced[base + at] = Math.min(255, (sums[at] as number) >> WEIGHT_SHIFT);
  }
  return { width, height: to, data: reduced };
}

function reduceColumns({ width, height, data }: RawImage, to: number): RawImage {
  const { points, starts, weights } = planReduction(width, to);
  const reduced = new Uint8Array(to * height * 3);
  const places = Int32Array.from({ length: to * points }, (_, at) => {
    const column = (at / points) | 0;
    return clamp((starts[column] as number) + (at % points), width) * 3;
  });
  for (let row = 0, base = 0, out = 0; row < height; row += 1, base += width * 3) {
    for (let column = 0, at = 0; column < to; column += 1) {
      let [red, green, blue] = [WEIGHT_HALF, WEIGHT_HALF, WEIGHT_HALF];
      for (const end = at + points; at < end; at += 1) {
        const weight = weights[at] as number;
        const from = base + (places[at] as number);
        red += weight * (data[from] as number);
        green += weight * (data[from + 1] as number);
        blue += weight * (data[from + 2] as number);
      }
      reduced[out] = Math.min(255, red >> WEIGHT_SHIFT);
      reduced[out + 1] = Math.min(255, green >> WEIGHT_SHIFT);
      reduced[out + 2] = Math.min(255, blue >> WEIGHT_SHIFT);
      out += 3;
    }
  }
  return { width: to, height, data: reduced };
}

function enlarge({ width, height, data }: RawImage, toWidth: number, toHeight: number): RawImage {
  const enlarged = new Uint8Array(toWidth * toHeight * 3);
  const columns = planEnlargement(width, toWidth);
  const rows = planEnlargement(height, toHeight);
  for (let row = 0, out = 0; row < toHeight; row += 1) {
    const upper = (rows.near[row] as number) * width * 3;
    const lower = (rows.far[row] as number) * width * 3;
    const down = rows.share[row] as number;
    for (let column = 0; column < toWidth; column += 1) {
      const left = (columns.near[column] as number) * 3;
      const right = (columns.far[column] as number) * 3;
      const across = columns.share[column] as number;
      for (let channel = 0; channel < 3; channel += 1, out += 1) {
        const first = (data[upper + left + channel] as number) * (1 - across) + (data[upper + right + channel] as number) * across;
        const second = (data[lower + left + channel] as number) * (1 - across) + (data[lower + right + channel] as number) * across;
        enlarged[out] = first * (1 - down) + second * down + 0.5;
      }
    }
  }
  return { width: toWidth, height: toHeight, data: enlarged };
}

function planEnlargement(from: number, to: number): { near: Int32Array; far: Int32Array; share: Float64Array } {
  const near = new Int32Array(to);
  const far = new Int32Array(to);
  const share = new Float64Array(to);
  for (let index = 0; index < to; index += 1) {
    const position = ((index + 0.5) * from) / to - 0.5;
    const before = Math.floor(position);
    near[index] = clamp(before, from);
    far[index] = clamp(before + 1, from);
    share[index] = position - before;
  }
  return { near, far, share };
}

function clamp(place: number, length: number): number {
  return Math.min(length - 1, Math.max(0, place));
}
