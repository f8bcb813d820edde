import type { RawImage } from '../core/ports/image-codec.ts';

/**
 * Weights are whole numbers over 2^12, positions between two pixels are told apart to 1/64, and what is shrunk much is averaged first:
 * as libvips does it, so that a picture becomes here, byte for byte, what it becomes on a device with Node. `resample.test.ts` holds it
 * against that.
 */
const WEIGHT_SHIFT = 12;
const WEIGHT_ONE = 1 << WEIGHT_SHIFT;
const WEIGHT_HALF = WEIGHT_ONE >> 1;
const POSITIONS = 64;
/** What is left to the triangle when whole pixels are averaged first. */
const GAP = 2;

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

/** For each output position: where its pixels start, and how they are weighed. */
interface Reduction {
  points: number;
  starts: Int32Array;
  /** Weights of one output position after the other. */
  weights: Int32Array;
}

function planReduction({ shrink, offset }: Shrinking, to: number): Reduction {
  const points = 2 * roundHalfToEven(shrink) + 1;
  const table = Array.from({ length: POSITIONS + 1 }, (_, position) => triangle(points, shrink, position / POSITIONS));
  const starts = new Int32Array(to);
  const weights = new Int32Array(to * points);
  const lead = Math.ceil(points / 2) - 1;
  // Summed up, not multiplied: the last bits decide between two positions.
  let centre = 0.5 * shrink - 0.5 - offset;
  for (let index = 0; index < to; index += 1, centre += shrink) {
    const fine = Math.trunc(centre * POSITIONS * 2) & (POSITIONS * 2 - 1);
    starts[index] = Math.trunc(centre) - lead;
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

function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}

interface Shrinking {
  /** Rows or columns that become one before the triangle. */
  whole: number;
  /** What is left to the triangle. */
  shrink: number;
  /** Where the triangle starts. */
  offset: number;
}

function planShrinking(from: number, to: number): Shrinking {
  const all = 1 / (1 / (from / to));
  const whole = Math.max(1, Math.floor(from / to / GAP));
  const invented = (to * all - from) / whole;
  return { whole, shrink: all / whole, offset: (1 + invented) / 2 - 1 };
}

/** Mean of some bytes, rounded, by one multiplication. */
function meanOf(count: number): (sum: number) => number {
  const multiplier = Math.floor(2 ** 32 / (256 * count));
  const amend = count >> 1;
  return (sum) => Math.floor(((sum + amend) * multiplier) / 2 ** 24);
}

function reduceRows(image: RawImage, to: number): RawImage {
  const shrinking = planShrinking(image.height, to);
  const { width, height, data } = shrinking.whole === 1 ? image : averageRows(image, shrinking.whole);
  if (shrinking.shrink === 1) return { width, height, data };
  const { points, starts, weights } = planReduction(shrinking, to);
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
    for (let at = 0; at < rowBytes; at += 1) reduced[base + at] = (sums[at] as number) >> WEIGHT_SHIFT;
  }
  return { width, height: to, data: reduced };
}

function averageRows({ width, height, data }: RawImage, whole: number): RawImage {
  const rowBytes = width * 3;
  const rows = Math.ceil(height / whole);
  const averaged = new Uint8Array(rowBytes * rows);
  const mean = meanOf(whole);
  const sums = new Int32Array(rowBytes);
  for (let row = 0; row < rows; row += 1) {
    sums.fill(0);
    for (let part = 0; part < whole; part += 1) {
      const from = clamp(row * whole + part, height) * rowBytes;
      for (let at = 0; at < rowBytes; at += 1) sums[at] = (sums[at] as number) + (data[from + at] as number);
    }
    for (let at = 0; at < rowBytes; at += 1) averaged[row * rowBytes + at] = mean(sums[at] as number);
  }
  return { width, height: rows, data: averaged };
}

function reduceColumns(image: RawImage, to: number): RawImage {
  const shrinking = planShrinking(image.width, to);
  const { width, height, data } = shrinking.whole === 1 ? image : averageColumns(image, shrinking.whole);
  if (shrinking.shrink === 1) return { width, height, data };
  const { points, starts, weights } = planReduction(shrinking, to);
  const reduced = new Uint8Array(to * height * 3);
  const places = Int32Array.from({ length: to * points }, (_, at) => {
    const column = (at / points) | 0;
    return clamp((starts[column] as number) + (at % points), width) * 3;
  });
  for (let row = 0, base = 0, out = 0; row < height; row += 1, base += width * 3) {
    for (let column = 0, at = 0; column < to; column += 1, out += 3) {
      let [red, green, blue] = [WEIGHT_HALF, WEIGHT_HALF, WEIGHT_HALF];
      for (const end = at + points; at < end; at += 1) {
        const weight = weights[at] as number;
        const from = base + (places[at] as number);
        red += weight * (data[from] as number);
        green += weight * (data[from + 1] as number);
        blue += weight * (data[from + 2] as number);
      }
      reduced[out] = red >> WEIGHT_SHIFT;
      reduced[out + 1] = green >> WEIGHT_SHIFT;
      reduced[out + 2] = blue >> WEIGHT_SHIFT;
    }
  }
  return { width: to, height, data: reduced };
}

function averageColumns({ width, height, data }: RawImage, whole: number): RawImage {
  const columns = Math.ceil(width / whole);
  const averaged = new Uint8Array(columns * height * 3);
  const mean = meanOf(whole);
  for (let row = 0, out = 0; row < height; row += 1) {
    const base = row * width * 3;
    for (let column = 0; column < columns; column += 1) {
      for (let channel = 0; channel < 3; channel += 1, out += 1) {
        let sum = 0;
        for (let part = 0; part < whole; part += 1) sum += data[base + clamp(column * whole + part, width) * 3 + channel] as number;
        averaged[out] = mean(sum);
      }
    }
  }
  return { width: columns, height, data: averaged };
}

function enlarge({ width, height, data }: RawImage, toWidth: number, toHeight: number): RawImage {
  const enlarged = new Uint8Array(toWidth * toHeight * 3);
  const [scaleX, scaleY] = [1 / (width / toWidth), 1 / (height / toHeight)];
  const inverse = 1 / (scaleX * scaleY);
  const columns = planEnlargement(stepsAlong(toWidth, inverse * scaleY), width);
  const rows = planEnlargement(multiplesOf(toHeight, inverse * scaleX), height);
  for (let row = 0, out = 0; row < toHeight; row += 1) {
    const upper = (rows.near[row] as number) * width * 3;
    const lower = (rows.far[row] as number) * width * 3;
    const down = rows.share[row] as number;
    for (let column = 0; column < toWidth; column += 1) {
      const left = (columns.near[column] as number) * 3;
      const right = (columns.far[column] as number) * 3;
      const across = columns.share[column] as number;
      const weightBoth = (down * across) >> WEIGHT_SHIFT;
      const weightAcross = ((WEIGHT_ONE - down) * across) >> WEIGHT_SHIFT;
      const weightDown = down - weightBoth;
      const weightNone = WEIGHT_ONE - down - weightAcross;
      for (let channel = 0; channel < 3; channel += 1, out += 1) {
        const sum =
          weightNone * (data[upper + left + channel] as number) +
          weightAcross * (data[upper + right + channel] as number) +
          weightDown * (data[lower + left + channel] as number) +
          weightBoth * (data[lower + right + channel] as number);
        enlarged[out] = (sum + WEIGHT_HALF) >> WEIGHT_SHIFT;
      }
    }
  }
  return { width: toWidth, height: toHeight, data: enlarged };
}

/** For each row or column of the larger picture: between which two it lies, and how far along. */
interface Enlargement {
  near: Int32Array;
  far: Int32Array;
  /** Share of the far one, over 2^12. */
  share: Int32Array;
}

/** Positions lie half a pixel before where centres would meet, and are found as libvips finds them: the last bits count. */
function planEnlargement(places: Iterable<number>, from: number): Enlargement {
  const positions = Float64Array.from(places);
  const before = Int32Array.from(positions, (position) => Math.floor(position));
  return {
    near: before.map((place) => clamp(place - 1, from)),
    far: before.map((place) => clamp(place, from)),
    share: before.map((place, index) => Math.trunc(((positions[index] as number) - place) * WEIGHT_ONE)),
  };
}

/** One step after the other. */
function* stepsAlong(count: number, step: number): Generator<number> {
  for (let index = 0, place = 0.5; index < count; index += 1, place += step) yield place;
}

function* multiplesOf(count: number, step: number): Generator<number> {
  for (let index = 0; index < count; index += 1) yield step * index + 0.5;
}

function clamp(place: number, length: number): number {
  return Math.min(length - 1, Math.max(0, place));
}
