/** Numbers of a weight around the channels of one axis: `outer` times, each channel with `inner` values in a row. */
interface Channels {
  channels: number;
  outer: number;
  inner: number;
}

export function channelsOf(shape: readonly number[], axis: number): Channels {
  const product = (sides: readonly number[]): number => sides.reduce((all, side) => all * side, 1);
  return { channels: shape[axis] ?? 1, outer: product(shape.slice(0, axis)), inner: product(shape.slice(axis + 1)) };
}

/**
 * Scales that map the largest magnitude of each channel to `limit`. A channel of zeros keeps a scale of 1: any would do, but 0 would divide
 * by zero.
 */
export function channelScales(values: Float32Array, shape: readonly number[], axis: number, limit = 127): Float32Array {
  const { channels, outer, inner } = channelsOf(shape, axis);
  const largest = new Float32Array(channels);
  for (let block = 0, at = 0; block < outer; block += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      let magnitude = largest[channel] as number;
      for (const end = at + inner; at < end; at += 1) magnitude = Math.max(magnitude, Math.abs(values[at] as number));
      largest[channel] = magnitude;
    }
  }
  return largest.map((magnitude) => (magnitude === 0 ? 1 : magnitude / limit));
}

/** Rounds half to even, as NumPy and onnxruntime's quantiser do. */
export function quantiseChannels(
  values: Float32Array,
  scales: Float32Array,
  shape: readonly number[],
  axis: number,
  limit = 127,
): Int8Array {
  const { channels, outer, inner } = channelsOf(shape, axis);
  const quantised = new Int8Array(values.length);
  for (let block = 0, at = 0; block < outer; block += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      const scale = scales[channel] as number;
      for (const end = at + inner; at < end; at += 1) {
        quantised[at] = Math.min(limit, Math.max(-limit, roundHalfEven((values[at] as number) / scale)));
      }
    }
  }
  return quantised;
}

export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
