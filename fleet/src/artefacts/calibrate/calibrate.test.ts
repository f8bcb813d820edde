import { readFileSync } from 'node:fs';
import { type CalibrationOptions, goldenInput, StarlingError } from '@starling/shared';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import type { FeedSource, Feeds } from '../contracts.ts';
import { type OnnxModel, writeModel } from '../onnx/index.ts';
import { calibrate } from './calibrate.ts';
import { addToHistogram, coarsened, createHistogram, edgeOf, quantileOf, trimmed } from './histogram.ts';
import { entropyThreshold } from './thresholds.ts';

interface Reference {
  samples: number;
  elements: number;
  onnxruntime: Record<'minmax' | 'movingAverage' | 'percentile' | 'percentileSymmetric', Record<string, [number, number]>>;
  numpyQuantiles: Record<string, [number, number]>;
  numpyMagnitudeQuantiles: Record<string, number>;
  entropy: Record<string, Record<string, number>>;
  mse: Record<string, { error: number; whole: number }>;
}
const reference = JSON.parse(readFileSync(new URL('./reference.json', import.meta.url), 'utf8')) as Reference;

const FLOAT = 1;
const names = ['x', 'square', 'cube', 'heavy', 'positive', 'tail', 'skewed'];

function modelOf(nodes: [operator: string, inputs: string[], output: string][], output: string, elements: number | string): OnnxModel {
  const side = typeof elements === 'number' ? { dimValue: elements } : { dimParam: elements };
  const type = { tensorType: { elemType: FLOAT, shape: { dim: [{ dimValue: 1 }, side] } } };
  const graph = {
    name: 'calibration',
    node: nodes.map(([opType, input, out]) => ({ name: out, opType, input, output: [out], attribute: [] })),
    initializer: [],
    input: [{ name: 'x', type }],
    output: [{ name: output, type }],
  };
  return { irVersion: 8, opsetImport: [{ domain: '', version: 13 }], graph };
}

const shapes = modelOf(
  [
    ['Mul', ['x', 'x'], 'square'],
    ['Mul', ['square', 'x'], 'cube'],
    ['Mul', ['cube', 'square'], 'heavy'],
    ['Relu', ['x'], 'positive'],
    ['Mul', ['positive', 'square'], 'tail'],
    ['Add', ['heavy', 'tail'], 'skewed'],
  ],
  'skewed',
  reference.elements,
);

const open = (model: OnnxModel) => InferenceSession.create(writeModel(model), { intraOpNumThreads: 1, logSeverityLevel: 4 });

function sourceOf(values: readonly Float32Array[], dims = (length: number) => [1, length]): FeedSource {
  return {
    samples: values.length,
    async *feeds(): AsyncGenerator<Feeds> {
      for (const each of values) yield { x: new Tensor('float32', each, dims(each.length)) };
    },
  };
}

const samples = Array.from({ length: reference.samples }, (_, place) =>
  goldenInput(100 + place, reference.elements).map((value) => value * Math.fround(1 + 0.25 * place)),
);

const rangesBy = async (method: CalibrationOptions['method'], more: { symmetric?: boolean; levels?: number; percentile?: number } = {}) => {
  const { percentile = 99.5, ...rest } = more;
  return (await calibrate(shapes, names, sourceOf(samples), { calibration: { method, percentile, samplesMaximum: 128 }, open, ...rest }))
    .ranges;
};

/** Values by name, computed as the model does, in float32. */
function valuesByName(): Map<string, Float32Array> {
  const x = Float32Array.from(samples.flatMap((sample) => [...sample]));
  const product = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, index) => value * (b[index] as number));
  const square = product(x, x);
  const cube = product(square, x);
  const heavy = product(cube, square);
  const positive = x.map((value) => Math.max(0, value));
  const tail = product(positive, square);
  const skewed = heavy.map((value, index) => value + (tail[index] as number));
  return new Map(Object.entries({ x, square, cube, heavy, positive, tail, skewed }));
}

const largestOf = (values: Float32Array): number => values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);

function histogramOf(values: Float32Array) {
  const histogram = createHistogram();
  addToHistogram(histogram, values, largestOf(values));
  return histogram;
}

describe('against the calibrators of onnxruntime and quantiles of NumPy', () => {
  test('minima and maxima are the same', async () => {
    const ranges = await rangesBy('minmax');
    for (const name of names) {
      const [minimum, maximum] = reference.onnxruntime.minmax[name] ?? [];
      expect(ranges.get(name), name).toEqual({ minimum, maximum });
    }
  });

  test('moving averages are the same to the precision of float32', async () => {
    const ranges = await rangesBy('moving-average');
    for (const name of names) {
      const [minimum = Number.NaN, maximum = Number.NaN] = reference.onnxruntime.movingAverage[name] ?? [];
      expect(Math.abs((ranges.get(name)?.minimum ?? Number.NaN) - minimum), name).toBeLessThanOrEqual(1e-6 * Math.abs(maximum));
      expect(Math.abs((ranges.get(name)?.maximum ?? Number.NaN) - maximum), name).toBeLessThanOrEqual(1e-6 * Math.abs(maximum));
    }
  });

  test('percentiles are those of NumPy and of onnxruntime but for gaps between the values and widths of bins', async () => {
    const ranges = await rangesBy('percentile');
    for (const name of names) {
      const [low = Number.NaN, high = Number.NaN] = reference.numpyQuantiles[name] ?? [];
      const [theirLow = Number.NaN, theirHigh = Number.NaN] = reference.onnxruntime.percentile[name] ?? [];
      const [smallest = 0, largest = 0] = reference.onnxruntime.minmax[name] ?? [];
      const magnitude = Math.max(-smallest, largest);
      const { minimum = Number.NaN, maximum = Number.NaN } = ranges.get(name) ?? {};
      expect(Math.abs(minimum - low), name).toBeLessThanOrEqual(magnitude / 512);
      expect(Math.abs(maximum - high), name).toBeLessThanOrEqual(magnitude / 512);
      expect(Math.abs(minimum - theirLow), name).toBeLessThanOrEqual(magnitude / 512);
      expect(Math.abs(maximum - theirHigh), name).toBeLessThanOrEqual(magnitude / 512);
    }
  });

  test('symmetric percentiles are those of the magnitude', async () => {
    const ranges = await rangesBy('percentile', { symmetric: true });
    for (const name of names) {
      const quantile = reference.numpyMagnitudeQuantiles[name] ?? Number.NaN;
      const { minimum = Number.NaN, maximum = Number.NaN } = ranges.get(name) ?? {};
      expect(minimum).toBe(-maximum);
      expect(Math.abs(maximum - quantile) / quantile, name).toBeLessThan(1 / 500);
    }
  });

  test('thresholds of entropy are those of get_entropy_threshold on the same bins', () => {
    const values = valuesByName();
    for (const name of ['heavy', 'tail']) {
      let bins = trimmed(histogramOf(values.get(name) ?? new Float32Array()));
      while (bins.counts.length > 4096) bins = trimmed(coarsened(bins));
      for (const [quantised, threshold] of Object.entries(reference.entropy[name] ?? {})) {
        expect(entropyThreshold(bins, Number(quantised)), `${name} at ${quantised}`).toBe(threshold);
      }
    }
  });

  test('the range by squared error is as good as the best of a grid over the values themselves', async () => {
    const ranges = await rangesBy('mse', { levels: 16 });
    for (const [name, values] of valuesByName()) {
      const { minimum, maximum } = ranges.get(name) ?? { minimum: Number.NaN, maximum: Number.NaN };
      const error = squaredError(values, Math.min(0, minimum), Math.max(0, maximum), 16);
      expect(error, name).toBeLessThan((reference.mse[name]?.error ?? 0) * 1.01);
      expect(error, name).toBeLessThan(reference.mse[name]?.whole ?? 0);
    }
  });
});

function squaredError(values: Float32Array, low: number, high: number, levels: number): number {
  const step = (high - low) / (levels - 1);
  const zero = Math.round(-low / step);
  let sum = 0;
  for (const value of values) {
    const level = Math.min(levels - 1, Math.max(0, Math.round(value / step) + zero));
    sum += ((level - zero) * step - value) ** 2;
  }
  return sum / values.length;
}

describe('subsamples', () => {
  test('of values that are not whole lie close to whole histograms', async () => {
    const large = Array.from({ length: 8 }, (_, place) => goldenInput(place, 400_000).map((value) => value ** 3 * (1 + place / 8)));
    const model = modelOf([['Mul', ['x', 'x'], 'square']], 'square', 'n');
    const { ranges } = await calibrate(model, ['x', 'square'], sourceOf(large), {
      calibration: { method: 'percentile', percentile: 99, samplesMaximum: 128 },
      open,
    });
    const whole = createHistogram();
    for (const values of large) addToHistogram(whole, values, largestOf(values));
    const { minimum, maximum } = ranges.get('x') ?? { minimum: Number.NaN, maximum: Number.NaN };
    expect(Math.abs(minimum / quantileOf(whole, 0.005) - 1)).toBeLessThan(0.02);
    expect(Math.abs(maximum / quantileOf(whole, 0.995) - 1)).toBeLessThan(0.02);
  });

  test('see every column of a power of two', async () => {
    // One column of 64 holds the large values; a stride that shares a factor with 64 would miss it on all samples.
    const columns = Array.from({ length: 4 }, () => Float32Array.from({ length: 64 * 4096 }, (_, index) => (index % 64 === 37 ? 10 : 1)));
    const model = modelOf([['Relu', ['x'], 'positive']], 'positive', 'n');
    const { ranges } = await calibrate(model, ['positive'], sourceOf(columns), {
      calibration: { method: 'percentile', percentile: 98, samplesMaximum: 128 },
      open,
    });
    expect(ranges.get('positive')?.maximum).toBeGreaterThan(9.9);
  });
});

describe('histogram', () => {
  test('does not depend on the order of the values, and loses none', () => {
    const values = fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(values, fc.nat(), (all, seed) => {
        const split = seed % all.length;
        const [one, other] = [createHistogram(), createHistogram()];
        addToHistogram(one, all, largestOf(all));
        for (const part of [all.slice(split), all.slice(0, split)]) addToHistogram(other, part, largestOf(part));
        expect(other).toEqual(one);
        expect(one.counts.reduce((sum, count) => sum + count, 0)).toBe(all.length);
      }),
      { seed: 1, numRuns: 30 },
    );
  });

  test('holds each value in its bin, within bins of a 2,048th of the largest magnitude', () => {
    const value = fc.float({ noNaN: true, noDefaultInfinity: true }).filter((each) => each !== 0);
    fc.assert(
      fc.property(value, value, (first, second) => {
        const histogram = histogramOf(Float32Array.of(first, second));
        for (const each of [first, second]) {
          const holds = [...histogram.counts.keys()].filter((bin) => histogram.counts[bin] !== 0);
          expect(holds.some((bin) => edgeOf(histogram, bin) <= each && each < edgeOf(histogram, bin + 1))).toBe(true);
        }
        expect(histogram.width).toBeLessThanOrEqual(Math.max(Math.abs(first), Math.abs(second)) / 2048);
      }),
      { seed: 1, numRuns: 50 },
    );
  });
});

describe('findings and errors', () => {
  const ordinary: CalibrationOptions = { method: 'minmax', percentile: 99.99, samplesMaximum: 128 };
  const relu = modelOf([['Relu', ['x'], 'positive']], 'positive', 4);
  const codeOf = async (promise: Promise<unknown>) =>
    promise.then(
      () => 'none',
      (error: unknown) => (error instanceof StarlingError ? [error.code, error.field] : error),
    );
  const of = (model: OnnxModel, values: string[], source: FeedSource, calibration: CalibrationOptions = ordinary) =>
    calibrate(model, values, source, { calibration, open, nameOfSample: (place) => `picture-${place}.png` });

  test('a value that is always zero is dead, one that never changes is constant', async () => {
    const { findings, ranges } = await of(relu, ['x', 'positive'], sourceOf([Float32Array.of(-2, -2, -2, -2)]));
    expect(findings.map(({ value, kind }) => [value, kind])).toEqual([
      ['x', 'constant'],
      ['positive', 'dead'],
    ]);
    expect(ranges.get('positive')).toEqual({ minimum: 0, maximum: 0 });
  });

  test('a value that reaches infinity has no range', async () => {
    const model = modelOf([['Mul', ['x', 'x'], 'square']], 'square', 4);
    const { findings, ranges } = await of(model, ['x', 'square'], sourceOf([Float32Array.of(1e30, 0, 1, 2)]));
    expect(findings.map(({ value, kind }) => [value, kind])).toEqual([['square', 'infinite']]);
    expect([...ranges.keys()]).toEqual(['x']);
  });

  test.each([0, 1, 2, 3])('NaN is found wherever it is: at %i', async (place) => {
    const model = modelOf([['Sqrt', ['x'], 'root']], 'root', 4);
    const bad = Float32Array.of(1, 1, 1, 1);
    bad[place] = -1;
    const good = Float32Array.of(1, 2, 3, 4);
    expect(await codeOf(of(model, ['x', 'root'], sourceOf([good, bad])))).toEqual(['activation-not-a-number', 'picture-1.png.root']);
    bad[place] = Number.NaN;
    expect(await codeOf(of(model, ['root', 'x'], sourceOf([bad, good])))).toEqual(['activation-not-a-number', 'picture-0.png.x']);
  });

  test('NaN is found before an operator that loses it', async () => {
    const model = modelOf(
      [
        ['Sqrt', ['x'], 'root'],
        ['ReduceMax', ['root'], 'largest'],
      ],
      'largest',
      4,
    );
    model.graph.output = [{ name: 'largest' }];
    const source = sourceOf([Float32Array.of(1, 1, -1, 1)]);
    expect(await codeOf(of(model, ['x', 'largest'], source))).toEqual(['activation-not-a-number', 'picture-0.png.root']);
  });

  test('infinities of both signs are no NaN', async () => {
    const model = modelOf([['Reciprocal', ['x'], 'inverse']], 'inverse', 4);
    const { findings } = await of(model, ['x', 'inverse'], sourceOf([Float32Array.of(0, -0, 1, 2)]));
    expect(findings.map(({ value, kind }) => [value, kind])).toEqual([['inverse', 'infinite']]);
  });

  test('samples that do not fit are refused by name', async () => {
    const four = Float32Array.of(1, 2, 3, 4);
    expect(await codeOf(of(relu, ['x'], sourceOf([Float32Array.of(1, 2, 3)])))).toEqual(['sample-shape-mismatch', 'picture-0.png.x']);
    expect(
      await codeOf(
        of(
          relu,
          ['x'],
          sourceOf([four], (length) => [length]),
        ),
      ),
    ).toEqual(['sample-shape-mismatch', 'picture-0.png.x']);
    const one = (feeds: Feeds): FeedSource => ({
      samples: 1,
      async *feeds() {
        yield feeds;
      },
    });
    const tensor = new Tensor('float32', four, [1, 4]);
    expect(await codeOf(of(relu, ['x'], one({ y: tensor })))).toEqual(['sample-input-missing', 'picture-0.png.x']);
    expect(await codeOf(of(relu, ['x'], one({ x: tensor, y: tensor })))).toEqual(['sample-input-unknown', 'picture-0.png.y']);
    const integers = new Tensor('int32', Int32Array.of(1, 2, 3, 4), [1, 4]);
    expect(await codeOf(of(relu, ['x'], one({ x: integers })))).toEqual(['sample-type-mismatch', 'picture-0.png.x']);
  });

  test('a model that fails on a sample says on which', async () => {
    const model = modelOf([['Add', ['x', 'three'], 'sum']], 'sum', 'n');
    model.graph.initializer.push({ name: 'three', dims: [3], dataType: FLOAT, floatData: [1, 2, 3] });
    expect(await codeOf(of(model, ['sum'], sourceOf([Float32Array.of(1, 2, 3), Float32Array.of(1, 2)])))).toEqual([
      'calibration-run-failed',
      'picture-1.png',
    ]);
  });

  test('unknown, constant and integer values are refused', async () => {
    const source = sourceOf([Float32Array.of(1, 2, 3, 4)]);
    expect(await codeOf(of(relu, ['nothing'], source))).toEqual(['unknown-value', 'values.nothing']);
    const model = modelOf([['Shape', ['x'], 'sides']], 'sides', 4);
    model.graph.output = [{ name: 'sides' }];
    expect(await codeOf(of(model, ['sides'], source))).toEqual(['value-not-float', 'values.sides']);
  });

  test('no samples, and an opset without strided slices, are refused', async () => {
    expect(await codeOf(of(relu, ['x'], sourceOf([])))).toEqual(['calibration-empty', 'calibration']);
    const old: OnnxModel = { ...relu, opsetImport: [{ domain: '', version: 9 }] };
    const source = sourceOf([Float32Array.of(1, 2, 3, 4)]);
    expect(await codeOf(of(old, ['x'], source, { ...ordinary, method: 'entropy' }))).toEqual(['opset-too-old', 'model.opsetImport']);
    expect((await of(old, ['x'], source)).ranges.get('x')).toEqual({ minimum: 1, maximum: 4 });
  });

  test('of many samples those that are used are spread over the whole set', async () => {
    const many = Array.from({ length: 100 }, (_, place) => Float32Array.of(place, place, place, place));
    const { samples: used, ranges } = await of(relu, ['x'], sourceOf(many), { ...ordinary, samplesMaximum: 4 });
    expect(used).toBe(4);
    expect(ranges.get('x')).toEqual({ minimum: 24, maximum: 99 });
  });

  test('a range that a percentile would narrow to nothing stays as it was seen', async () => {
    const rare = new Float32Array(40_000);
    rare[123] = 5;
    const model = modelOf([['Relu', ['x'], 'positive']], 'positive', 'n');
    const { ranges } = await of(model, ['positive'], sourceOf([rare]), { ...ordinary, method: 'percentile', percentile: 99 });
    expect(ranges.get('positive')).toEqual({ minimum: 0, maximum: 5 });
  });
});
