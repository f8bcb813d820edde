import type { TensorElementType } from '../documents/model-version.ts';
import type { Audio } from '../graph/values.ts';
import type { EdgeLeaf, Spread } from './edge-value.ts';

interface TensorLike {
  elementType: TensorElementType;
  shape: readonly number[];
  data: ArrayLike<number> | ArrayLike<bigint>;
}
type TensorLeaf = Extract<EdgeLeaf, { kind: 'tensor' }>;
type AudioLeaf = Extract<EdgeLeaf, { kind: 'audio' }>;

/** Bins of the histogram of a tensor. */
const BINS = 32;
/** Elements that statistics look at. Of a larger tensor they take every n-th: nobody must wait for a look at an edge. */
const STATISTICS_ELEMENTS_MAXIMUM = 1 << 20;
/** Longest side of a heat map, and how many of them there are: a screen shows no more. */
const SAMPLE_SIDE_MAXIMUM = 64;
const SAMPLE_PLANES_MAXIMUM = 8;
/** Tensors up to this many elements are shown whole. */
const EXACT_ELEMENTS_MAXIMUM = 2048;
/** Room for all that is not the sample. */
const REST_BYTES = 768;

/** Shape, statistics and a sample of a tensor, in at most about `maximumBytes`. */
export function summariseTensor(tensor: TensorLike, maximumBytes: number): TensorLeaf {
  const at = readerOf(tensor);
  const room = Math.max(1, Math.floor((maximumBytes - REST_BYTES) / 4));
  const { elementType, shape } = tensor;
  return {
    kind: 'tensor',
    elementType,
    shape: [...shape],
    statistics: spreadOf(at, tensor.data.length),
    sample: sampleOf(at, tensor, room),
  };
}

function readerOf({ elementType, data }: TensorLike): (index: number) => number {
  if (elementType === 'float16') return (index) => fromHalf(Number(data[index]));
  return (index) => Number(data[index]);
}

/** A half-precision number (IEEE 754 binary16) from its bits. */
function fromHalf(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function spreadOf(at: (index: number) => number, length: number): Spread {
  const step = Math.max(1, Math.ceil(length / STATISTICS_ELEMENTS_MAXIMUM));
  let [elements, notFinite, sum, squares] = [0, 0, 0, 0];
  let [minimum, maximum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let index = 0; index < length; index += step) {
    const value = at(index);
    elements += 1;
    if (!Number.isFinite(value)) {
      notFinite += 1;
      continue;
    }
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
    sum += value;
    squares += value * value;
  }
  const finite = elements - notFinite;
  if (finite === 0) return { elements, notFinite, minimum: null, maximum: null, mean: null, deviation: null, histogram: [] };
  const mean = sum / finite;
  const histogram = new Array<number>(BINS).fill(0);
  const width = (maximum - minimum) / BINS;
  for (let index = 0; index < length; index += step) {
    const value = at(index);
    if (!Number.isFinite(value)) continue;
    const bin = width > 0 ? Math.min(BINS - 1, Math.floor((value - minimum) / width)) : 0;
    histogram[bin] = (histogram[bin] ?? 0) + 1;
  }
  const deviation = Math.sqrt(Math.max(0, squares / finite - mean * mean));
  return { elements, notFinite, minimum, maximum, mean, deviation, histogram };
}

function sampleOf(at: (index: number) => number, { shape, data }: TensorLike, room: number): TensorLeaf['sample'] {
  const sideColumns = shape.at(-1) ?? 1;
  const sideRows = shape.at(-2) ?? 1;
  const allPlanes = shape.slice(0, -2).reduce((product, side) => product * side, 1);
  if (data.length <= Math.min(EXACT_ELEMENTS_MAXIMUM, room)) {
    const exact = Float32Array.from({ length: data.length }, (_, index) => at(index));
    return { planes: allPlanes, rows: sideRows, columns: sideColumns, isExact: true, data: littleEndian(exact) };
  }
  const planes = Math.min(allPlanes, SAMPLE_PLANES_MAXIMUM, room);
  const perPlane = Math.floor(room / planes);
  const columns = Math.min(sideColumns, sideRows === 1 ? SAMPLE_SIDE_MAXIMUM * 8 : SAMPLE_SIDE_MAXIMUM, perPlane);
  const rows = Math.max(1, Math.min(sideRows, SAMPLE_SIDE_MAXIMUM, Math.floor(perPlane / columns)));
  const sample = new Float32Array(planes * rows * columns);
  for (let plane = 0; plane < planes; plane += 1)
    for (let row = 0; row < rows; row += 1)
      for (let column = 0; column < columns; column += 1) {
        const block = blockOf(row, rows, sideRows);
        const across = blockOf(column, columns, sideColumns);
        sample[(plane * rows + row) * columns + column] = meanOf(at, plane * sideRows * sideColumns, sideColumns, block, across);
      }
  const isExact = planes === allPlanes && rows === sideRows && columns === sideColumns;
  return { planes, rows, columns, isExact, data: littleEndian(sample) };
}

/** The part of a side that one cell of the sample stands for. */
function blockOf(cell: number, cells: number, side: number): { from: number; to: number } {
  return {
    from: Math.floor((cell * side) / cells),
    to: Math.max(Math.floor(((cell + 1) * side) / cells), Math.floor((cell * side) / cells) + 1),
  };
}

/** Elements of a block that its mean takes in along each side: of large blocks every n-th. */
const BLOCK_STEPS = 8;

function meanOf(
  at: (index: number) => number,
  start: number,
  stride: number,
  rows: { from: number; to: number },
  columns: { from: number; to: number },
): number {
  const rowStep = Math.max(1, Math.floor((rows.to - rows.from) / BLOCK_STEPS));
  const columnStep = Math.max(1, Math.floor((columns.to - columns.from) / BLOCK_STEPS));
  let [sum, count] = [0, 0];
  for (let row = rows.from; row < rows.to; row += rowStep)
    for (let column = columns.from; column < columns.to; column += columnStep) {
      sum += at(start + row * stride + column);
      count += 1;
    }
  return sum / count;
}

function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setFloat32(index * 4, value, true);
  return bytes;
}

/** Parts for which the peaks of a sound are told. */
const PEAKS = 256;

/** Length, loudness, peaks and the first samples of a sound, in at most about `maximumBytes`. */
export function summariseAudio({ sampleRateHz, channels, samples }: Audio, maximumBytes: number): AudioLeaf {
  const frames = channels > 0 ? Math.floor(samples.length / channels) : 0;
  const parts = Math.min(PEAKS, frames);
  const peaks: [number, number][] = [];
  let squares = 0;
  for (let part = 0; part < parts; part += 1) {
    const { from, to } = blockOf(part, parts, frames);
    let [least, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let index = from * channels; index < to * channels; index += 1) {
      const sample = samples[index] as number;
      squares += sample * sample;
      if (sample < least) least = sample;
      if (sample > largest) largest = sample;
    }
    peaks.push([finite(least), finite(largest)]);
  }
  const room = Math.floor((maximumBytes - REST_BYTES - peaks.length * 19) / 2);
  const kept = Math.max(0, Math.min(samples.length, channels > 0 ? Math.floor(room / channels) * channels : 0));
  const rms = finite(Math.sqrt(squares / Math.max(1, samples.length)));
  return { kind: 'audio', sampleRateHz, channels, frames, rms, peaks, samples: sixteenBit(samples.subarray(0, kept)) };
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}

function sixteenBit(samples: Float32Array): Uint8Array {
  const bytes = new Uint8Array(samples.length * 2);
  const view = new DataView(bytes.buffer);
  for (const [index, sample] of samples.entries())
    view.setInt16(index * 2, Math.round(Math.max(-1, Math.min(1, finite(sample))) * 32767), true);
  return bytes;
}
