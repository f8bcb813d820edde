import { type Audio, type OperatorParams, StarlingError } from '@starling/shared';
import { audioOf, monoOf } from './audio-values.ts';
import type { OperatorContext, OperatorItem } from './operator.ts';

type Inputs = Readonly<Record<string, unknown>>;

export function mixAudio(inputs: Inputs, { channel }: OperatorParams<'audio.mix'>) {
  const { sampleRateHz, channels, samples } = audioOf(inputs);
  if (channel !== undefined && channel >= channels) {
    throw new StarlingError('wrong-value', `there is no channel ${channel} among ${channels}`, { field: 'audio' });
  }
  if (channels === 1) return { audio: { sampleRateHz, channels, samples } };
  const mixed = new Float32Array(samples.length / channels);
  const [first, count] = channel === undefined ? [0, channels] : [channel, 1];
  for (let index = 0; index < mixed.length; index += 1) {
    const at = index * channels + first;
    let sum = 0;
    for (let offset = 0; offset < count; offset += 1) sum += samples[at + offset] as number;
    mixed[index] = sum / count;
  }
  return { audio: { sampleRateHz, channels: 1, samples: mixed } };
}

/** Samples that no frame has used up yet. */
interface Pending {
  sampleRateHz: number;
  channels: number;
  samples: Float32Array;
  /** Samples of each channel still to be passed over, where frames lie further apart than they are long. */
  skip: number;
}

export function frameAudio(inputs: Inputs, params: OperatorParams<'audio.frame'>, _context: OperatorContext, item: OperatorItem) {
  const audio = audioOf(inputs);
  const { sampleRateHz, channels } = audio;
  const { lengthSamples, hopSamples = lengthSamples, leadingSamples } = params;
  const begin = (): Pending => ({ sampleRateHz, channels, samples: new Float32Array(leadingSamples * channels), skip: 0 });
  const pending = item.state(begin);
  // Sound of another kind cannot share a frame with what came before.
  if (pending.sampleRateHz !== sampleRateHz || pending.channels !== channels) Object.assign(pending, begin());
  const joined = joinSamples(pending.samples, audio.samples);
  const frames: Audio[] = [];
  const [length, hop] = [lengthSamples * channels, hopSamples * channels];
  let at = Math.min(pending.skip * channels, joined.length);
  pending.skip -= at / channels;
  for (; pending.skip === 0 && at + length <= joined.length; ) {
    frames.push({ sampleRateHz, channels, samples: joined.slice(at, at + length) });
    const next = Math.min(at + hop, joined.length);
    pending.skip = (at + hop - next) / channels;
    at = next;
  }
  pending.samples = joined.slice(at);
  return frames.length === 0 ? {} : { frames };
}

export function joinSamples(first: Float32Array, second: Float32Array): Float32Array {
  if (first.length === 0) return second;
  const joined = new Float32Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

export function audioToTensor(inputs: Inputs, _params: OperatorParams<'audio.to-tensor'>, context: OperatorContext) {
  const { samples } = monoOf(inputs);
  const data = context.allocateFloat32(samples.length);
  data.set(samples);
  return { tensor: { elementType: 'float32' as const, shape: [1, samples.length], data } };
}

/** Decibels of full scale: a square wave between -1 and 1 has 0, a sine -3.01. */
export function audioLevel(inputs: Inputs, { floorDb }: OperatorParams<'audio.level'>) {
  const { samples } = audioOf(inputs);
  let sum = 0;
  let peak = 0;
  for (const sample of samples) {
    sum += sample * sample;
    peak = Math.max(peak, Math.abs(sample));
  }
  const decibels = (amplitude: number): number => Math.max(floorDb, 20 * Math.log10(amplitude));
  const rms = samples.length === 0 ? 0 : Math.sqrt(sum / samples.length);
  return { level: { rmsDb: decibels(rms), peakDb: decibels(peak), peak } };
}
