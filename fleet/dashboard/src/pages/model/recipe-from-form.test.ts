import { expect, test } from 'vitest';
import { type RecipeFields, recipeFromForm } from './recipe-from-form.ts';

const fields: RecipeFields = {
  ...{ method: 'static-int8', target: 'arm', calibration: 'percentile', percentile: '99.9', samples: '64', budget: '0.5' },
  ...{ sparsityPercent: '', equalise: true, biasCorrection: false, shapes: { x: '1 x 3 x 32 x 32', y: '' } },
};

test('a static recipe has all of it', () => {
  expect(recipeFromForm(fields)).toMatchObject({
    ...{ method: 'static-int8', target: 'arm', equalise: true, accuracyLossPointsMaximum: 0.5 },
    calibration: { method: 'percentile', percentile: 99.9, samplesMaximum: 64 },
    fixedShapes: { x: [1, 3, 32, 32] },
  });
});

test('what a method has no use for is left out', () => {
  const recipe = recipeFromForm({ ...fields, method: 'source', sparsityPercent: '50' });
  expect(recipe).toMatchObject({ method: 'source', target: 'portable', sparsity: 0, equalise: false });
  expect([recipe.calibration, recipe.fixedShapes]).toEqual([undefined, undefined]);
  expect(recipeFromForm({ ...fields, method: 'fp16', sparsityPercent: '50', budget: '' })).toMatchObject({
    target: 'portable',
    sparsity: 0.5,
  });
});

test.each([
  ['a word for a shape', { shapes: { x: 'wide' } }, 'fixedShapes.x'],
  ['an empty side', { shapes: { x: '0 x 3' } }, 'fixedShapes.x'],
  ['too many zeros', { sparsityPercent: '99' }, 'sparsity'],
  ['a budget that is none', { budget: '-1' }, 'accuracyLossPointsMaximum'],
  ['a percentile that leaves most out', { percentile: '5' }, 'calibration.percentile'],
])('refuses %s, with the field', (_what, change, field) => {
  expect(() => recipeFromForm({ ...fields, ...change })).toThrow(expect.objectContaining({ code: 'bad-recipe', field }));
});
