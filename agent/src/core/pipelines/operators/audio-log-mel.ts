import { type OperatorParams, StarlingError } from '@starling/shared';
import { monoOf } from './audio-values.ts';
import { createFourier, type Fourier } from './fourier.ts';
import { type MelFilter, melFilters } from './mel-filters.ts';
import type { OperatorContext } from './operator.ts';

type Params = OperatorParams<'audio.log-mel'>;

export function logMel(inputs: Readonly<Record<string, unknown>>, params: Params, context: OperatorContext) {
  const { sampleRateHz, samples } = monoOf(inputs);
  if (sampleRateHz !== params.sampleRateHz) {
    throw new StarlingError('wrong-value', `the sound has ${sampleRateHz} Hz instead of ${params.sampleRateHz}`, {
      field: 'audio',
      hint: 'put audio.resample before it, or change sampleRateHz',
    });
  }
  const columns = columnsOf(samples.length, params);
  if (columns < 1) {
    throw new StarlingError('wrong-value', `${samples.length} samples are too few for a spectrum`, {
      field: 'audio',
      hint: 'put audio.frame before it, with frames that are as long as a spectrum needs',
    });
  }
  const data = context.allocateFloat32(params.mels * columns);
  melsInto(data, samples, columns, params);
  takeLogarithm(data, params);
  return { tensor: { elementType: 'float32' as const, shape: [1, params.mels, columns], data } };
}

function columnsOf(length: number, { fftSize, hopSamples, centre, log }: Params): number {
  if (length === 0) return 0;
  const padded = centre ? length + 2 * (fftSize >> 1) : length;
  return Math.floor((padded - fftSize) / hopSamples) + (log === 'whisper' ? 0 : 1);
}

interface Tables {
  filters: MelFilter[];
  window: Float64Array;
  fourier: Fourier;
}

/** Made once for each node, whose parameters stay one object. */
const tables = new WeakMap<Params, Tables>();

function tablesOf(params: Params): Tables {
  const known = tables.get(params);
  if (known !== undefined) return known;
  const made = { filters: melFilters(params), window: hannWindow(params), fourier: createFourier(params.fftSize) };
  tables.set(params, made);
  return made;
}

/** Short-time Fourier transform under a Hann window, gathered by the filters; rows are filters. */
function melsInto(data: Float32Array, samples: Float32Array, columns: number, params: Params): void {
  const { fftSize, hopSamples, centre, mels } = params;
  const { filters, window, fourier } = tablesOf(params);
  const [real, imaginary] = [new Float64Array(fftSize), new Float64Array(fftSize)];
  const spectrum = new Float64Array((fftSize >> 1) + 1);
  for (let column = 0; column < columns; column += 1) {
    const start = column * hopSamples - (centre ? fftSize >> 1 : 0);
    for (let index = 0; index < fftSize; index += 1) {
      real[index] = (samples[mirrored(start + index, samples.length)] as number) * (window[index] as number);
    }
    imaginary.fill(0);
    fourier.transform(real, imaginary);
    for (let bin = 0; bin < spectrum.length; bin += 1) {
      const power = (real[bin] as number) ** 2 + (imaginary[bin] as number) ** 2;
      spectrum[bin] = params.power === 'power' ? power : Math.sqrt(power);
    }
    for (let row = 0; row < mels; row += 1) {
      const { firstBin, weights } = filters[row] as (typeof filters)[number];
      let sum = 0;
      for (let offset = 0; offset < weights.length; offset += 1)
        sum += (weights[offset] as number) * (spectrum[firstBin + offset] as number);
      data[row * columns + column] = sum;
    }
  }
}

/** Periodic, as spectra want it, in the middle of the transform. */
function hannWindow({ fftSize, windowSamples = fftSize }: Params): Float64Array {
  const window = new Float64Array(fftSize);
  const from = (fftSize - windowSamples) >> 1;
  for (let index = 0; index < windowSamples; index += 1) window[from + index] = 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / windowSamples);
  return window;
}

/** Beyond an end the samples come back, without that at the end itself. */
function mirrored(index: number, length: number): number {
  if (index >= 0 && index < length) return index;
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const place = ((index % period) + period) % period;
  return place < length ? place : period - place;
}

/** Below the largest by more than this nothing is told apart, in powers of ten: as Whisper was trained. */
const WHISPER_RANGE = 8;

function takeLogarithm(data: Float32Array, { log, floor }: Params): void {
  const scale = { natural: 1, log10: Math.LOG10E, decibel: 10 * Math.LOG10E, whisper: Math.LOG10E }[log];
  let largest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < data.length; index += 1) {
    const value = scale * Math.log(Math.max(floor, data[index] as number));
    data[index] = value;
    largest = Math.max(largest, value);
  }
  if (log !== 'whisper') return;
  for (let index = 0; index < data.length; index += 1) {
    data[index] = (Math.max(data[index] as number, largest - WHISPER_RANGE) + 4) / 4;
  }
}
