import type { Audio } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { startOperator } from './operator-harness.ts';

const sound = (samples: readonly number[], channels = 1, sampleRateHz = 16_000): Audio => ({
  sampleRateHz,
  channels,
  samples: Float32Array.from(samples),
});

/** Pieces of a stream of whole samples, of any length. */
function pieces(audio: Audio, cuts: readonly number[]): Audio[] {
  const bounds = [...new Set(cuts.map((cut) => Math.min(cut * audio.channels, audio.samples.length)))].sort((a, b) => a - b);
  const ends = [...bounds, audio.samples.length];
  return ends.map((end, index) => ({ ...audio, samples: audio.samples.slice(index === 0 ? 0 : ends[index - 1], end) }));
}

describe('audio.mix', () => {
  test('gives the mean of all channels, or one of them', async () => {
    const stereo = sound([1, 0, 0.5, -0.5, -1, 0.25], 2);
    expect(await startOperator('audio.mix').run({ audio: stereo })).toEqual({ audio: sound([0.5, 0, -0.375]) });
    expect(await startOperator('audio.mix', { channel: 1 }).run({ audio: stereo })).toEqual({ audio: sound([0, -0.5, 0.25]) });
  });

  test.each([
    ['a channel that is not there', { audio: sound([1, 0], 2) }, { channel: 2 }],
    ['half a sample', { audio: sound([1, 0, 1], 2) }, {}],
    ['a picture', { audio: { width: 1, height: 1, data: new Uint8Array(3) } }, {}],
    ['no rate', { audio: sound([1], 1, Number.NaN) }, {}],
  ])('refuses %s', async (_what, inputs, params) => {
    await expect(startOperator('audio.mix', params).run(inputs)).rejects.toMatchObject({ code: 'wrong-value', field: 'audio' });
  });
});

describe('audio.frame', () => {
  test('gives the frames of the whole stream, however it comes in pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(1000), { maxLength: 60 }),
        fc.array(fc.nat(60), { maxLength: 8 }),
        fc.record({
          length: fc.integer({ min: 1, max: 9 }),
          hop: fc.integer({ min: 1, max: 14 }),
          leading: fc.nat(8),
          channels: fc.constantFrom(1, 2),
        }),
        async (values, cuts, { length, hop, leading, channels }) => {
          const leadingSamples = leading % length;
          const audio = sound(values.slice(0, values.length - (values.length % channels)), channels);
          const framer = startOperator('audio.frame', { lengthSamples: length, hopSamples: hop, leadingSamples });
          const got: number[][] = [];
          for (const piece of pieces(audio, cuts)) {
            const { frames } = (await framer.run({ audio: piece })) as { frames?: Audio[] };
            expect(frames).not.toEqual([]);
            got.push(...(frames ?? []).map(({ samples }) => [...samples]));
          }
          const whole = [...Array(leadingSamples * channels).fill(0), ...audio.samples];
          const expected: number[][] = [];
          for (let at = 0; (at + length) * channels <= whole.length; at += hop)
            expected.push(whole.slice(at * channels, (at + length) * channels));
          expect(got).toEqual(expected);
        },
      ),
    );
  });

  test('begins anew where the sound is of another kind, and keeps streams apart', async () => {
    const framer = startOperator('audio.frame', { lengthSamples: 3 });
    expect(await framer.run({ audio: sound([1, 2]) })).toEqual({});
    expect(await framer.run({ audio: sound([9, 9]) }, { stream: 'other' })).toEqual({});
    expect(await framer.run({ audio: sound([3, 4]) })).toEqual({ frames: [sound([1, 2, 3])] });
    expect(await framer.run({ audio: sound([5, 6, 7], 1, 8000) })).toEqual({ frames: [sound([5, 6, 7], 1, 8000)] });
  });

  test('wants frames with samples of their own', () => {
    expect(() => startOperator('audio.frame', { lengthSamples: 64, leadingSamples: 64 })).toThrow(/leadingSamples/);
  });
});

describe('audio.to-tensor', () => {
  test('gives the samples of one channel', async () => {
    const { tensor } = await startOperator('audio.to-tensor').run({ audio: sound([0.5, -0.25]) });
    expect(tensor).toEqual({ elementType: 'float32', shape: [1, 2], data: Float32Array.of(0.5, -0.25) });
  });

  test('says what to do with two channels', async () => {
    const refused = startOperator('audio.to-tensor').run({ audio: sound([0, 0], 2) });
    await expect(refused).rejects.toMatchObject({ code: 'wrong-value', hint: 'put audio.mix before it' });
  });
});

describe('audio.level', () => {
  const sine = Array.from({ length: 1600 }, (_, index) => Math.sin((2 * Math.PI * 100 * index) / 16_000));

  test.each([
    ['a full sine', sine, -3.0103, 0, 1],
    ['a tenth of it', sine.map((each) => each / 10), -23.0103, -20, 0.1],
    ['a square wave', sine.map((each) => (each >= 0 ? 1 : -1)), 0, 0, 1],
    ['silence', [0, 0, 0], -120, -120, 0],
    ['nothing', [], -120, -120, 0],
  ])('of %s', async (_what, samples, rmsDb, peakDb, peak) => {
    const { level } = (await startOperator('audio.level').run({ audio: sound(samples) })) as { level: Record<string, number> };
    expect(level).toEqual({ rmsDb: expect.closeTo(rmsDb, 4), peakDb: expect.closeTo(peakDb, 4), peak: expect.closeTo(peak, 5) });
  });
});
