import type { Audio } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import reference from './audio-reference.json' with { type: 'json' };
import { startOperator } from './operator-harness.ts';
import { referenceSignal } from './reference-signal.ts';

async function resampled(chunks: readonly Audio[], sampleRateHz: number): Promise<Float32Array> {
  const operator = startOperator('audio.resample', { sampleRateHz });
  const got: number[] = [];
  for (const audio of chunks) {
    const given = (await operator.run({ audio })) as { audio?: Audio };
    if (given.audio === undefined) continue;
    expect(given.audio).toMatchObject({ sampleRateHz, channels: audio.channels });
    got.push(...given.audio.samples);
  }
  return Float32Array.from(got);
}

const mono = (samples: Float32Array, sampleRateHz: number): Audio => ({ sampleRateHz, channels: 1, samples });
const tone = (hertz: number, rate: number, seconds: number): Float32Array =>
  Float32Array.from({ length: rate * seconds }, (_, index) => Math.sin((2 * Math.PI * hertz * index) / rate));
const rms = (samples: Float32Array): number => Math.sqrt(samples.reduce((sum, each) => sum + each * each, 0) / samples.length);

describe('audio.resample', () => {
  test.each(Object.entries(reference.resample))('gives what scipy gives with the same filter: %s', async (rates, expected) => {
    const [from = 0, to = 0] = rates.split('-').map(Number);
    const got = await resampled([mono(referenceSignal(3000, from), from)], to);
    expect(Math.max(...expected.map((value, index) => Math.abs(value - (got[index] ?? Number.NaN))))).toBeLessThan(2e-6);
  });

  test('joins chunks as if there had been one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom([48_000, 16_000], [44_100, 16_000], [8_000, 16_000], [16_000, 11_025]),
        fc.array(fc.nat(2999), { maxLength: 12 }),
        async ([from = 0, to = 0], cuts) => {
          const signal = referenceSignal(3000, from);
          const bounds = [0, ...cuts.sort((a, b) => a - b), signal.length];
          const chunks = bounds.slice(1).map((end, index) => mono(signal.slice(bounds[index], end), from));
          expect(await resampled(chunks, to)).toEqual(await resampled([mono(signal, from)], to));
        },
      ),
      { numRuns: 30 },
    );
  });

  test.each([
    [48_000, 16_000],
    [44_100, 16_000],
    [16_000, 48_000],
  ])('keeps tones below the lower Nyquist frequency, and lets none above fold back: %i to %i Hz', async (from, to) => {
    const kept = 1000;
    const got = await resampled([mono(tone(kept, from, 0.5), from)], to);
    const expected = tone(kept, to, 0.5).subarray(200, got.length - 200);
    const difference = got.subarray(200, got.length - 200).map((value, index) => value - (expected[index] as number));
    expect(rms(difference)).toBeLessThan(2e-4);
    if (from < to) return;
    // 9 kHz would come back as 7 kHz.
    const folded = await resampled([mono(tone(9000, from, 0.5), from)], to);
    expect(20 * Math.log10(rms(folded.subarray(200)) / Math.SQRT1_2)).toBeLessThan(-75);
  });

  test('keeps channels apart, and passes through what has the rate already', async () => {
    const left = tone(500, 48_000, 0.1);
    const samples = Float32Array.from({ length: left.length * 2 }, (_, index) => (index % 2 === 0 ? (left[index / 2] as number) : 0.25));
    const got = await resampled([{ sampleRateHz: 48_000, channels: 2, samples }], 16_000);
    const alone = await resampled([mono(left, 48_000)], 16_000);
    expect(got.filter((_, index) => index % 2 === 0)).toEqual(alone);
    expect(
      got
        .filter((_, index) => index % 2 === 1)
        .subarray(50)
        .every((value) => Math.abs(value - 0.25) < 1e-4),
    ).toBe(true);
    const audio = mono(left, 48_000);
    expect((await startOperator('audio.resample', { sampleRateHz: 48_000 }).run({ audio })).audio).toBe(audio);
  });

  test('begins anew when the rate changes', async () => {
    const signal = referenceSignal(900, 8000);
    const after = await resampled([mono(signal, 8000)], 16_000);
    const operator = startOperator('audio.resample');
    await operator.run({ audio: mono(tone(300, 48_000, 0.1), 48_000) });
    expect((await operator.run({ audio: mono(signal, 8000) })).audio).toEqual(mono(after, 16_000));
  });
});
