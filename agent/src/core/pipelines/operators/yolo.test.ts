import type { Detection } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundsOf, cornersOf } from './geometry.ts';
import { decodeMask } from './mask.ts';
import { startOperator } from './operator-harness.ts';

/** Centre, sides, scores of three classes, angle: what a model might say of an input of 64 x 64. */
const rows = [
  [18.95, 30.93, 10.43, 12.82, 0.716, 0.36, 0.499, -0.088],
  [19.21, 32.48, 8.65, 7.29, 0.498, 0.644, 0.148, 1.786],
  [21.89, 29.05, 16.77, 6.63, 0.98, 0.356, 0.751, 1.067],
  [44.4, 31.9, 17.8, 9.58, 0.502, 0.22, 0.281, 1.643],
  [43.75, 30.64, 17.78, 7.91, 0.892, 0.282, 0.469, 0.142],
  [44.55, 33.13, 11.93, 10.79, 0.102, 0.16, 0.08, -0.325],
  [11.13, 25.15, 9, 9.67, 0.153, 0.357, 0.003, 1.261],
  [58.98, 39.22, 13.68, 11.69, 0.398, 0.643, 0.146, -0.053],
  [18.37, 30.27, 17.18, 13.58, 0.091, 0.487, 0.154, 0.605],
  [19.32, 31.51, 15.94, 12.02, 0.277, 0.567, 0.934, -0.573],
  [22.74, 31.08, 8.42, 10.54, 0.98, 0.328, 0.988, 0.099],
  [42.82, 33.91, 10.05, 6.94, 0.725, 0.614, 0.57, 1.67],
  [43.72, 29.38, 16.3, 9.13, 0.347, 0.351, 0.644, 0.102],
  [41.51, 33.17, 13.86, 7.56, 0.138, 0.308, 0.662, 0.511],
  [10.27, 24.92, 9.98, 8.11, 0.286, 0.903, 0.15, 1.093],
  [59.55, 39.08, 9.88, 13.45, 0.638, 0.084, 0.11, -0.256],
];
const objectness = [0.754, 0.826, 0.717, 0.685, 0.886, 0.634, 0.616, 0.518, 0.927, 0.971, 0.77, 0.694, 0.69, 0.672, 0.96, 0.595];

/** Class, score, box. Kept by `cv2.dnn.NMSBoxes` of OpenCV 5.0.0, class by class; taken back into 100 x 36 and cut by NumPy. */
const keptOfV8 = [
  [2, 0.988, 28.9531, 9.0939, 42.1094, 25.5913],
  [0, 0.98, 21.1016, 8.9765, 47.3047, 19.3539],
  [1, 0.903, 8.25, 1.3539, 23.8438, 14.0478],
  [0, 0.892, 54.4688, 10.4635, 82.25, 22.8443],
  [0, 0.725, 59.0547, 16.3409, 74.7578, 27.2035],
  [0, 0.716, 21.4609, 7.0748, 37.7578, 27.1409],
  [2, 0.662, 54.0312, 14.6974, 75.6875, 26.5304],
  [1, 0.644, 23.2578, 13.8287, 36.7734, 25.2391],
  [2, 0.644, 55.5781, 7.5365, 81.0469, 21.827],
  [1, 0.643, 81.4688, 20.9348, 100, 36],
  [0, 0.638, 85.3281, 19.3383, 100, 36],
  [1, 0.487, 15.2813, 5.447, 42.125, 26.7026],
];
const keptOfV5 = [
  [2, 0.90691, 17.7344, 8.6087, 42.6406, 27.4226],
  [1, 0.86688, 8.25, 1.3539, 23.8438, 14.0478],
  [0, 0.79031, 54.4688, 10.4635, 82.25, 22.8443],
  [0, 0.70266, 21.1016, 8.9765, 47.3047, 19.3539],
  [0, 0.53986, 21.4609, 7.0748, 37.7578, 27.1409],
  [1, 0.53194, 23.2578, 13.8287, 36.7734, 25.2391],
  [0, 0.50315, 59.0547, 16.3409, 74.7578, 27.2035],
  [1, 0.45145, 15.2813, 5.447, 42.125, 26.7026],
  [2, 0.44486, 54.0312, 14.6974, 75.6875, 26.5304],
  [2, 0.44436, 55.5781, 7.5365, 81.0469, 21.827],
  [0, 0.37961, 85.3281, 19.3383, 100, 36],
  [1, 0.33307, 81.4688, 20.9348, 100, 36],
];

const fit = { width: 64, height: 64, mode: 'letterbox', align: 'centre' };
const source = { width: 100, height: 36, data: new Uint8Array(100 * 36 * 3) };
const tensorOf = (shape: number[], data: ArrayLike<number>) => ({ elementType: 'float32', shape, data: Float32Array.from(data) });

/** Of v5 and v10: row after row, the rest of them empty. */
function inRows(values: readonly (readonly number[])[], count: number) {
  const channels = values[0]?.length ?? 0;
  const data = new Float32Array(count * channels);
  for (const [row, numbers] of values.entries()) data.set(numbers, row * channels);
  return tensorOf([1, count, channels], data);
}

/** Of v8: a plane for each channel. An input of 64 x 64 has 8 x 8 + 4 x 4 + 2 x 2 places. */
function inPlanes(values: readonly (readonly number[])[], count = 84) {
  const channels = values[0]?.length ?? 0;
  const data = new Float32Array(count * channels);
  for (const [row, numbers] of values.entries()) for (const [channel, value] of numbers.entries()) data[channel * count + row] = value;
  return tensorOf([1, channels, count], data);
}

async function decode(params: Record<string, unknown>, inputs: Record<string, unknown>): Promise<Detection[]> {
  const { detections } = await startOperator('yolo.decode', { fit, scoreThreshold: 0.3, ...params }).run({ source, ...inputs });
  return detections as Detection[];
}

const figuresOf = (detections: readonly Detection[]) => detections.map(({ class: number, score, box }) => [number, score, ...box]);

function expectClose(actual: readonly (readonly number[])[], expected: readonly (readonly number[])[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [row, numbers] of expected.entries()) {
    for (const [at, value] of numbers.entries()) expect(actual[row]?.[at], `row ${row}, number ${at}`).toBeCloseTo(value, 3);
  }
}

const plain = rows.map((row) => row.slice(0, 7));
const withObjectness = rows.map((row, index) => [...row.slice(0, 4), objectness[index] as number, ...row.slice(4, 7)]);
const corners = rows.map(([x = 0, y = 0, width = 0, height = 0, score = 0]) => [
  x - width / 2,
  y - height / 2,
  x + width / 2,
  y + height / 2,
  score,
  1,
]);

describe('yolo.decode', () => {
  it('reads an export of v8 as OpenCV suppresses it', async () => {
    expectClose(figuresOf(await decode({}, { output: inPlanes(plain) })), keptOfV8);
  });

  it('reads an export of v5, whose scores count objectness', async () => {
    expectClose(figuresOf(await decode({}, { output: inRows(withObjectness, 252) })), keptOfV5);
  });

  it('reads an export of v10, which is suppressed already', async () => {
    const detections = await decode({ labels: ['cat', 'dog'] }, { output: inRows(corners, 20) });
    const scores = rows.map((row) => row[4] as number).filter((score) => score >= 0.3);
    expect(detections.map(({ score }) => score)).toEqual(scores.map(Math.fround).sort((a, b) => b - a));
    expect(new Set(detections.map(({ label }) => label))).toEqual(new Set(['dog']));
    const best = detections[0]?.box ?? [];
    expectClose([best], [(keptOfV8[1] as number[]).slice(2)]);
  });

  it('counts in shares of the input where the model does', async () => {
    const shares = plain.map((row) => row.map((value, at) => (at < 4 ? value / 64 : value)));
    expectClose(figuresOf(await decode({ unit: 'share' }, { output: inPlanes(shares) })), keptOfV8);
  });

  it('names classes, and keeps no more than asked', async () => {
    const detections = await decode({ labels: ['cat', 'dog', 'fox'], maximumCount: 2 }, { output: inPlanes(plain) });
    expect(detections.map(({ label }) => label)).toEqual(['fox', 'cat']);
  });

  it('suppresses turned boxes by their real overlap, as shapely measures it', async () => {
    const detections = await decode({ task: 'turned' }, { output: inPlanes(rows) });
    const expected = [10, 2, 9, 14, 4, 11, 0, 13, 1, 12, 7, 15, 3, 8];
    expect(detections.map(({ angle }) => angle)).toEqual(expected.map((row) => Math.fround(rows[row]?.[7] as number)));
    // Upright, rows 9 and 3 overlap better ones by more than the threshold.
    expect(await decode({}, { output: inPlanes(plain) })).toHaveLength(12);
  });

  it('takes key points back into the source', async () => {
    const row = [32, 32, 20, 10, 0.9, 32, 31.5, 0.8, 0, 43, 0.4];
    const [detection] = await decode({ task: 'pose', keypoints: 2 }, { output: inPlanes([row]) });
    // The picture is 64 x 23 in the frame and lies 20 below its top: x * 100 / 64, (y - 20) * 36 / 23.
    expectClose(detection?.keypoints ?? [], [
      [50, 18, 0.8],
      [0, 36, 0.4],
    ]);
    const [two] = await decode(
      { task: 'pose', keypoints: 2, labels: ['cat'] },
      { output: inPlanes([[32, 32, 20, 10, 0.9, 32, 31.5, 1, 43]]) },
    );
    expect(two?.keypoints?.map(([, , score]) => score)).toEqual([1, 1]);
  });
});

describe('yolo.decode with masks', () => {
  /** Numerical Recipes' generator: the reference was made from the same numbers. */
  const prototypes = () => {
    let state = 9;
    const next = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 31 - 1;
    };
    return tensorOf([1, 3, 16, 16], Array.from({ length: 3 * 16 * 16 }, next));
  };
  const square = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3) };
  const row = [22, 24, 24, 32, 0.9, 0.8, -0.5, 0.3];

  it('sums prototypes as NumPy does and enlarges them as OpenCV does', async () => {
    const [detection] = await decode({ task: 'segment' }, { output: inPlanes([row]), prototypes: prototypes(), source: square });
    expect(detection?.box).toEqual([10, 8, 34, 40]);
    // cv2.resize (INTER_LINEAR) to 64 x 64 of 0.8 a - 0.5 b + 0.3 c, what is above 0 inside the box.
    // biome-ignore format: one line of runs reads no better as many
    expect(detection?.mask).toEqual({ width: 24, height: 32, runs: [0, 7, 3, 4, 3, 14, 3, 4, 3, 14, 3, 4, 4, 13, 3, 4, 4, 13, 2, 5, 10, 14, 10, 14, 10, 13, 11, 9, 6, 2, 5, 11, 6, 4, 2, 11, 7, 4, 2, 11, 8, 1, 4, 6, 18, 4, 21, 3, 23, 1, 30, 2, 21, 3, 21, 3, 15, 1, 6, 2, 15, 1, 6, 1, 16, 1, 23, 2, 22, 2, 5, 2, 15, 3, 3, 3, 15, 11, 13, 4, 1, 7, 20, 1, 10, 5, 18, 6, 17, 7, 17, 7, 7, 2, 10, 5] });
  });

  it('bounds the pixels of a mask, and keeps its share of the box', async () => {
    const [detection] = await decode(
      { task: 'segment', maskSide: 16 },
      { output: inPlanes([row]), prototypes: prototypes(), source: square },
    );
    const mask = detection?.mask ?? expect.unreachable('no mask');
    expect([mask.width, mask.height]).toEqual([12, 16]);
    const inside = decodeMask(mask).reduce((sum, pixel) => sum + pixel, 0) / (12 * 16);
    expect(inside).toBeCloseTo(271 / (24 * 32), 1);
  });
});

describe('yolo.decode refuses', () => {
  const refused = (params: Record<string, unknown>, inputs: Record<string, unknown>) => expect(decode(params, inputs)).rejects;

  it('a shape that is none for the sides of the input', async () => {
    await refused({}, { output: inPlanes(plain, 90) }).toMatchObject({ code: 'unknown-layout', field: 'params.layout' });
    await refused({ layout: 'v10' }, { output: inPlanes(plain, 90) }).toMatchObject({ code: 'wrong-shape', field: 'output' });
    await refused({ layout: 'v5' }, { output: tensorOf([1, 3, 4], new Float32Array(12)) }).toMatchObject({ code: 'wrong-shape' });
    await refused({}, { output: tensorOf([2, 7, 84], new Float32Array(2 * 7 * 84)) }).toMatchObject({ code: 'wrong-shape' });
    await refused({}, { output: tensorOf([1, 7, 84], new Float32Array(5)) }).toMatchObject({ code: 'wrong-shape', field: 'output' });
    await refused({}, { output: tensorOf([7, 84], new Float32Array(7 * 84)) }).toMatchObject({ code: 'wrong-value', field: 'output' });
  });

  it('labels that are not those of the model', async () => {
    await refused({ labels: ['cat'] }, { output: inPlanes(plain) }).toMatchObject({ code: 'labels-mismatch', field: 'params.labels' });
    await refused({ labels: ['cat'] }, { output: inRows(corners, 20) }).toMatchObject({ code: 'labels-mismatch', field: 'params.labels' });
  });

  it('numbers of a row that are no key points', async () => {
    await refused({ task: 'pose' }, { output: inPlanes(plain) }).toMatchObject({ code: 'wrong-shape', field: 'output' });
  });

  it.each([4, 5, 6])('a score of class %d that is no number, in every layout', async (channel) => {
    const broken = plain.map((row, index) => row.map((value, at) => (index === 3 && at === channel ? Number.NaN : value)));
    await refused({}, { output: inPlanes(broken) }).toMatchObject({ code: 'not-finite', field: 'output' });
    const rowsWithObjectness = broken.map((row) => [...row.slice(0, 4), 0.9, ...row.slice(4)]);
    await refused({}, { output: inRows(rowsWithObjectness, 252) }).toMatchObject({ code: 'not-finite' });
    const final = corners.map((row, index) => row.map((value, at) => (index === 3 && at === Math.min(channel, 5) ? Number.NaN : value)));
    await refused({}, { output: inRows(final, 20) }).toMatchObject({ code: 'not-finite' });
  });

  it('a box that is no number', async () => {
    await refused({}, { output: inPlanes([[Number.POSITIVE_INFINITY, 3, 4, 5, 0.9]]) }).toMatchObject({ code: 'not-finite' });
  });

  it('a source without pixels', async () => {
    const empty = { width: 0, height: 0, data: new Uint8Array() };
    await refused({}, { output: inPlanes(plain), source: empty }).toMatchObject({ code: 'wrong-value', field: 'source' });
  });

  it('turned boxes of a stretched picture, before anything runs', () => {
    expect(() => startOperator('yolo.decode', { fit: { width: 64, height: 64 }, task: 'turned' })).toThrow();
  });
});

describe('whatever a model says', () => {
  const number = fc.oneof(fc.double({ min: -200, max: 300, noNaN: true }), fc.constant(0));
  const row = fc.tuple(number, number, number, number, fc.double({ min: 0, max: 1, noNaN: true }), number);
  const size = fc.integer({ min: 1, max: 300 });

  it('detections stay in the picture', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), size, size, fc.boolean(), async (given, width, height, isTurned) => {
        const picture = { width, height, data: new Uint8Array(width * height * 3) };
        const values = given.map((each) => (isTurned ? each : each.slice(0, 5)));
        const params = { task: isTurned ? 'turned' : 'detect', scoreThreshold: 0 };
        for (const { box, angle } of await decode(params, { output: inPlanes(values), source: picture })) {
          const [left, top, right, bottom] = isTurned ? boundsOf(cornersOf({ box, ...(angle === undefined ? {} : { angle }) })) : box;
          expect(right).toBeGreaterThan(left);
          expect(bottom).toBeGreaterThan(top);
          if (isTurned) {
            // Not cut, but never beside the picture.
            expect(left < width && right > 0 && top < height && bottom > 0).toBe(true);
          } else {
            expect(left >= 0 && top >= 0 && right <= width && bottom <= height).toBe(true);
          }
        }
      }),
    );
  });
});
