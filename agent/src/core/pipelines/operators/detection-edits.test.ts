import type { Detection } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxIou } from './geometry.ts';
import { startOperator } from './operator-harness.ts';
import type { Box } from './values.ts';

describe('detections.filter', () => {
  const given: Detection[] = [
    { box: [0, 0, 10, 10], score: 0.9, class: 0, label: 'cat' },
    { box: [20, 20, 60, 60], score: 0.4, class: 1, label: 'dog' },
    { box: [50, 10, 70, 90], score: 0.8, class: 2 },
  ];
  const source = { width: 100, height: 100, data: new Uint8Array(30_000) };
  /** Numbers of the classes that pass, and of the others. */
  async function parted(params: Record<string, unknown>): Promise<number[][]> {
    const { detections, rest } = await startOperator('detections.filter', params).run({ detections: given, source });
    return [detections, rest].map((each) => (each as Detection[]).map((detection) => detection.class));
  }

  it.each([
    [{}, [[0, 1, 2], []]],
    [{ labels: ['cat', 'fox'] }, [[0], [1, 2]]],
    [{ classes: [1, 2] }, [[1, 2], [0]]],
    [{ minimumScore: 0.5 }, [[0, 2], [1]]],
    [{ minimumArea: 100, maximumArea: 1599 }, [[0], [1, 2]]],
    [{ minimumArea: 0.1, unit: 'share' }, [[1, 2], [0]]],
    // Middles at 5,5, 40,40 and 60,50; lower middles at 5,10, 40,60 and 60,90.
    [
      {
        zone: [
          [30, 30],
          [99, 30],
          [99, 55],
          [30, 55],
        ],
      },
      [[1, 2], [0]],
    ],
    [
      {
        zone: [
          [0.3, 0.5],
          [0.99, 0.5],
          [0.99, 0.95],
          [0.3, 0.95],
        ],
        unit: 'share',
        anchor: 'bottom',
      },
      [[1, 2], [0]],
    ],
    [
      {
        zone: [
          [30, 30],
          [99, 30],
          [99, 55],
          [30, 55],
        ],
        anchor: 'bottom',
      },
      [[], [0, 1, 2]],
    ],
  ])('by %j', async (params, expected) => {
    expect(await parted(params)).toEqual(expected);
  });

  it('wants names or numbers of classes, not both', () => {
    expect(() => startOperator('detections.filter', { labels: ['cat'], classes: [0] })).toThrow();
  });
});

describe('boxes and detections', () => {
  it('become each other', async () => {
    const detections = [{ box: [1, 2, 5, 4], score: 0.7, class: 0 }];
    const { boxes } = await startOperator('detections.to-boxes').run({ detections });
    expect(boxes).toEqual([
      {
        quad: [
          [1, 2],
          [5, 2],
          [5, 4],
          [1, 4],
        ],
        score: 0.7,
      },
    ]);
    const back = await startOperator('boxes.to-detections', { class: 3, label: 'sign' }).run({ boxes });
    expect(back.detections).toEqual([{ box: [1, 2, 5, 4], score: 0.7, class: 3, label: 'sign' }]);
  });

  it('keep their place when they are turned', async () => {
    const detection = fc.record({
      left: fc.integer({ min: 0, max: 50 }),
      top: fc.integer({ min: 0, max: 50 }),
      width: fc.integer({ min: 2, max: 60 }),
      height: fc.integer({ min: 2, max: 60 }),
      angle: fc.double({ min: -4, max: 4, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(detection, async ({ left, top, width, height, angle }) => {
        const given: Detection = { box: [left, top, left + width, top + height], score: 1, class: 0, angle };
        const { boxes } = await startOperator('detections.to-boxes').run({ detections: [given] });
        const { detections } = await startOperator('boxes.to-detections', { turned: true }).run({ boxes });
        const [back] = detections as [Detection];
        expect(boxIou(given, back)).toBeCloseTo(1, 6);
        expect(Math.abs(back.angle ?? 0)).toBeLessThanOrEqual(Math.PI / 4 + 1e-9);
      }),
    );
  });

  it('are refused without corners', async () => {
    for (const quad of [
      undefined,
      [[1, 2]],
      [
        [1, 2],
        [3, 4],
        [5, 6],
        [7, Number.NaN],
      ],
      [[1, 2], [3, 4], [5, 6], [7]],
    ]) {
      const boxes = [{ quad, score: 1 } as unknown as Box];
      await expect(startOperator('boxes.to-detections').run({ boxes })).rejects.toMatchObject({
        code: 'wrong-value',
        field: 'boxes.0.quad',
      });
    }
  });
});

describe('keypoints.from-heatmaps', () => {
  const fit = { width: 16, height: 16 };
  const source = { width: 32, height: 16, data: new Uint8Array(32 * 16 * 3) };
  /** Maps of 4 x 4 cells, each of 4 pixels of the input. */
  const maps = (...values: Record<number, number>[]) => ({
    elementType: 'float32',
    shape: [1, values.length, 4, 4],
    data: Float32Array.from(values.flatMap((value) => Array.from({ length: 16 }, (_, at) => value[at] ?? 0))),
  });
  async function read(params: Record<string, unknown>, heatmaps: unknown): Promise<Detection[]> {
    return (await startOperator('keypoints.from-heatmaps', { fit, ...params }).run({ heatmaps, source })).detections as Detection[];
  }

  it('finds peaks, and leans towards the higher neighbour', async () => {
    // Cell 1,2 with a neighbour on the right and one above; cell 0,0 at the border leans nowhere.
    const heatmaps = maps({ 9: 0.8, 10: 0.5, 5: 0.25 }, { 0: 0.5, 1: 0.25 });
    const [detection] = await read({ label: 'person' }, heatmaps);
    // Column 1 + 0.5 + 0.25 of 4 is 7 of 16 pixels and 14 of 32; row 2 + 0.5 - 0.25 is 9 of 16.
    expect(detection).toEqual({
      ...{ box: [4, 2, 14, 9], score: expect.closeTo(0.65, 6), class: 0, label: 'person' },
      keypoints: [
        [14, 9, expect.closeTo(0.8, 6)],
        [4, 2, 0.5],
      ],
    });
    const [plain] = await read({ refine: false }, heatmaps);
    expect(plain?.keypoints?.[0]?.slice(0, 2)).toEqual([12, 10]);
  });

  it('sees nobody where too few points are sure', async () => {
    expect(await read({ minimumKeypoints: 2 }, maps({ 3: 0.9 }, { 3: 0.1 }))).toEqual([]);
  });

  it('refuses maps that are none, or hold no numbers', async () => {
    await expect(read({}, maps({ 3: Number.NaN }))).rejects.toMatchObject({ code: 'not-finite', field: 'heatmaps' });
    await expect(read({}, { ...maps({}), shape: [16, 1, 1, 1] })).rejects.toMatchObject({ code: 'wrong-shape', field: 'heatmaps' });
    await expect(read({}, 5)).rejects.toMatchObject({ code: 'wrong-value', field: 'heatmaps' });
  });
});
