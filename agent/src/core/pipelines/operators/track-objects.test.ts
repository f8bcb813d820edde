import { readFileSync } from 'node:fs';
import type { Detection, Rectangle } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_MS, FRAME_MS, type ItemPlace, startOperator } from './operator-harness.ts';

/** A scene, and what a tracker that was written apart from ours finds in it. Indices of detections -> track and likely box. */
interface Reference {
  frames: { timeMs: number; detections: Detection[]; tracks: Record<string, [number, ...Rectangle]> }[];
}
const reference = JSON.parse(readFileSync(new URL('./test-data/tracks-reference.json', import.meta.url), 'utf8')) as Reference;

const detection = (x: number, y: number, more: Partial<Detection> = {}): Detection => ({
  box: [x, y, x + 40, y + 80],
  score: 0.9,
  class: 0,
  ...more,
});

function startTracker(params: Record<string, unknown> = {}) {
  const node = startOperator('track.objects', params);
  return async (detections: readonly Detection[], place?: ItemPlace): Promise<Detection[]> =>
    (await node.run({ detections }, place))['detections'] as Detection[];
}

const idsOf = (detections: readonly Detection[]) => detections.map(({ track }) => track);

describe('track.objects', () => {
  it('finds what an independent tracker finds: the same ids, the same likely boxes', async () => {
    const track = startTracker({ smooth: true });
    for (const { timeMs, detections, tracks } of reference.frames) {
      const named = detections.map((each, index) => ({ ...each, label: String(index) }));
      const found = await track(named, { timeMs });
      expect(Object.fromEntries(found.map(({ label, track: id }) => [label, id]))).toEqual(
        Object.fromEntries(Object.entries(tracks).map(([index, [id]]) => [index, id])),
      );
      for (const { label, box } of found) {
        const [, ...expected] = tracks[label as string] as [number, ...Rectangle];
        for (const [side, at] of box.entries()) expect(at).toBeCloseTo(expected[side] as number, 5);
      }
    }
  });

  it('keeps the ids of things that cross', async () => {
    const track = startTracker();
    let last: Detection[] = [];
    for (let frame = 0; frame <= 60; frame += 1) {
      // They meet in frame 30, on top of each other.
      last = await track([detection(5 * frame, 100), detection(300 - 5 * frame, 106)]);
    }
    const [goesRight, goesLeft] = last;
    expect([goesRight?.box[0], goesRight?.track]).toEqual([300, 1]);
    expect([goesLeft?.box[0], goesLeft?.track]).toEqual([0, 2]);
  });

  it('finds a thing again that was hidden, where it would be by then', async () => {
    const track = startTracker();
    for (let frame = 0; frame < 20; frame += 1) await track([detection(6 * frame, 100)]);
    for (let frame = 20; frame < 40; frame += 1) expect(await track([])).toEqual([]);
    // 120 pixels on: three times its width from where it was last seen.
    expect(idsOf(await track([detection(6 * 40, 100)]))).toEqual([1]);
  });

  it('follows a thing over frames that were dropped', async () => {
    const track = startTracker();
    for (let frame = 0; frame < 20; frame += 1) await track([detection(6 * frame, 100)]);
    expect(idsOf(await track([detection(6 * 35, 100)], { sequence: 35, timeMs: FIRST_MS + 35 * FRAME_MS }))).toEqual([1]);
  });

  it('forgets what was away for too long, and never gives its id again', async () => {
    const track = startTracker({ maximumAgeMs: 500 });
    for (let frame = 0; frame < 5; frame += 1) await track([detection(100, 100)]);
    await track([], { timeMs: FIRST_MS + 4 * FRAME_MS + 501 });
    await track([detection(100, 100)]);
    expect(idsOf(await track([detection(100, 100)]))).toEqual([2]);
  });

  it('forgets what was away in too many items, even if time stands still', async () => {
    const track = startTracker({ maximumMissed: 3 });
    for (let frame = 0; frame < 2; frame += 1) await track([detection(100, 100)], { timeMs: FIRST_MS });
    for (let frame = 0; frame < 4; frame += 1) await track([], { timeMs: FIRST_MS });
    await track([detection(100, 100)], { timeMs: FIRST_MS });
    expect(idsOf(await track([detection(100, 100)], { timeMs: FIRST_MS }))).toEqual([2]);
  });

  it('gives an id after some sightings in a row, so that a flicker gets none', async () => {
    const track = startTracker({ minimumHits: 3 });
    expect(await track([detection(100, 100)])).toEqual([]);
    expect(await track([])).toEqual([]);
    expect(await track([detection(100, 100)])).toEqual([]);
    expect(await track([detection(100, 100)])).toEqual([]);
    expect(idsOf(await track([detection(100, 100)]))).toEqual([1]);
  });

  it('continues a track with a weak detection, and begins none with it', async () => {
    const track = startTracker();
    for (let frame = 0; frame < 3; frame += 1) await track([detection(100, 100)]);
    const weak = [detection(102, 100, { score: 0.2 }), detection(300, 100, { score: 0.2 })];
    for (let frame = 0; frame < 3; frame += 1) expect(idsOf(await track(weak))).toEqual([1]);
    expect(await track([detection(102, 100, { score: 0.05 })])).toEqual([]);
  });

  it('does not find a thing again by a weak detection, once it is out of sight', async () => {
    const track = startTracker();
    for (let frame = 0; frame < 3; frame += 1) await track([detection(100, 100)]);
    await track([]);
    expect(await track([detection(100, 100, { score: 0.2 })])).toEqual([]);
    expect(idsOf(await track([detection(100, 100)]))).toEqual([1]);
  });

  it('begins tracks with good detections alone', async () => {
    const track = startTracker();
    for (let frame = 0; frame < 5; frame += 1) expect(await track([detection(100, 100, { score: 0.59 })])).toEqual([]);
    await track([detection(100, 100, { score: 0.6 })]);
    expect(idsOf(await track([detection(100, 100, { score: 0.59 })]))).toEqual([1]);
  });

  it('asks for more overlap where it is less sure', async () => {
    // 40 pixels wide: moved by s they overlap by (40 - s) / (40 + s), so 0.25 is 24 pixels, and 0.45 is 15.2.
    const fresh = startTracker();
    await fresh([detection(100, 100)]);
    expect(await fresh([detection(124, 100)])).toEqual([]);
    const known = startTracker();
    for (let frame = 0; frame < 9; frame += 1) await known([detection(100, 100)]);
    expect(idsOf(await known([detection(124, 100)]))).toEqual([1]);
    const weak = startTracker();
    for (let frame = 0; frame < 9; frame += 1) await weak([detection(100, 100)]);
    expect(await weak([detection(115.2, 100, { score: 0.3 })])).toEqual([]);
  });

  it('keeps classes apart, unless it is told not to', async () => {
    const [apart, together] = [startTracker(), startTracker({ byClass: false })];
    for (let frame = 0; frame < 3; frame += 1) await Promise.all([apart([detection(9, 9)]), together([detection(9, 9)])]);
    expect(await apart([detection(9, 9, { class: 1 })])).toEqual([]);
    expect(idsOf(await together([detection(9, 9, { class: 1 })]))).toEqual([1]);
  });

  it('passes on all that a detection says, in the order in which it came', async () => {
    const track = startTracker({ minimumHits: 1 });
    const [far, near] = [detection(500, 100, { label: 'far', score: 0.7 }), detection(100, 100, { label: 'near', angle: 0.1 })];
    expect(await track([far, near])).toEqual([
      { ...far, track: 2 },
      { ...near, track: 1 },
    ]);
  });

  it('numbers each stream by itself', async () => {
    const track = startTracker({ minimumHits: 1 });
    expect(idsOf(await track([detection(0, 0)], { stream: 'gate' }))).toEqual([1]);
    expect(idsOf(await track([detection(500, 0)], { stream: 'yard' }))).toEqual([1]);
  });
});

describe('track.objects, whatever it is given', () => {
  const anyDetection = fc
    .record({
      x: fc.integer({ min: 0, max: 300 }),
      y: fc.integer({ min: 0, max: 300 }),
      width: fc.integer({ min: 0, max: 120 }),
      height: fc.integer({ min: 0, max: 120 }),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      class: fc.integer({ min: 0, max: 2 }),
    })
    .map(({ x, y, width, height, score, class: index }): Detection => ({ box: [x, y, x + width, y + height], score, class: index }));
  const frames = fc.array(fc.tuple(fc.array(anyDetection, { maxLength: 8 }), fc.integer({ min: 0, max: 700 })), { maxLength: 25 });

  it('names no two things of a frame alike, and no id comes again after it was forgotten', async () => {
    await fc.assert(
      fc.asyncProperty(frames, async (items) => {
        const track = startTracker({ minimumHits: 1, maximumAgeMs: 600 });
        const lastSeen = new Map<number, number>();
        let [timeMs, highest] = [FIRST_MS, 0];
        for (const [detections, passedMs] of items) {
          timeMs += passedMs;
          const ids = idsOf(await track(detections, { timeMs })) as number[];
          expect(new Set(ids).size).toBe(ids.length);
          for (const id of ids) {
            if (lastSeen.has(id)) expect(timeMs - (lastSeen.get(id) as number)).toBeLessThanOrEqual(600);
            else expect(id).toBeGreaterThan(highest);
            lastSeen.set(id, timeMs);
          }
          highest = Math.max(highest, ...ids);
        }
      }),
    );
  });

  it('finds the same in any order of the detections', async () => {
    await fc.assert(
      fc.asyncProperty(frames, fc.infiniteStream(fc.nat()), async (items, chance) => {
        const [track, other] = [startTracker({ smooth: true }), startTracker({ smooth: true })];
        for (const [detections] of items) {
          const shuffled = detections
            .map((each) => [chance.next().value as number, each] as const)
            .sort(([a], [b]) => a - b)
            .map(([, each]) => each);
          const byPlace = (a: Detection, b: Detection): number => JSON.stringify(a).localeCompare(JSON.stringify(b));
          expect((await other(shuffled)).sort(byPlace)).toEqual((await track(detections)).sort(byPlace));
        }
      }),
    );
  });
});

describe('track.objects with what is no detection', () => {
  const track = startTracker();
  it.each<[string, unknown, string, string]>([
    ['a box with NaN', [detection(Number.NaN, 0)], 'wrong-value', 'detections.0.box'],
    ['a box without end', [detection(0, 0), detection(0, 0, { box: [0, 0, Infinity, 1] })], 'wrong-value', 'detections.1.box'],
    ['a box that ends before it begins', [detection(0, 0, { box: [10, 0, 5, 5] })], 'wrong-value', 'detections.0.box'],
    ['a box of three numbers', [{ ...detection(0, 0), box: [1, 2, 3] }], 'wrong-value', 'detections.0.box'],
    ['a score of NaN', [detection(0, 0, { score: Number.NaN })], 'wrong-value', 'detections.0.score'],
    ['half a class', [detection(0, 0, { class: 0.5 })], 'wrong-value', 'detections.0.class'],
    ['no list', { box: [0, 0, 1, 1] }, 'wrong-value', 'detections'],
    ['a flood', Array.from({ length: 501 }, () => detection(0, 0)), 'too-many-detections', 'detections'],
  ])('says what is wrong: %s', async (_what, detections, code, field) => {
    await expect(track(detections as Detection[])).rejects.toMatchObject({ code, field });
  });

  it('remembers a bounded number of tracks', async () => {
    const crowded = startTracker({ minimumHits: 1, maximumAgeMs: 600_000 });
    const row = (frame: number): Detection[] => Array.from({ length: 500 }, (_, index) => detection(50 * index, 100 * frame));
    for (let frame = 0; frame < 4; frame += 1) await crowded(row(frame));
    // The first row of four is forgotten, the last two are remembered.
    expect(idsOf(await crowded(row(3)))[0]).toBe(1501);
    expect(idsOf(await crowded(row(0)))[0]).toBe(2001);
  });
});
