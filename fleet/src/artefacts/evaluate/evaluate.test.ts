import { readFileSync } from 'node:fs';
import { type EvaluationMetric, isStarlingError } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bootstrapIntervals } from './bootstrap.ts';
import { compareAccuracy, type EvaluationInput } from './compare.ts';
import { scoreDetections } from './detection.ts';
import { intersectionOverUnion, polygonOf } from './geometry.ts';
import { inverseNormal, normalProbability } from './normal.ts';
import { ratioScorer } from './scorer.ts';
import { similarityDb } from './similarity.ts';

interface Box {
  box: number[];
  label: number;
  score?: number;
}
interface Reference {
  detection: { truths: Box[][]; found: Box[][]; all: [number, number]; resample: { pictures: number[]; result: [number, number] } };
  bootstrap: {
    name: EvaluationMetric;
    source: number[];
    artefact: number[];
    characters?: number[];
    value: number;
    percentile: [number, number];
    bca: [number, number];
  }[];
  normal: [number, number][];
}
const reference = JSON.parse(readFileSync(new URL('./reference.json', import.meta.url), 'utf8')) as Reference;

const named = (labels: readonly unknown[]) => labels.map((label, index) => ({ name: `sample-${index}`, label }));
const compare = (
  metric: EvaluationMetric,
  labels: unknown[],
  source: unknown[],
  artefact: unknown[],
  more: Partial<EvaluationInput> = {},
) => compareAccuracy({ metric, samples: named(labels), source, artefact, ...more });
const refusalOf = (work: () => unknown): unknown => {
  try {
    work();
    return 'none';
  } catch (error) {
    return isStarlingError(error) ? [error.code, error.field] : error;
  }
};

describe('detections', () => {
  const { truths, found, all, resample } = reference.detection;
  const samples = truths.map((_, index) => `picture-${index}`);
  const ones = new Float64Array(samples.length).fill(1);

  test('score as COCOeval scores them', () => {
    const { scorer, scorerAt50 } = scoreDetections(found, truths, samples, 'source');
    expect(scorer(ones)).toBeCloseTo(100 * all[0], 9);
    expect(scorerAt50(ones)).toBeCloseTo(100 * all[1], 9);
  });

  test('score as COCOeval scores them when pictures are drawn more than once or not at all', () => {
    const { scorer, scorerAt50 } = scoreDetections(found, truths, samples, 'source');
    const counts = new Float64Array(samples.length);
    for (const picture of resample.pictures) counts[picture] = (counts[picture] ?? 0) + 1;
    expect(scorer(counts)).toBeCloseTo(100 * resample.result[0], 9);
    expect(scorerAt50(counts)).toBeCloseTo(100 * resample.result[1], 9);
  });

  test('score the same as quadrilaterals', () => {
    const asQuads = (lists: Box[][]) =>
      lists.map((list) =>
        list.map(({ box: [x0 = 0, y0 = 0, x1 = 0, y1 = 0], ...rest }) => ({
          ...rest,
          // Against the direction of the clock, which must not matter.
          quad: [
            [x0, y0],
            [x0, y1],
            [x1, y1],
            [x1, y0],
          ],
        })),
      );
    const { scorer } = scoreDetections(asQuads(found), asQuads(truths), samples, 'source');
    expect(scorer(ones)).toBeCloseTo(100 * all[0], 9);
  });

  test('overlap of a square and the same square turned by 45 degrees', () => {
    const diamond = polygonOf([
      [1, -Math.SQRT2 + 1],
      [1 + Math.SQRT2, 1],
      [1, 1 + Math.SQRT2],
      [1 - Math.SQRT2, 1],
    ]);
    // An octagon of 8 (sqrt 2 - 1) in the middle of two squares of 4.
    const shared = 8 * (Math.SQRT2 - 1);
    expect(intersectionOverUnion(polygonOf([0, 0, 2, 2]), diamond)).toBeCloseTo(shared / (8 - shared), 9);
  });

  test('notes detections whose label no truth has, and names the precision at 0.50', () => {
    const label = [[{ box: [0, 0, 9, 9], label: 'cat' }], []];
    const found = [[{ box: [0, 0, 9, 9], label: 'cat', score: 0.9 }], [{ box: [0, 0, 9, 9], label: 'dog', score: 0.9 }]];
    const { report, notes } = compare('mean-average-precision', label, found, found);
    expect(report.source.value).toBeCloseTo(100, 9);
    expect(report.lossPoints).toEqual({ value: 0, low: 0, high: 0 });
    expect(notes.filter((note) => note.includes('0.50'))).toHaveLength(2);
    expect(notes.filter((note) => note.includes('no true object has'))).toHaveLength(2);
  });

  test('refuse what cannot be scored', () => {
    const box = { box: [0, 0, 9, 9] };
    expect(refusalOf(() => compare('mean-average-precision', [[], []], [[], []], [[], []]))).toEqual(['labels-empty', 'labels']);
    expect(refusalOf(() => compare('mean-average-precision', [[box], 'cat'], [[], []], [[], []]))).toEqual([
      'label-invalid',
      'labels.sample-1',
    ]);
    expect(refusalOf(() => compare('mean-average-precision', [[box], [box]], [[], []], [[], 7]))).toEqual([
      'prediction-unsuitable',
      'artefact.sample-1',
    ]);
    const undefinedScore = [[{ ...box, score: Number.NaN }], []];
    expect(refusalOf(() => compare('mean-average-precision', [[box], [box]], [[], []], undefinedScore))).toEqual([
      'prediction-not-a-number',
      'artefact.sample-0',
    ]);
  });
});

describe('intervals', () => {
  test('the normal distribution and its inverse', () => {
    for (const [value, probability] of reference.normal) {
      expect(Math.abs(normalProbability(value) - probability)).toBeLessThan(2e-7);
      expect(inverseNormal(probability)).toBeCloseTo(value, 6);
    }
  });

  // Two bootstraps of 10,000 and 200,000 draws differ by chance; a hundredth of the width is some three of its standard deviations.
  const lossOf = ({ name, source, artefact, characters }: Reference['bootstrap'][number]) => {
    const ones = source.map(() => 1);
    const [from, to] = [ratioScorer(source, characters ?? ones, 100), ratioScorer(artefact, characters ?? ones, 100)];
    if (name === 'accuracy') return (counts: Float64Array) => from(counts) - to(counts);
    if (name === 'character-error-rate') return (counts: Float64Array) => to(counts) - from(counts);
    return (counts: Float64Array) => (100 * (to(counts) - from(counts))) / from(counts);
  };

  test.each(reference.bootstrap)('of $name are those of SciPy', (wanted) => {
    for (const method of ['percentile', 'bca'] as const) {
      const [interval] = bootstrapIntervals([lossOf(wanted)], wanted.source.length, { resamples: 10_000, method });
      const [low, high] = wanted[method];
      expect(interval?.value).toBeCloseTo(wanted.value, 9);
      // A rate over 60 samples moves in steps of 100 / 60, and so do the ends.
      const step = wanted.name === 'accuracy' ? 100 / wanted.source.length : 0.03 * (high - low);
      expect(Math.abs((interval?.low ?? Number.NaN) - low), `${method} low`).toBeLessThanOrEqual(step + 1e-9);
      expect(Math.abs((interval?.high ?? Number.NaN) - high), `${method} high`).toBeLessThanOrEqual(step + 1e-9);
    }
  });

  test('are the same for the same seed, and hold the value', () => {
    const numbers = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2, maxLength: 40 });
    fc.assert(
      fc.property(numbers, fc.nat(), (values, seed) => {
        const statistic = ratioScorer(values, new Array(values.length).fill(1), 1);
        const [first] = bootstrapIntervals([statistic], values.length, { seed, resamples: 200, method: 'percentile' });
        const [again] = bootstrapIntervals([statistic], values.length, { seed, resamples: 200, method: 'percentile' });
        expect(again).toEqual(first);
        const { value = Number.NaN, low = Number.NaN, high = Number.NaN } = first ?? {};
        expect(low).toBeLessThanOrEqual(value + 1e-12);
        expect(high).toBeGreaterThanOrEqual(value - 1e-12);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  test('of the loss are paired: equal mistakes cancel, however many there are', () => {
    const labels = Array.from({ length: 50 }, (_, index) => index % 3);
    const answers = labels.map((label, index) => (index % 2 === 0 ? label : label + 1));
    const { report, notes } = compare('accuracy', labels, answers, answers);
    expect(report.source.high - report.source.low).toBeGreaterThan(10);
    expect(report.lossPoints).toEqual({ value: 0, low: 0, high: 0 });
    expect(notes).toHaveLength(1);
  });
});

describe('classes', () => {
  test('are an index, a name, a name with a score, or scores', () => {
    const labels = ['cat', 1, 'bird', 0, 'dog', 2];
    const answers = [
      0,
      'dog',
      { label: 'bird' },
      Float32Array.of(3, 1, 2),
      [[0.1, 0.7, 0.2]],
      [
        { label: 'cat', score: 0.1 },
        { label: 'bird', score: 0.2 },
      ],
    ];
    const { report } = compare('accuracy', labels, answers, answers.with(0, 1), { classNames: ['cat', 'dog', 'bird'] });
    expect(report).toMatchObject({ metric: 'accuracy', unit: '%', samples: 6, source: { value: 100, low: 100, high: 100 } });
    expect(report.artefact.value).toBeCloseTo(500 / 6, 9);
    expect(report.lossPoints.value).toBeCloseTo(100 / 6, 9);
    expect(report.lossPoints.high).toBeGreaterThan(report.lossPoints.value);
  });

  test('a better artefact has a negative loss', () => {
    expect(compare('accuracy', [0, 1, 2, 3], [0, 0, 0, 0], [0, 1, 2, 3]).report.lossPoints.value).toBe(-75);
  });

  test('refuse labels that are missing, unknown or of another kind, and scores that are no numbers', () => {
    const named = { classNames: ['cat', 'dog'] };
    expect(refusalOf(() => compare('accuracy', [0, undefined], [0, 0], [0, 0]))).toEqual(['label-missing', 'labels.sample-1']);
    expect(refusalOf(() => compare('accuracy', [undefined, null], [0, 0], [0, 0]))).toEqual(['label-missing', 'labels']);
    expect(refusalOf(() => compare('accuracy', ['cat', 'cow'], [0, 0], [0, 0], named))).toEqual(['label-unknown', 'labels.sample-1']);
    expect(refusalOf(() => compare('accuracy', ['cat', 2], [0, 0], [0, 0], named))).toEqual(['label-unknown', 'labels.sample-1']);
    expect(refusalOf(() => compare('accuracy', ['cat', 0.5], [0, 0], [0, 0]))).toEqual(['label-kind-mismatch', 'labels.sample-0']);
    expect(refusalOf(() => compare('accuracy', [1, -1], [1, 0], [0, 0]))).toEqual(['label-invalid', 'labels.sample-1']);
    const bad = [Float32Array.of(1, 2), Float32Array.of(1, Number.NaN)];
    expect(refusalOf(() => compare('accuracy', [1, 1], [1, 1], bad))).toEqual(['prediction-not-a-number', 'artefact.sample-1']);
    expect(refusalOf(() => compare('accuracy', [1, 1], [1, Number.NaN], [1, 1]))).toEqual(['prediction-not-a-number', 'source.sample-1']);
    expect(refusalOf(() => compare('accuracy', [1, 1], [1, null], [1, 1]))).toEqual(['prediction-unsuitable', 'source.sample-1']);
  });
});

describe('texts', () => {
  test('character errors over all characters, a point for each error in a hundred', () => {
    const labels = ['Platform 9', 'Exit', 'Gate B12'];
    const { report } = compare('character-error-rate', labels, ['Platform9', 'Exit', 'Gate B12'], ['Platforn 9', 'Ex', ['Gate B12']]);
    expect(report.source.value).toBe(0);
    expect(report.artefact.value).toBeCloseTo((100 * 3) / 20, 9);
    expect(report.lossPoints.value).toBeCloseTo(15, 9);
  });

  test('exact matches of texts by their places, parts of one joined', () => {
    const quad = (x: number, y: number, width: number) => [
      [x, y],
      [x + width, y],
      [x + width, y + 10],
      [x, y + 10],
    ];
    const label = [
      { text: 'NORTH GATE', box: quad(0, 0, 100) },
      { text: 'EXIT', box: quad(0, 50, 40) },
    ];
    const good = [
      { text: 'EXIT', quad: quad(1, 51, 39), confidence: 0.9 },
      { text: 'GATE', quad: quad(55, 0, 45), confidence: 0.9 },
      { text: 'NORTH', quad: quad(0, 0, 45), confidence: 0.9 },
    ];
    const poor = [good[1], good[2], { text: 'EXIT', quad: quad(200, 200, 40) }];
    const { report, notes } = compare('exact-match', [label, label], [good, good], [good, poor]);
    expect(report.source.value).toBe(100);
    expect(report.artefact.value).toBe(75);
    expect(notes).toContain('1 readings of the artefact are where no text is');
  });

  test('refuse labels without characters and answers that are no texts', () => {
    expect(refusalOf(() => compare('exact-match', ['', []], ['', ''], ['', '']))).toEqual(['labels-empty', 'labels']);
    expect(refusalOf(() => compare('exact-match', ['a', 3], ['', ''], ['', '']))).toEqual(['label-invalid', 'labels.sample-1']);
    expect(refusalOf(() => compare('exact-match', ['a', 'b'], ['', 4], ['', '']))).toEqual(['prediction-unsuitable', 'source.sample-1']);
  });
});

describe('numbers', () => {
  test('the loss is the rise of the error in % of that of the source', () => {
    const { report } = compare('mean-absolute-error', [1, [2], 3], [1.5, 2.5, 2.5], [1.6, [2.6], Float32Array.of(2.375)]);
    expect(report.source.value).toBeCloseTo(0.5, 6);
    expect(report.lossPoints.value).toBeCloseTo((100 * 0.325) / 1.5, 4);
    expect(report.unit).not.toBe('%');
  });

  test('a source without error has no share to lose', () => {
    expect(refusalOf(() => compare('mean-absolute-error', [1, 2], [1, 2], [1, 2.5]))).toEqual([
      'source-without-error',
      'evaluation.metric',
    ]);
    expect(compare('mean-absolute-error', [1, 2], [1, 2], [1, 2]).report.lossPoints.value).toBe(0);
  });

  test('refuse labels of another length, and answers that are no numbers', () => {
    expect(refusalOf(() => compare('mean-absolute-error', [1, [2, 3]], [1, 2], [1, 2]))).toEqual(['label-invalid', 'labels.sample-1']);
    expect(refusalOf(() => compare('mean-absolute-error', [1, 2], [1, 'two'], [1, 2]))).toEqual([
      'prediction-unsuitable',
      'source.sample-1',
    ]);
    expect(refusalOf(() => compare('mean-absolute-error', [1, 2], [1, 2], [1, Number.POSITIVE_INFINITY]))).toEqual([
      'prediction-not-a-number',
      'artefact.sample-1',
    ]);
  });
});

describe('similarity without labels', () => {
  test('a tenth of noise is 20 dB, and almost the same direction', () => {
    const source = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
    const artefact = [Float32Array.of(1, 0.1), Float32Array.of(-0.1, 1)];
    expect(similarityDb(source, artefact, ['a', 'b'])).toBeCloseTo(20, 5);
    const { report } = compare('similarity', [undefined, undefined], source, artefact);
    expect(report.source).toEqual({ value: 100, low: 100, high: 100 });
    expect(report.artefact.value).toBeCloseTo(100 / Math.sqrt(1.01), 6);
    expect(report.lossPoints.value).toBeCloseTo(100 - 100 / Math.sqrt(1.01), 6);
  });

  test('equal outputs, and outputs of zeros, are 200 dB and finite', () => {
    expect(similarityDb([[0, 0]], [[0, 0]], ['a'])).toBe(200);
    expect(similarityDb([[0, 0]], [[1, 0]], ['a'])).toBe(-200);
    expect(compare('similarity', [0, 0], [[0], [1]], [[0], [1]]).report.artefact.value).toBe(100);
  });

  test('outputs of other sizes are refused', () => {
    expect(refusalOf(() => similarityDb([[1, 2]], [[1]], ['a']))).toEqual(['output-size-mismatch', 'artefact.a']);
  });
});

test('sets that prove nothing are refused', () => {
  expect(refusalOf(() => compare('accuracy', [], [], []))).toEqual(['evaluation-empty', 'evaluation']);
  expect(refusalOf(() => compare('accuracy', [1], [1], [1]))).toEqual(['evaluation-too-small', 'evaluation']);
  expect(refusalOf(() => compare('accuracy', [1, 2], [1, 2], [1]))).toEqual(['predictions-incomplete', 'artefact']);
});
