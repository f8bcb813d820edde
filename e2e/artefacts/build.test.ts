import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildRecipeInput } from '@starling/shared';
import { InferenceSession } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scaled } from '../harness/scale.ts';
import { buildDigits, type DigitSets, packDigits } from './build-digits.ts';

let folder: string;
let sets: DigitSets;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-build-'));
  sets = { calibration: await packDigits(folder, 'training', 100), evaluation: await packDigits(folder, 'held-out', scaled(2000)) };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function loads(file: string): Promise<void> {
  await (await InferenceSession.create(file, { executionProviders: ['cpu'], logSeverityLevel: 3 })).release();
}

describe('every method builds the digit classifier, through the pipeline that will run it', () => {
  const recipes: [BuildRecipeInput, { precision: string; sizeAtMost: number }][] = [
    [{ method: 'source' }, { precision: 'fp32', sizeAtMost: 1 }],
    [{ method: 'optimised' }, { precision: 'fp32', sizeAtMost: 1.05 }],
    [{ method: 'weights-int8' }, { precision: 'int8', sizeAtMost: 0.4 }],
    [{ method: 'weights-int4' }, { precision: 'int4w', sizeAtMost: 0.8 }],
    [
      { method: 'weights-int8', sparsity: 0.3 },
      { precision: 'int8', sizeAtMost: 0.4 },
    ],
    [{ method: 'fp16' }, { precision: 'fp16', sizeAtMost: 0.6 }],
    [
      { method: 'static-int8', target: 'x86-vnni', calibration: {} },
      { precision: 'int8', sizeAtMost: 0.3 },
    ],
    [
      { method: 'static-int8', target: 'x86-avx2', calibration: { method: 'percentile' } },
      { precision: 'int8', sizeAtMost: 0.3 },
    ],
    [
      { method: 'static-int8', target: 'arm', calibration: { method: 'moving-average' } },
      { precision: 'int8', sizeAtMost: 0.3 },
    ],
    [
      { method: 'static-int8', target: 'arm', calibration: { method: 'entropy' } },
      { precision: 'int8', sizeAtMost: 0.3 },
    ],
    [
      { method: 'static-int8', target: 'tensorrt', calibration: { method: 'mse' }, biasCorrection: true, equalise: true },
      { precision: 'int8', sizeAtMost: 0.3 },
    ],
  ];

  test.each(recipes)('%j', async (recipe, expected) => {
    const built = await buildDigits(folder, recipe, sets);
    await loads(built.file);
    expect(built.precision).toBe(expected.precision);
    expect(built.report.compressionRatio).toBeLessThanOrEqual(expected.sizeAtMost);
    const { accuracy, similarityDb } = built.report;
    expect(accuracy?.source.value).toBeGreaterThan(95);
    // A few of 200 digits may flip; a wrong scale or a lost layer would turn most of them.
    expect(accuracy?.lossPoints.value).toBeLessThan(4);
    expect(accuracy?.lossPoints.high).toBeGreaterThanOrEqual(accuracy?.lossPoints.value ?? 0);
    if (recipe.method === 'source') expect(similarityDb).toBeUndefined();
    else expect(similarityDb).toBeGreaterThan(15);
    expect(built.needs.operators.length).toBeGreaterThan(0);
  });

  test('a method that finds nothing to change says so', async () => {
    const keepInFloat = ['conv0', 'conv1', 'conv2', 'logits'];
    const recipe = { method: 'static-int8', calibration: {}, keepInFloat } as const;
    await expect(buildDigits(folder, recipe, sets)).rejects.toMatchObject({ code: 'recipe-does-not-fit', field: 'recipe.method' });
  });

  test('an accuracy budget keeps layers in float until its interval holds, and reports the search', async () => {
    const recipe = { method: 'static-int8', target: 'x86-vnni', calibration: {}, accuracyLossPointsMaximum: 1 } as const;
    const { report, keptInFloat } = await buildDigits(folder, recipe, sets);
    expect(report.search?.at(-1)).toBeDefined();
    expect(report.accuracy?.lossPoints.high).toBeLessThanOrEqual(1);
    expect(report.layers?.filter(({ inFloat }) => inFloat).map(({ node }) => node)).toEqual(expect.arrayContaining(keptInFloat));
    expect(report.layers?.some(({ signalToNoiseDb }) => signalToNoiseDb !== null)).toBe(true);
  });

  test('a budget that nothing meets names the nearest', async () => {
    const recipe = { method: 'static-int8', calibration: {}, accuracyLossPointsMaximum: 0.0001 } as const;
    const outcome = await buildDigits(folder, recipe, sets).then(
      ({ report }) => report.accuracy?.lossPoints.high ?? Number.NaN,
      (error: { code: string; message: string }) => error,
    );
    // Where int8 answers every sample as fp32 does, even this budget holds.
    if (typeof outcome === 'number') expect(outcome).toBeLessThanOrEqual(0.0001);
    else expect(outcome).toMatchObject({ code: 'accuracy-budget-not-met', message: expect.stringMatching(/nearest/) });
  });
});

describe('what is wrong with samples is said by name', () => {
  test('a static build without a calibration set', async () => {
    await expect(buildDigits(folder, { method: 'static-int8' }, {})).rejects.toMatchObject({
      code: 'calibration-missing',
      field: 'datasets.calibration',
    });
  });

  test('an archive that is none', async () => {
    const broken = join(folder, 'broken.zip');
    await writeFile(broken, 'this is no archive');
    await expect(buildDigits(folder, { method: 'source' }, { evaluation: broken })).rejects.toMatchObject({ field: 'datasets.evaluation' });
  });
});
