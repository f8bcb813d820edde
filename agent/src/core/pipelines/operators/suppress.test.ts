import type { Detection, Rectangle } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxIou } from './geometry.ts';
import { startOperator } from './operator-harness.ts';

/** Centre, sides, score. */
const rows = [
  [18.95, 30.93, 10.43, 12.82, 0.716],
  [19.21, 32.48, 8.65, 7.29, 0.644],
  [21.89, 29.05, 16.77, 6.63, 0.98],
  [44.4, 31.9, 17.8, 9.58, 0.502],
  [43.75, 30.64, 17.78, 7.91, 0.892],
  [44.55, 33.13, 11.93, 10.79, 0.16],
  [11.13, 25.15, 9, 9.67, 0.357],
  [58.98, 39.22, 13.68, 11.69, 0.643],
  [18.37, 30.27, 17.18, 13.58, 0.487],
  [19.32, 31.51, 15.94, 12.02, 0.934],
  [22.74, 31.08, 8.42, 10.54, 0.988],
  [42.82, 33.91, 10.05, 6.94, 0.725],
  [43.72, 29.38, 16.3, 9.13, 0.644],
  [41.51, 33.17, 13.86, 7.56, 0.662],
  [10.27, 24.92, 9.98, 8.11, 0.903],
  [59.55, 39.08, 9.88, 13.45, 0.638],
] as const;
/** The number of a row stands in its track, so that it is known again. */
const detections = rows.map(
  ([x, y, width, height, score], index): Detection => ({
    ...{ box: [x - width / 2, y - height / 2, x + width / 2, y + height / 2], score, class: 0, track: index + 1 },
  }),
);

/** Row and score by a loop over shapely 2.2.0 polygons, after the paper: every box is of one class. */
const gaussian = [
  [10, 0.988],
  [14, 0.903],
  [4, 0.892],
  [2, 0.731333],
  [7, 0.642995],
  [11, 0.641321],
  [1, 0.481639],
  [9, 0.335086],
  [15, 0.273066],
  [13, 0.232479],
  [12, 0.191828],
  [6, 0.126674],
  [0, 0.121282],
  [3, 0.047635],
  [8, 0.042384],
  [5, 0.018446],
] as const;
const linear = [
  [10, 0.988],
  [14, 0.903],
  [4, 0.892],
  [11, 0.725],
  [7, 0.643],
  [2, 0.606298],
  [1, 0.440241],
  [15, 0.222411],
  [12, 0.198644],
  [8, 0.196306],
  [13, 0.110366],
  [6, 0.101983],
  [0, 0.065115],
  [3, 0.021462],
  [9, 0.019402],
  [5, 0.007063],
] as const;

async function suppressed(params: Record<string, unknown>, given: readonly Detection[] = detections): Promise<Detection[]> {
  return (await startOperator('detections.nms', params).run({ detections: given })).detections as Detection[];
}

const rowsOf = (kept: readonly Detection[]) => kept.map(({ track = 0 }) => track - 1);

describe('detections.nms', () => {
  it.each([
    ['gaussian', gaussian, {}],
    ['linear', linear, { iouThreshold: 0.3 }],
  ] as const)('lowers scores by the %s rule of Soft-NMS', async (method, expected, params) => {
    const kept = await suppressed({ method, ...params });
    expect(rowsOf(kept)).toEqual(expected.map(([row]) => row));
    for (const [at, [, score]] of expected.entries()) expect(kept[at]?.score).toBeCloseTo(score, 5);
  });

  it('counts the share of the smaller box where it is asked to', async () => {
    // By shapely: what shares more than 0.6 of itself with a better one, or holds as much of it, goes.
    expect(rowsOf(await suppressed({ measure: 'smaller', iouThreshold: 0.6 }))).toEqual([10, 14, 4, 11, 1, 7]);
    const inside: Detection[] = [
      { box: [0, 0, 100, 100], score: 0.9, class: 0 },
      { box: [10, 10, 20, 20], score: 0.8, class: 0 },
    ];
    expect(await suppressed({ measure: 'smaller' }, inside)).toHaveLength(1);
    expect(await suppressed({ measure: 'iou' }, inside)).toHaveLength(2);
  });

  it('leaves other classes alone unless they count as one', async () => {
    const twins: Detection[] = [
      { box: [0, 0, 10, 10], score: 0.8, class: 1 },
      { box: [0, 0, 10, 10], score: 0.9, class: 0 },
    ];
    expect((await suppressed({}, twins)).map((each) => each.class)).toEqual([0, 1]);
    expect((await suppressed({ agnostic: true }, twins)).map((each) => each.class)).toEqual([0]);
  });

  it('keeps both of two that overlap by exactly the threshold', async () => {
    const halves: Detection[] = [
      { box: [0, 0, 10, 10], score: 0.9, class: 0 },
      { box: [0, 0, 10, 5], score: 0.8, class: 0 },
    ];
    expect(await suppressed({ iouThreshold: 0.5 }, halves)).toHaveLength(2);
    expect(await suppressed({ iouThreshold: 0.49 }, halves)).toHaveLength(1);
  });

  it('refuses boxes that are no numbers', async () => {
    const broken: Detection[] = [{ box: [0, 0, Number.NaN, 1], score: 1, class: 0 }];
    await expect(suppressed({}, broken)).rejects.toMatchObject({ code: 'wrong-value', field: 'detections.0.box' });
    await expect(startOperator('detections.nms').run({ detections: 3 })).rejects.toMatchObject({
      code: 'wrong-value',
      field: 'detections',
    });
  });

  const detection = fc
    .record({
      left: fc.integer({ min: 0, max: 60 }),
      top: fc.integer({ min: 0, max: 60 }),
      width: fc.integer({ min: 1, max: 40 }),
      height: fc.integer({ min: 1, max: 40 }),
      angle: fc.oneof(fc.constant(0), fc.double({ min: -3, max: 3, noNaN: true })),
      score: fc.double({ min: 0.01, max: 1, noNaN: true }),
      class: fc.integer({ min: 0, max: 1 }),
    })
    .map(({ left, top, width, height, ...rest }): Detection => ({ ...rest, box: [left, top, left + width, top + height] as Rectangle }));

  it('keeps the best, no two that overlap by more, and loses none without a better one beside it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(detection, { minLength: 1, maxLength: 25 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (given, iouThreshold) => {
          const kept = await suppressed({ iouThreshold }, given);
          const rivals = (a: Detection, b: Detection) => a.class === b.class && boxIou(a, b) > iouThreshold;
          expect(kept[0]?.score).toBe(Math.max(...given.map(({ score }) => score)));
          for (const [index, one] of kept.entries()) for (const other of kept.slice(index + 1)) expect(rivals(one, other)).toBe(false);
          for (const lost of given.filter((each) => !kept.includes(each))) {
            expect(kept.some((better) => better.score >= lost.score && rivals(better, lost))).toBe(true);
          }
        },
      ),
    );
  });
});
