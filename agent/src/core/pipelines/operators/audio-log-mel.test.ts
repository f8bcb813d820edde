import { type OperatorParams, operatorSignatures } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Tensor } from '../../ports/engine.ts';
import reference from './audio-reference.json' with { type: 'json' };
import { createFourier } from './fourier.ts';
import { hertzOf, melFilters, melOf } from './mel-filters.ts';
import { startOperator } from './operator-harness.ts';
import { referenceSignal } from './reference-signal.ts';

const audioAt = (length: number, sampleRateHz = 16_000) => ({ sampleRateHz, channels: 1, samples: referenceSignal(length, sampleRateHz) });
const paramsOf = (params: Readonly<Record<string, unknown>>): OperatorParams<'audio.log-mel'> =>
  operatorSignatures['audio.log-mel'].params.parse(params);

describe('the Fourier transform', () => {
  test('is the sum that defines it, for any length', () => {
    const values = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(values, values), { minLength: 1, maxLength: 70 }), (points) => {
        const [real, imaginary] = [Float64Array.from(points, ([x]) => x), Float64Array.from(points, ([, y]) => y)];
        createFourier(points.length).transform(real, imaginary);
        for (let bin = 0; bin < points.length; bin += 1) {
          let [x, y] = [0, 0];
          points.forEach(([a, b], index) => {
            const angle = (-2 * Math.PI * bin * index) / points.length;
            x += a * Math.cos(angle) - b * Math.sin(angle);
            y += a * Math.sin(angle) + b * Math.cos(angle);
          });
          expect(Math.hypot(x - (real[bin] as number), y - (imaginary[bin] as number))).toBeLessThan(1e-10);
        }
      }),
    );
  });

  test('may be used again', () => {
    const fourier = createFourier(12);
    const run = (values: number[]): number[] => {
      const real = Float64Array.from(values);
      fourier.transform(real, new Float64Array(12));
      return [...real];
    };
    const ones = Array(12).fill(1);
    const first = run(ones);
    run(Array.from({ length: 12 }, (_, index) => index));
    expect(run(ones)).toEqual(first);
    expect(first[0]).toBeCloseTo(12);
  });
});

describe('mel filters', () => {
  test('stand where the scales say', () => {
    expect([melOf(1000, 'htk'), melOf(1000, 'slaney'), melOf(6400, 'slaney')]).toEqual([
      expect.closeTo(999.9855, 3),
      15,
      expect.closeTo(42, 9),
    ]);
    for (const scale of ['htk', 'slaney'] as const) expect(hertzOf(melOf(3456, scale), scale)).toBeCloseTo(3456, 8);
  });

  test.each(Object.entries(reference.filters))('are those of librosa: %s', (kind, expected) => {
    const [scale, norm] = kind.split('-');
    const filters = melFilters(paramsOf({ scale, norm }));
    const weightsOf = (row: number): number[] => [...(filters[row]?.weights ?? [])].filter((weight) => weight > 0);
    expect(filters).toHaveLength(80);
    expect(filters.reduce((sum, { weights }) => sum + weights.reduce((total, each) => total + each, 0), 0)).toBeCloseTo(expected.sum, 4);
    for (const [row, values] of [
      [0, expected.row0],
      [30, expected.row30],
      [79, expected.row79],
    ] as const) {
      expect(weightsOf(row)).toEqual(values.map((value) => expect.closeTo(value, 6)));
    }
  });
});

describe('audio.log-mel', () => {
  test.each([
    ['natural', { fftSize: 256, hopSamples: 128, mels: 12 }],
    [
      'htk',
      {
        ...{ fftSize: 256, windowSamples: 200, hopSamples: 100, mels: 12, scale: 'htk', norm: 'none', minimumHz: 60, maximumHz: 7000 },
        ...{ centre: false, power: 'magnitude', log: 'decibel' },
      },
    ],
    ['whisper', { log: 'whisper' }],
  ] as const)('gives what librosa gives: %s', async (name, params) => {
    const { shape, values } = reference.logMel[name];
    const { tensor } = (await startOperator('audio.log-mel', params).run({ audio: audioAt(800) })) as {
      tensor: Tensor & { data: Float32Array };
    };
    expect(tensor.shape).toEqual([1, ...shape]);
    expect(tensor.data).toHaveLength(values.length);
    expect(Math.max(...values.map((value, index) => Math.abs(value - (tensor.data[index] as number))))).toBeLessThan(2e-3);
  });

  test('puts a tone into its filter alone', async () => {
    const samples = Float32Array.from({ length: 16_000 }, (_, index) => Math.sin((2 * Math.PI * 1000 * index) / 16_000));
    const { tensor } = (await startOperator('audio.log-mel').run({ audio: { sampleRateHz: 16_000, channels: 1, samples } })) as {
      tensor: Tensor;
    };
    const column = Array.from({ length: 80 }, (_, row) => tensor.data[row * 101 + 50] as number);
    const loudest = column.indexOf(Math.max(...column));
    const centre = hertzOf(((loudest + 1) * melOf(8000, 'slaney')) / 81, 'slaney');
    expect(Math.abs(centre - 1000)).toBeLessThan(40);
    expect((column[loudest] as number) - (column[loudest + 10] as number)).toBeGreaterThan(8);
  });

  test.each([
    ['another rate', audioAt(800, 8000), {}, 'sampleRateHz'],
    ['too little sound', audioAt(300), { centre: false }, 'audio.frame'],
    ['no sound at all', audioAt(0), {}, 'audio.frame'],
    ['two channels', { ...audioAt(800), channels: 2 }, {}, 'audio.mix'],
  ])('refuses %s, and says what to do', async (_what, audio, params, hint) => {
    const refused = startOperator('audio.log-mel', params).run({ audio });
    await expect(refused).rejects.toMatchObject({ code: 'wrong-value', hint: expect.stringContaining(hint) });
  });

  test.each([{ windowSamples: 401 }, { maximumHz: 8001 }, { minimumHz: 500, maximumHz: 400 }])(
    'refuses parameters that cannot be: %o',
    (params) => {
      expect(() => paramsOf(params)).toThrow();
    },
  );
});
