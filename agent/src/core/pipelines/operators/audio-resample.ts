import type { Audio, OperatorParams } from '@starling/shared';
import { joinSamples } from './audio.ts';
import { audioOf } from './audio-values.ts';
import type { OperatorContext, OperatorItem } from './operator.ts';

/** Zero crossings of the sinc on each side: the transition band is about a tenth of the lower rate. */
const ZERO_CROSSINGS = 16;
/** Cut-off as a share of the lower Nyquist frequency: with the transition around it, what would fold back is gone. */
const CUTOFF = 0.92;
/** Kaiser's window parameter: stop band at about -80 dB (Kaiser and Schafer, 1980). */
const KAISER_BETA = 8;

/** Between two rates: raised by `up`, filtered, and every `down`-th taken. */
interface Ratio {
  up: number;
  down: number;
  /** Low pass at the raised rate, symmetric around `half`; `up` in the pass band, since raising divides by it. */
  filter: Float64Array;
  half: number;
}

interface Stream {
  sampleRateHz: number;
  channels: number;
  ratio: Ratio;
  /** The newest samples, which outputs still need; those before the stream count as zeros. */
  kept: Float32Array;
  /** Where the first of `kept` stands in the stream, in samples of a channel. */
  keptFrom: number;
  /** How many samples of a channel have been given. */
  given: number;
}

export function resampleAudio(
  inputs: Readonly<Record<string, unknown>>,
  params: OperatorParams<'audio.resample'>,
  _context: OperatorContext,
  item: OperatorItem,
) {
  const audio = audioOf(inputs);
  if (audio.sampleRateHz === params.sampleRateHz) return { audio };
  const stream = item.state(() => openStream(audio, params.sampleRateHz));
  if (stream.sampleRateHz !== audio.sampleRateHz || stream.channels !== audio.channels) {
    Object.assign(stream, openStream(audio, params.sampleRateHz));
  }
  const samples = advance(stream, audio.samples);
  return samples.length === 0 ? {} : { audio: { sampleRateHz: params.sampleRateHz, channels: audio.channels, samples } };
}

function openStream({ sampleRateHz, channels }: Audio, wantedHz: number): Stream {
  return { sampleRateHz, channels, ratio: ratioBetween(sampleRateHz, wantedHz), kept: new Float32Array(0), keptFrom: 0, given: 0 };
}

function ratioBetween(fromHz: number, toHz: number): Ratio {
  const divisor = greatestCommonDivisor(fromHz, toHz);
  const [up, down] = [toHz / divisor, fromHz / divisor];
  const half = ZERO_CROSSINGS * Math.max(up, down);
  return { up, down, filter: lowPass(half, CUTOFF / Math.max(up, down), up), half };
}

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right);
}

/** Sinc under a Kaiser window. @param cutoff as a share of the Nyquist frequency @param gain at frequency 0 */
function lowPass(half: number, cutoff: number, gain: number): Float64Array {
  const filter = Float64Array.from({ length: 2 * half + 1 }, (_, index) => {
    const offset = index - half;
    const turn = Math.PI * cutoff * offset;
    const sinc = offset === 0 ? 1 : Math.sin(turn) / turn;
    return sinc * besselI0(KAISER_BETA * Math.sqrt(1 - (offset / half) ** 2));
  });
  const sum = filter.reduce((total, each) => total + each, 0);
  return filter.map((each) => (each * gain) / sum);
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  for (let term = 1, order = 1; term > sum * 1e-17; order += 1) {
    term *= (x / (2 * order)) ** 2;
    sum += term;
  }
  return sum;
}

/** Every output whose inputs are all there. Output k stands at k * down / up samples of the input, so both begin together. */
function advance(stream: Stream, fresh: Float32Array): Float32Array {
  const { channels, ratio } = stream;
  const { up, down, half } = ratio;
  const samples = joinSamples(stream.kept, fresh);
  const end = stream.keptFrom + samples.length / channels;
  // The last input that output k needs is floor((k * down + half) / up).
  const count = Math.max(0, Math.ceil((end * up - half) / down) - stream.given);
  const output = new Float32Array(count * channels);
  for (let index = 0; index < count; index += 1) {
    const centre = (stream.given + index) * down;
    for (let channel = 0; channel < channels; channel += 1) {
      output[index * channels + channel] = filtered(samples, centre, stream.keptFrom, channels, channel, ratio);
    }
  }
  stream.given += count;
  const needed = Math.max(0, Math.ceil((stream.given * down - half) / up));
  const drop = Math.min(samples.length / channels, Math.max(0, needed - stream.keptFrom));
  stream.kept = samples.slice(drop * channels);
  stream.keptFrom += drop;
  return output;
}

/** One output: input n lies at n * up of the raised rate, with zeros between. */
function filtered(
  samples: Float32Array,
  centre: number,
  from: number,
  channels: number,
  channel: number,
  { up, half, filter }: Ratio,
): number {
  const first = Math.max(from, Math.ceil((centre - half) / up));
  const last = Math.floor((centre + half) / up);
  let sum = 0;
  let tap = centre - first * up + half;
  let at = (first - from) * channels + channel;
  for (let input = first; input <= last; input += 1, tap -= up, at += channels) {
    sum += (samples[at] as number) * (filter[tap] as number);
  }
  return sum;
}
