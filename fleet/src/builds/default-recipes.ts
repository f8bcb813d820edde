import { type BuildRecipe, type BuildRecipeInput, buildRecipeSchema, type ModelVersion } from '@starling/shared';
import { hasProducts, isQuantised } from './operators.ts';

/** The targets of static quantisation that devices of known profiles have. TensorRT's is built when somebody asks for it. */
const STATIC_TARGETS = ['x86-vnni', 'x86-avx2', 'arm'] as const;
/** What every objective permits if it says nothing else. */
const LOSS_POINTS_MAXIMUM = 1;

/**
 * The builds that every version of a model gets.
 * @param operators operator types in the source
 */
export function defaultRecipes({ datasets }: Pick<ModelVersion, 'datasets'>, operators: readonly string[]): BuildRecipe[] {
  const recipes: BuildRecipeInput[] = [{ method: 'source' }];
  // What is quantised already loses by a second time, and gains nothing.
  if (!isQuantised(operators)) {
    // What is cheap to build comes first, so that devices have something to run soon.
    recipes.push({ method: 'weights-int8' }, { method: 'optimised' }, { method: 'fp16' });
    if (hasProducts(operators)) recipes.push({ method: 'dynamic-int8' });
    if (datasets?.calibration !== undefined) {
      const budget = datasets.evaluation === undefined ? {} : { accuracyLossPointsMaximum: LOSS_POINTS_MAXIMUM };
      for (const target of STATIC_TARGETS) recipes.push({ method: 'static-int8', target, calibration: {}, ...budget });
    }
  } else recipes.push({ method: 'optimised' });
  return recipes.map((recipe) => buildRecipeSchema.parse(recipe));
}
