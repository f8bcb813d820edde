import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RawImage } from '../../ports/image-codec.ts';
import { FIRST_MS, startOperator } from './operator-harness.ts';

/** A grey picture with a lighter or darker square in it. */
function picture({ grey = 100, square = 100, left = 0, top = 0, side = 0, width = 320, height = 160 } = {}): RawImage {
  const data = new Uint8Array(width * height * 3).fill(grey);
  for (let y = top; y < top + side; y += 1) data.fill(square, (y * width + left) * 3, (y * width + left + side) * 3);
  return { width, height, data };
}

/** 20 x 20 pixels of 320 x 160 are a 128th of it, and whole cells of 2 x 2. */
const intruder = picture({ square: 200, left: 40, top: 60, side: 20 });
const empty = picture();
interface Motion {
  area: number;
  box: number[] | null;
  difference: number;
  warm: boolean;
}

function startMeasuring(params: object = {}) {
  const node = startOperator('motion.measure', { warmUpMs: 0, ...params });
  return async (image: RawImage, passedMs?: number): Promise<Motion> =>
    (await node.run({ image }, passedMs === undefined ? {} : { timeMs: FIRST_MS + passedMs }))['motion'] as Motion;
}

/** What an image has against the empty picture. */
async function comparedWithEmpty(image: RawImage): Promise<Motion> {
  const measure = startMeasuring();
  await measure(empty);
  return measure(image);
}

describe('motion.measure', () => {
  it('says how much moves, where, and by how much', async () => {
    const measure = startMeasuring();
    expect(await measure(empty)).toEqual({ area: 0, box: null, difference: 0, warm: true });
    const motion = await measure(intruder);
    expect(motion.area).toBeCloseTo(1 / 128, 6);
    expect(motion.box).toEqual([40, 60, 60, 80]);
    expect(motion.difference).toBeCloseTo(100 / 128, 3);
  });

  it('takes no notice of what is below the threshold', async () => {
    const measure = startMeasuring({ threshold: 30 });
    await measure(empty);
    expect((await measure(picture({ square: 129, left: 40, top: 60, side: 20 }))).area).toBe(0);
    expect((await measure(picture({ square: 131, left: 40, top: 60, side: 20 }))).area).toBeGreaterThan(0);
  });

  it('learns for a while first', async () => {
    const measure = startMeasuring({ warmUpMs: 1000 });
    await measure(empty, 0);
    expect(await measure(intruder, 999)).toMatchObject({ area: 0, warm: false });
    expect(await measure(empty, 1000)).toMatchObject({ warm: true });
  });

  it('learns the mean of what it sees at first', async () => {
    const measure = startMeasuring({ warmUpMs: 200, ignoreLight: false, adaptMs: 3_600_000 });
    for (const [index, grey] of [100, 120, 140].entries()) await measure(picture({ grey }), index * 99);
    expect((await measure(picture({ grey: 123 }), 300)).difference).toBeCloseTo(3, 3);
  });

  it('is not kept from learning by a clock that stands still', async () => {
    const measure = startMeasuring({ warmUpMs: 5 });
    const warm: boolean[] = [];
    for (let item = 0; item < 7; item += 1) warm.push((await measure(empty, 0)).warm);
    expect(warm).toEqual([false, false, false, false, false, true, true]);
  });

  it('takes in what stays: 63 % in the given time', async () => {
    const measure = startMeasuring({ adaptMs: 10_000, ignoreLight: false, threshold: 1 });
    await measure(picture({ grey: 100 }), 0);
    await measure(picture({ grey: 200 }), 10_000);
    // 100 * e^-1 of the 100 grey levels are left.
    expect((await measure(picture({ grey: 200 }), 10_001)).difference).toBeCloseTo(36.788, 2);
  });

  it('does not take a change of the light for motion, unless it is told to', async () => {
    const [ignoring, looking] = [startMeasuring(), startMeasuring({ ignoreLight: false })];
    await Promise.all([ignoring(empty), looking(empty)]);
    expect((await ignoring(picture({ grey: 160 }))).area).toBe(0);
    expect((await looking(picture({ grey: 160 }))).area).toBe(1);
    // Something large is dark: the light is what most of the picture says.
    const lorry = picture({ square: 20, side: 140 });
    expect((await comparedWithEmpty(lorry)).area).toBeCloseTo((140 * 140) / (320 * 160), 2);
    // Something moves while the light changes.
    expect(await ignoring(picture({ grey: 160, square: 60, left: 40, top: 60, side: 20 }))).toMatchObject({ box: [40, 60, 60, 80] });
  });

  it('looks into a region alone', async () => {
    const corner = [
      [0, 0],
      [0.25, 0],
      [0.25, 0.5],
      [0, 0.5],
    ];
    const measure = startMeasuring({ region: corner });
    await measure(empty);
    expect((await measure(picture({ square: 200, left: 100, top: 60, side: 20 }))).area).toBe(0);
    // A quarter of 80 x 80 pixels.
    expect((await measure(picture({ square: 200, left: 0, top: 0, side: 40 }))).area).toBeCloseTo(0.25, 6);
  });

  it('starts again where the picture changes its size', async () => {
    const measure = startMeasuring();
    await measure(empty);
    expect((await measure(picture({ width: 640, height: 480, grey: 200 }))).area).toBe(0);
  });

  it('refuses what is no picture', async () => {
    const measure = startMeasuring();
    await expect(measure({ width: 4, height: 4, data: new Uint8Array(12) })).rejects.toMatchObject({ code: 'wrong-value', field: 'image' });
    await expect(measure({ width: 0, height: 0, data: new Uint8Array(0) })).rejects.toMatchObject({ code: 'wrong-value', field: 'image' });
  });

  it('finds the square wherever it is, in pictures of any size', async () => {
    const scenes = fc
      .record({ width: fc.integer({ min: 40, max: 700 }), height: fc.integer({ min: 40, max: 500 }) })
      .chain(({ width, height }) =>
        fc.record({ width: fc.constant(width), height: fc.constant(height), left: fc.nat(width - 30), top: fc.nat(height - 30) }),
      );
    await fc.assert(
      fc.asyncProperty(scenes, async ({ width, height, left, top }) => {
        // The square may be most of the picture, and would then be its light.
        const measure = startMeasuring({ ignoreLight: false });
        await measure(picture({ width, height }));
        expect(await measure(picture({ width, height }))).toMatchObject({ area: 0, difference: 0 });
        const { box } = await measure(picture({ width, height, square: 250, left, top, side: 30 }));
        const cell = Math.ceil(Math.max(width, height) / 160);
        const expected = [left, top, left + 30, top + 30];
        for (const [side, place] of (box ?? []).entries()) expect(Math.abs(place - (expected[side] as number))).toBeLessThanOrEqual(cell);
        expect(box).not.toBeNull();
      }),
      // One pixel more than whole cells, in both directions.
      { numRuns: 30, examples: [[{ width: 641, height: 176, left: 0, top: 0 }]] },
    );
  });
});

describe('motion.gate', () => {
  const start = (params: object = {}) => startOperator('motion.gate', { warmUpMs: 0, holdMs: 1000, adaptMs: 3_600_000, ...params });

  it('lets images through while something moves, and for a while after it', async () => {
    const node = start();
    const given: [boolean, unknown][] = [];
    for (const [image, passedMs] of [
      [empty, 0],
      [intruder, 100],
      [empty, 200],
      [intruder, 300],
      [empty, 1300],
      [empty, 1301],
      [empty, 1400],
      [intruder, 1500],
    ] as const) {
      const { image: passed, event } = await node.run({ image }, { timeMs: FIRST_MS + passedMs });
      given.push([passed === image, event]);
    }
    expect(given).toEqual([
      [false, undefined],
      [true, { event: 'start', timeMs: FIRST_MS + 100, area: expect.closeTo(1 / 128, 6), box: [40, 60, 60, 80] }],
      [true, undefined],
      [true, undefined],
      [true, undefined],
      [false, { event: 'end', timeMs: FIRST_MS + 1301, durationMs: 200 }],
      [false, undefined],
      [true, expect.objectContaining({ event: 'start', timeMs: FIRST_MS + 1500 })],
    ]);
  });

  it('lets nothing through for what is small, or while it learns', async () => {
    const coarse = start({ minimumArea: 0.01 });
    await coarse.run({ image: empty });
    expect(await coarse.run({ image: intruder })).toEqual({});
    const learning = start({ warmUpMs: 1000 });
    await learning.run({ image: empty });
    expect(await learning.run({ image: intruder })).toEqual({});
  });

  it('keeps the streams apart', async () => {
    const node = start();
    await node.run({ image: empty }, { stream: 'gate' });
    await node.run({ image: intruder }, { stream: 'yard' });
    expect(await node.run({ image: intruder }, { stream: 'yard' })).toEqual({});
    expect(await node.run({ image: intruder }, { stream: 'gate' })).toHaveProperty('image');
  });
});
