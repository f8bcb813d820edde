import { type Audio, StarlingError } from '@starling/shared';

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

/**
 * Samples of a WAV file (RIFF), of whole numbers of 8 to 32 bits or of floats.
 * @throws StarlingError `invalid-audio`
 */
export function readWave(bytes: Uint8Array): Audio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const nameAt = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 44 || nameAt(0) !== 'RIFF' || nameAt(8) !== 'WAVE') throw invalid('it does not begin as a WAV file does');
  let format: { tag: number; channels: number; sampleRateHz: number; bits: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    const start = at + 8;
    if (nameAt(at) === 'fmt ' && size >= 16) {
      const tag = view.getUint16(start, true);
      format = {
        tag: tag === EXTENSIBLE && size >= 26 ? view.getUint16(start + 24, true) : tag,
        channels: view.getUint16(start + 2, true),
        sampleRateHz: view.getUint32(start + 4, true),
        bits: view.getUint16(start + 14, true),
      };
    }
    if (nameAt(at) === 'data') {
      if (format === undefined) throw invalid('its samples come before their format');
      // A recorder that was cut off, or writes to a pipe, states a length that is not there.
      const length = Math.min(size, bytes.length - start);
      return { sampleRateHz: format.sampleRateHz, channels: format.channels, samples: samplesOf(view, start, length, format) };
    }
    at = start + size + (size % 2);
  }
  throw invalid('it has no samples');
}

function samplesOf(
  view: DataView,
  start: number,
  length: number,
  { tag, bits, channels }: { tag: number; bits: number; channels: number },
): Float32Array {
  const width = bits / 8;
  const read = readers[`${tag}/${bits}`];
  if (read === undefined || channels < 1) throw invalid(`its samples have format ${tag} with ${bits} bits`);
  const count = Math.floor(length / (width * channels)) * channels;
  return Float32Array.from({ length: count }, (_, index) => read(view, start + index * width));
}

const readers: Readonly<Record<string, (view: DataView, at: number) => number>> = {
  [`${PCM}/8`]: (view, at) => (view.getUint8(at) - 128) / 128,
  [`${PCM}/16`]: (view, at) => view.getInt16(at, true) / 32_768,
  [`${PCM}/24`]: (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8_388_608,
  [`${PCM}/32`]: (view, at) => view.getInt32(at, true) / 2_147_483_648,
  [`${FLOAT}/32`]: (view, at) => view.getFloat32(at, true),
  [`${FLOAT}/64`]: (view, at) => view.getFloat64(at, true),
};

function invalid(reason: string): StarlingError {
  return new StarlingError('invalid-audio', `the sound cannot be read: ${reason}`, { field: 'body', hint: 'send a WAV file' });
}
