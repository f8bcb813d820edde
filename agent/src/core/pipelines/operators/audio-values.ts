import { type Audio, StarlingError } from '@starling/shared';

export function isAudio(value: unknown): value is Audio {
  return typeof value === 'object' && value !== null && 'sampleRateHz' in value && 'channels' in value && 'samples' in value;
}

/** @throws StarlingError `wrong-value` if there is no sound, or if it is not what it says */
export function audioOf(inputs: Readonly<Record<string, unknown>>, port = 'audio'): Audio {
  const value = inputs[port];
  if (!isAudio(value) || !(value.samples instanceof Float32Array)) {
    throw new StarlingError('wrong-value', `input "${port}" is no sound`, { field: port });
  }
  const { sampleRateHz, channels, samples } = value;
  if (!(sampleRateHz > 0) || !Number.isInteger(sampleRateHz) || !Number.isInteger(channels) || channels < 1) {
    throw new StarlingError('wrong-value', `sound of ${channels} channels at ${sampleRateHz} Hz cannot be`, { field: port });
  }
  if (samples.length % channels !== 0) {
    throw new StarlingError('wrong-value', `${samples.length} samples do not make ${channels} channels of one length`, { field: port });
  }
  return value;
}

/** @throws StarlingError `wrong-value` if it has more than one channel */
export function monoOf(inputs: Readonly<Record<string, unknown>>, port = 'audio'): Audio {
  const audio = audioOf(inputs, port);
  if (audio.channels === 1) return audio;
  throw new StarlingError('wrong-value', `input "${port}" has ${audio.channels} channels instead of one`, {
    field: port,
    hint: 'put audio.mix before it',
  });
}
