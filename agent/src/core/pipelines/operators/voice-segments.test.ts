import { describe, expect, test } from 'vitest';
import reference from './audio-reference.json' with { type: 'json' };
import { startOperator } from './operator-harness.ts';
import type { VoiceSegment } from './voice-segments.ts';

type Given = { segments: VoiceSegment[]; speech: { label: string; score: number; sinceMs?: number } };
const listOf = (probabilities: readonly number[]) =>
  probabilities.map((probability) => ({ elementType: 'float32', shape: [1, 1], data: Float32Array.of(probability) }));

async function segmentsIn(probabilities: readonly number[], params: Readonly<Record<string, unknown>>, size: number): Promise<Given> {
  const operator = startOperator('voice.segments', params);
  const all: VoiceSegment[] = [];
  let last: Given | undefined;
  for (let at = 0; at < probabilities.length; at += size) {
    last = (await operator.run({ probabilities: listOf(probabilities.slice(at, at + size)) })) as Given;
    all.push(...last.segments);
  }
  return { ...(last as Given), segments: all };
}

/** Frames of 10 ms: so many of each probability. */
const frames = (...runs: [number, number][]): number[] => runs.flatMap(([count, probability]) => Array(count).fill(probability));
const bare = { frameMs: 10, paddingMs: 0, minimumSilenceMs: 30 };

describe('voice.segments', () => {
  test.each([1, 4, 120])('finds what VADIterator finds, %i frames at a time', async (size) => {
    const { segments, speech } = await segmentsIn(reference.voice.probabilities, {}, size);
    expect(segments.map(({ startMs, endMs }) => [startMs, endMs])).toEqual(reference.voice.segments);
    expect(speech.sinceMs ?? null).toEqual(reference.voice.openSinceMs);
  });

  test('lets short pauses be, and what lies between the thresholds', async () => {
    const { segments, speech } = await segmentsIn(
      frames([2, 0.1], [3, 0.9], [3, 0.1], [2, 0.9], [9, 0.4], [1, 0.1], [2, 0.9], [6, 0]),
      bare,
      5,
    );
    expect(segments).toEqual([{ startMs: 20, endMs: 220 }]);
    expect(speech).toEqual({ label: 'silence', score: 0 });
  });

  test('leaves out what is too short, pads the rest, and never begins before the stream', async () => {
    const probabilities = frames([2, 0.9], [6, 0], [9, 0.9], [6, 0]);
    expect((await segmentsIn(probabilities, { ...bare, minimumSpeechMs: 50 }, 3)).segments).toEqual([{ startMs: 80, endMs: 170 }]);
    expect((await segmentsIn(probabilities, { ...bare, paddingMs: 15 }, 3)).segments).toEqual([
      { startMs: 0, endMs: 35 },
      { startMs: 65, endMs: 185 },
    ]);
  });

  test('says that speech goes on, and since when', async () => {
    const { segments, speech } = await segmentsIn(frames([3, 0], [4, 0.75]), bare, 7);
    expect([segments, speech]).toEqual([[], { label: 'speech', score: 0.75, sinceMs: 30 }]);
  });

  test('refuses what are no probabilities, and thresholds the wrong way round', async () => {
    const operator = startOperator('voice.segments');
    await expect(operator.run({ probabilities: [{ data: [1] }] })).rejects.toMatchObject({ code: 'wrong-value', field: 'probabilities' });
    expect(() => startOperator('voice.segments', { onThreshold: 0.3, offThreshold: 0.4 })).toThrow(/onThreshold/);
  });
});
