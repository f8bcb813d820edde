import type { Detection } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startOperator } from './operator-harness.ts';

const fit = { width: 32, height: 24 };
const source = { width: 64, height: 48, data: new Uint8Array(64 * 48 * 3) };
const tensorOf = (shape: number[], data: ArrayLike<number>) => ({ elementType: 'float32', shape, data: Float32Array.from(data) });

async function decode(params: Record<string, unknown>, inputs: Record<string, unknown>): Promise<Detection[]> {
  const { detections } = await startOperator('ssd.decode', { fit, ...params }).run({ source, ...inputs });
  return detections as Detection[];
}

/** A face detector whose graph decodes its boxes: background and face for each prior, corners in shares of the input. */
const faces = {
  scores: tensorOf([1, 3, 2], [0.1, 0.9, 0.2, 0.8, 0.6, 0.4]),
  boxes: tensorOf([1, 3, 4], [0.25, 0.25, 0.5, 0.75, 0.25, 0.25, 0.5, 0.7, 0, 0, 1, 1]),
};

describe('ssd.decode', () => {
  it('reads boxes that are decoded, and keeps the better of two', async () => {
    expect(await decode({ labels: ['face'] }, faces)).toEqual([
      { box: [16, 12, 32, 36], score: Math.fround(0.9), class: 0, label: 'face' },
    ]);
    expect(await decode({ iouThreshold: 1 }, faces)).toHaveLength(2);
  });

  it('finds back from a letterbox', async () => {
    // 64 x 16 becomes 32 x 8 in 32 x 24, with 8 above and below.
    const wide = { width: 64, height: 16, data: new Uint8Array(64 * 16 * 3) };
    const [detection] = await decode({ fit: { ...fit, mode: 'letterbox', align: 'centre' } }, { ...faces, source: wide });
    // In the frame 8..16 across and 6..18 down: down from -4 to 20 in the source, cut at 0 and 16.
    expect(detection?.box).toEqual([16, 0, 32, 16]);
  });

  it('reads centres, and pixels of the input', async () => {
    const boxes = tensorOf([1, 3, 4], [12, 12, 8, 12, 12, 12, 8, 11, 16, 12, 32, 24]);
    const [detection] = await decode({ format: 'centres', unit: 'pixels' }, { ...faces, boxes });
    expect(detection?.box).toEqual([16, 12, 32, 36].map((value) => expect.closeTo(value, 5)));
  });

  it('turns logits into probabilities', async () => {
    const scores = tensorOf([1, 3, 2], [0, 1, 0, -1, 0, -9]);
    // e / (1 + e), and 1 / (1 + 1/e)
    expect((await decode({ activation: 'softmax' }, { ...faces, scores }))[0]?.score).toBeCloseTo(0.731059, 5);
    expect((await decode({ activation: 'sigmoid' }, { ...faces, scores }))[0]?.score).toBeCloseTo(0.731059, 5);
  });

  it('corrects priors by offsets', async () => {
    let state = 3;
    const next = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 31 - 1;
    };
    const boxes = tensorOf([1, 32, 4], Array.from({ length: 32 * 4 }, next));
    // NumPy, after the formulas of the paper: 4 x 3 cells of 8 pixels and 2 x 2 of 16, two sizes each, clipped to 0..1.
    const expected: [number, number[]][] = [
      [0, [0.0, 0.0, 18.56103, 19.38299]],
      [7, [44.78242, 0.0, 64.0, 27.02771]],
      [23, [40.74316, 18.06413, 64.0, 48.0]],
      [24, [2.08424, 0.0, 36.66302, 38.94527]],
      [31, [15.77613, 24.15336, 64.0, 48.0]],
    ];
    for (const [row, box] of expected) {
      const scores = tensorOf(
        [1, 32, 2],
        Array.from({ length: 64 }, (_, at) => (at === row * 2 + 1 ? 0.9 : 0)),
      );
      const priors = [
        { stride: 8, sizes: [10, 16] },
        { stride: 16, sizes: [20, 40] },
      ];
      const [detection] = await decode({ format: 'offsets', priors }, { scores, boxes });
      expect(detection?.box, `row ${row}`).toEqual(box.map((value) => expect.closeTo(value, 4)));
    }
  });

  it('reads the end of a TensorFlow graph', async () => {
    const final = {
      boxes: tensorOf([1, 3, 4], [0.25, 0.25, 0.75, 0.5, 0, 0, 1, 1, 0, 0, 1, 1]),
      scores: tensorOf([1, 3], [0.9, 0.8, 0.7]),
      classes: tensorOf([1, 3], [2, 1, 1]),
      count: tensorOf([1], [2]),
    };
    const params = { format: 'final', firstClass: 1, labels: ['cat', 'dog'] };
    expect((await decode(params, final)).map(({ label, box }) => [label, box])).toEqual([
      ['dog', [16, 12, 32, 36]],
      ['cat', [0, 0, 64, 48]],
    ]);
    expect(await decode(params, { ...final, count: undefined })).toHaveLength(3);
    await expect(decode({ ...params, labels: ['cat'] }, final)).rejects.toMatchObject({ code: 'labels-mismatch', field: 'params.labels' });
  });

  it('refuses outputs that do not fit each other, the parameters, or numbers', async () => {
    const refused = (params: Record<string, unknown>, inputs: Record<string, unknown>) =>
      expect(decode(params, { ...faces, ...inputs })).rejects;
    await refused({}, { boxes: tensorOf([1, 4, 3], new Float32Array(12)) }).toMatchObject({ code: 'wrong-shape', field: 'boxes' });
    await refused({}, { scores: tensorOf([1, 2, 3], new Float32Array(6)) }).toMatchObject({ code: 'wrong-shape', field: 'scores' });
    await refused({}, { scores: tensorOf([1, 3, 1], new Float32Array(3)) }).toMatchObject({ code: 'wrong-shape', field: 'scores' });
    await refused({ labels: ['face', 'hand'] }, {}).toMatchObject({ code: 'labels-mismatch' });
    await refused({}, { scores: tensorOf([1, 3, 2], [0, 1, 0, Number.NaN, 0, 1]) }).toMatchObject({ code: 'not-finite', field: 'scores' });
    await refused({}, { boxes: tensorOf([1, 3, 4], [Number.NaN, ...new Float32Array(11)]) }).toMatchObject({
      code: 'not-finite',
      field: 'boxes',
    });
    const priors = [{ stride: 8, sizes: [10] }];
    await refused({ format: 'offsets', priors }, {}).toMatchObject({ code: 'priors-mismatch', field: 'params.priors' });
    expect(() => startOperator('ssd.decode', { fit, format: 'offsets' })).toThrow();
  });

  it('keeps detections in the picture', async () => {
    const corners = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(corners, { minLength: 1, maxLength: 10 }), async (boxes) => {
        const scores = tensorOf(
          [1, boxes.length, 2],
          boxes.flatMap(() => [0, 1]),
        );
        for (const { box } of await decode({}, { scores, boxes: tensorOf([1, boxes.length, 4], boxes.flat()) })) {
          const [left, top, right, bottom] = box;
          expect(0 <= left && left < right && right <= 64 && 0 <= top && top < bottom && bottom <= 48).toBe(true);
        }
      }),
    );
  });
});
