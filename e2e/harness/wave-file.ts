/** Sound <-> the bytes of a WAV file (RIFF, PCM of 16 bits). */
import type { Audio } from '@starling/shared';

const HEADER_BYTES = 44;
const FULL_SCALE = 32_768;

export function writeWave({ sampleRateHz, channels, samples }: Audio): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + samples.length * 2);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(sampleRateHz, 24);
  bytes.writeUInt32LE(sampleRateHz * channels * 2, 28);
  bytes.writeUInt16LE(channels * 2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(samples.length * 2, 40);
  for (const [index, sample] of samples.entries()) {
    const whole = Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, Math.round(sample * FULL_SCALE)));
    bytes.writeInt16LE(whole, HEADER_BYTES + index * 2);
  }
  return bytes;
}

/** Reads what an encoder wrote: other parts of the file than its format and its samples are passed over. */
export function readWave(bytes: Buffer): Audio {
  let [channels, sampleRateHz] = [1, 16_000];
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [name, length] = [bytes.toString('latin1', at, at + 4), bytes.readUInt32LE(at + 4)];
    if (name === 'fmt ') [channels, sampleRateHz] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 12)];
    if (name === 'data') {
      const count = Math.floor(Math.min(length, bytes.length - at - 8) / 2);
      const samples = Float32Array.from({ length: count }, (_, index) => bytes.readInt16LE(at + 8 + index * 2) / FULL_SCALE);
      return { sampleRateHz, channels, samples };
    }
    at += 8 + length + (length % 2);
  }
  return { sampleRateHz, channels, samples: new Float32Array(0) };
}
