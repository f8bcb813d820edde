import { type BuildRecipeInput, buildRecipeSchema, type ModelVersion, modelVersionSchema, recipeLabel } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildKey, recipeDigest } from './build-key.ts';
import { checkRecipe } from './check-recipe.ts';
import { defaultRecipes } from './default-recipes.ts';

const file = (digit: string) => ({ digest: digit.repeat(64), sizeBytes: 1000, manifest: 'f'.repeat(64) });
const calibration = { name: 'calibration', ...file('1') };
const evaluation = { name: 'evaluation', ...file('2') };

function version(datasets?: ModelVersion['datasets']): ModelVersion {
  return modelVersionSchema.parse({
    ...{ kind: 'model-version', schemaVersion: 1, fleetId: 'fleet', name: 'net', version: '1.0.0', source: file('0'), opset: 13 },
    inputs: [{ name: 'x', elementType: 'float32', shape: ['n', 3, 32, 32] }],
    outputs: [{ name: 'y', elementType: 'float32', shape: ['n', 10] }],
    card: { title: 'Net', licence: 'MIT' },
    ...(datasets === undefined ? {} : { datasets }),
  });
}

const recipe = (input: BuildRecipeInput) => buildRecipeSchema.parse(input);
const convolutions = ['Conv', 'Relu'];
const products = ['Conv', 'MatMul'];

describe('every version gets', () => {
  const labels = (datasets: ModelVersion['datasets'], operators: readonly string[]): string[] =>
    defaultRecipes(version(datasets), operators).map(recipeLabel);
  test.each<[string, ModelVersion['datasets'], readonly string[], string[]]>([
    ['what needs no samples', undefined, convolutions, ['source', 'weights-int8', 'optimised', 'fp16']],
    ['dynamic int8 for products', undefined, products, ['source', 'weights-int8', 'optimised', 'fp16', 'dynamic-int8']],
    [
      'static int8 for each kind of kernel, with samples',
      { calibration },
      convolutions,
      [
        ...['source', 'weights-int8', 'optimised', 'fp16'],
        ...['static-int8-x86-vnni-percentile', 'static-int8-x86-avx2-percentile', 'static-int8-arm-percentile'],
      ],
    ],
    ['no more than it has, when it is quantised already', { calibration }, ['QLinearConv'], ['source', 'optimised']],
  ])('%s', (_what, datasets, operators, expected) => {
    expect(labels(datasets, operators)).toEqual(expected);
  });

  test('an accuracy budget only where it can be judged', () => {
    const budgets = (datasets: ModelVersion['datasets']) =>
      defaultRecipes(version(datasets), convolutions).map(({ accuracyLossPointsMaximum }) => accuracyLossPointsMaximum);
    expect(new Set(budgets({ calibration }))).toEqual(new Set([undefined]));
    expect(budgets({ calibration, evaluation }).filter((budget) => budget !== undefined)).toEqual([1, 1, 1]);
  });

  test('nothing that would be refused', () => {
    for (const datasets of [undefined, { calibration }, { evaluation }, { calibration, evaluation }])
      for (const operators of [convolutions, products, ['QLinearConv']])
        for (const each of defaultRecipes(version(datasets), operators)) checkRecipe(each, version(datasets), operators);
  });
});

describe('a recipe that makes no sense', () => {
  test.each<[string, BuildRecipeInput, readonly string[], object]>([
    ['static without samples', { method: 'static-int8' }, convolutions, { code: 'calibration-missing', field: 'datasets.calibration' }],
    [
      'a budget that nothing judges',
      { method: 'fp16', accuracyLossPointsMaximum: 1 },
      convolutions,
      { code: 'evaluation-missing', field: 'datasets.evaluation' },
    ],
    ['int4 products without a product', { method: 'weights-int4' }, convolutions, { code: 'recipe-does-not-fit', field: 'recipe.method' }],
    ['dynamic int8 without a product', { method: 'dynamic-int8' }, convolutions, { code: 'recipe-does-not-fit', field: 'recipe.method' }],
    ['a target without effect', { method: 'fp16', target: 'arm' }, convolutions, { code: 'recipe-does-not-fit', field: 'recipe.target' }],
    ['a pruned source', { method: 'source', sparsity: 0.5 }, convolutions, { code: 'recipe-does-not-fit', field: 'recipe.sparsity' }],
    [
      'a shape for no input',
      { method: 'optimised', fixedShapes: { z: [1] } },
      convolutions,
      { code: 'unknown-input', field: 'recipe.fixedShapes.z', hint: 'inputs: x' },
    ],
    [
      'a shape that differs where it is fixed',
      { method: 'optimised', fixedShapes: { x: [1, 4, 32, 32] } },
      convolutions,
      { code: 'shape-mismatch', field: 'recipe.fixedShapes.x' },
    ],
    ['to quantise again', { method: 'weights-int8' }, ['QLinearConv'], { code: 'already-quantised', field: 'recipe.method' }],
  ])('is refused: %s', (_what, input, operators, error) => {
    expect(() => checkRecipe(recipe(input), version(), operators)).toThrow(expect.objectContaining({ ...error, hint: expect.anything() }));
  });
});

describe('builds that are the same', () => {
  const tools = { starling: '1.0.0', node: '24.0.0' };
  const key = (input: BuildRecipeInput, model = version(), withTools = tools) => buildKey(recipe(input), model, withTools);
  test('have one key, whatever the order of their parts and what has no effect', () => {
    expect(recipeDigest(recipe({ method: 'fp16', keepInFloat: ['b', 'a', 'a'] }))).toBe(
      recipeDigest(recipe({ keepInFloat: ['a', 'b'], method: 'fp16' })),
    );
    expect(recipeDigest(recipe({ method: 'fp16', blockSize: 64, calibration: { method: 'mse' } }))).toBe(
      recipeDigest(recipe({ method: 'fp16' })),
    );
    expect(recipeDigest(recipe({ method: 'static-int8' }))).toBe(
      recipeDigest(recipe({ method: 'static-int8', calibration: { method: 'percentile' } })),
    );
    expect(key({ method: 'fp16' }, version({ calibration }))).toBe(key({ method: 'fp16' }));
    expect(key({ method: 'fp16' }, { ...version(), name: 'other', version: '2.0.0' })).toBe(key({ method: 'fp16' }));
    expect(key({ method: 'fp16' }, version(), { node: '24.0.0', starling: '1.0.0' })).toBe(key({ method: 'fp16' }));
  });

  test('differ in everything that decides what comes out', () => {
    const keys = [
      key({ method: 'fp16' }),
      key({ method: 'fp16', sparsity: 0.5 }),
      key({ method: 'fp16', keepInFloat: ['a'] }),
      key({ method: 'static-int8' }),
      key({ method: 'static-int8' }, version({ calibration })),
      key({ method: 'static-int8', calibration: { method: 'mse' } }, version({ calibration })),
      key({ method: 'fp16' }, version({ evaluation })),
      key({ method: 'fp16' }, { ...version(), source: file('9') }),
      key({ method: 'fp16' }, { ...version(), card: { ...version().card, exampleShapes: { x: [1, 3, 32, 32] } } }),
      key({ method: 'fp16' }, version(), { ...tools, node: '24.0.1' }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('have a digest that no order of keys changes', () => {
    const shapes = fc.dictionary(fc.string({ minLength: 1, maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }), {
      maxKeys: 5,
    });
    fc.assert(
      fc.property(shapes, (fixedShapes) => {
        const turned = Object.fromEntries(Object.entries(fixedShapes).reverse());
        expect(recipeDigest(recipe({ method: 'fp16', fixedShapes }))).toBe(recipeDigest(recipe({ method: 'fp16', fixedShapes: turned })));
      }),
    );
  });
});

test('what calibrates a model as one file is refused for one that is too large for that, and nothing else is', () => {
  const large = { ...version({ calibration }), weights: { ...file('3'), sizeBytes: 2.2 * 1024 ** 3 } };
  const check = (input: BuildRecipeInput, model: ModelVersion) => () => checkRecipe(recipe(input), model, products);
  expect(check({ method: 'static-int8', target: 'x86-vnni' }, large)).toThrow(
    expect.objectContaining({ code: 'model-too-large', hint: expect.stringContaining('weights-int8') }),
  );
  for (const method of ['source', 'optimised', 'fp16', 'weights-int8', 'weights-int4', 'dynamic-int8'] as const)
    expect(check({ method }, large)).not.toThrow();
  expect(check({ method: 'static-int8' }, { ...large, weights: file('3') })).not.toThrow();
});
