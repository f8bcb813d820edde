/** A phrase that a machine speaks, noise and silence -> sound in which it is known where somebody speaks. */
import { readFileSync } from 'node:fs';
import type { Audio } from '@starling/shared';
import { readWave } from '../harness/wave-file.ts';
import { seededRandom } from '../scenes/random.ts';

export const SPEECH_HZ = 16_000;

/** "The gate is open. Please come in.", by espeak-ng 1.51: `espeak-ng -v en-us+f3 -s 150`, then brought to 16 kHz by ffmpeg. */
const phrase = readWave(readFileSync(new URL('./gate-is-open.wav', import.meta.url))).samples;

export interface Scene {
  audio: Audio;
  /** From the first to the last sound of each phrase, in milliseconds. */
  spoken: [startMs: number, endMs: number][];
}

/** Silence, then noise, then the phrase; twice, the second time more softly. */
export function composeScene(): Scene {
  const random = seededRandom(1, 0);
  const noise = Float32Array.from({ length: SPEECH_HZ }, () => random.normal() * 0.05);
  const silence = new Float32Array(SPEECH_HZ * 0.75);
  const parts = [silence, noise, silence, phrase, silence, noise, silence, phrase.map((sample) => sample * 0.25), silence];
  const samples = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  const spoken: Scene['spoken'] = [];
  let at = 0;
  for (const [index, part] of parts.entries()) {
    samples.set(part, at);
    if (index === 3 || index === 7) spoken.push([soundAt(part, 'first', at), soundAt(part, 'last', at)]);
    at += part.length;
  }
  return { audio: { sampleRateHz: SPEECH_HZ, channels: 1, samples }, spoken };
}

/** An encoder leaves a little silence around what it speaks. */
function soundAt(part: Float32Array, which: 'first' | 'last', from: number): number {
  const loudest = part.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  const isLoud = (sample: number): boolean => Math.abs(sample) > loudest / 50;
  const index = which === 'first' ? part.findIndex(isLoud) : part.findLastIndex(isLoud);
  return ((from + index) * 1000) / SPEECH_HZ;
}
