import { type BuildRecipe, MODEL_BYTES_MAXIMUM, type ModelVersion, StarlingError } from '@starling/shared';
import { hasProducts, isQuantised } from './operators.ts';

/**
 * Refuses a recipe that makes no sense for a model version, before a worker spends an hour on it.
 * @param operators operator types in the source; undefined where nobody kept them
 * @throws StarlingError `calibration-missing`, `evaluation-missing`, `unknown-input`, `shape-mismatch`, `already-quantised`,
 *   `recipe-does-not-fit`, `model-too-large`
 */
export function checkRecipe(recipe: BuildRecipe, model: ModelVersion, operators: readonly string[] | undefined): void {
  checkDatasets(recipe, model);
  checkShapes(recipe, model);
  checkSize(recipe, model);
  const { method, target } = recipe;
  const changesNumbers = method !== 'source' && method !== 'optimised';
  if (changesNumbers && operators !== undefined && isQuantised(operators)) {
    throw new StarlingError('already-quantised', `${model.name}@${model.version} was quantised before it was pushed`, {
      field: 'recipe.method',
      hint: 'push the model as floats, or build it as "source" or "optimised"',
    });
  }
  if ((method === 'weights-int4' || method === 'dynamic-int8') && operators !== undefined && !hasProducts(operators)) {
    throw new StarlingError('recipe-does-not-fit', `${method} changes matrix products, and ${model.name}@${model.version} has none`, {
      field: 'recipe.method',
      hint: 'use weights-int8, or static-int8 with a calibration set',
    });
  }
  if (target !== 'portable' && method !== 'static-int8' && method !== 'dynamic-int8') {
    throw new StarlingError('recipe-does-not-fit', `${method} gives the same for every target`, {
      field: 'recipe.target',
      hint: 'leave the target out',
    });
  }
  if (method === 'source' && (recipe.sparsity > 0 || recipe.fixedShapes !== undefined)) {
    throw new StarlingError('recipe-does-not-fit', 'the source is left as it is', {
      field: recipe.sparsity > 0 ? 'recipe.sparsity' : 'recipe.fixedShapes',
      hint: 'use the method "optimised"',
    });
  }
}

function checkDatasets(recipe: BuildRecipe, { datasets, name, version }: ModelVersion): void {
  const hint = 'versions never change: push the next one with "starling model push --calibration DIR --evaluation DIR"';
  if (recipe.method === 'static-int8' && datasets?.calibration === undefined) {
    throw new StarlingError(
      'calibration-missing',
      `static-int8 learns ranges from samples, and ${name}@${version} has no calibration set`,
      {
        field: 'datasets.calibration',
        hint,
      },
    );
  }
  if (recipe.accuracyLossPointsMaximum !== undefined && datasets?.evaluation === undefined) {
    throw new StarlingError('evaluation-missing', `an accuracy budget is judged on samples, and ${name}@${version} has no evaluation set`, {
      field: 'datasets.evaluation',
      hint,
    });
  }
}

/** Ranges are learnt with every value of the graph as an output, of a model that ONNX Runtime is given as one file. */
function checkSize({ method }: BuildRecipe, { source, weights, name, version }: ModelVersion): void {
  const bytes = source.sizeBytes + (weights?.sizeBytes ?? 0);
  if (method !== 'static-int8' || bytes <= MODEL_BYTES_MAXIMUM) return;
  throw new StarlingError('model-too-large', `static-int8 calibrates a model as one file, and ${name}@${version} has ${bytes} bytes`, {
    field: 'recipe.method',
    hint: 'use weights-int8, weights-int4, dynamic-int8 or fp16, which take one tensor after the other',
  });
}

function checkShapes({ fixedShapes }: BuildRecipe, { inputs }: ModelVersion): void {
  for (const [name, shape] of Object.entries(fixedShapes ?? {})) {
    const field = `recipe.fixedShapes.${name}`;
    const port = inputs.find((input) => input.name === name);
    if (port === undefined) {
      throw new StarlingError('unknown-input', `the model has no input "${name}"`, {
        field,
        hint: `inputs: ${inputs.map((input) => input.name).join(', ')}`,
      });
    }
    const fits = shape.length === port.shape.length && port.shape.every((side, axis) => typeof side === 'string' || side === shape[axis]);
    if (!fits)
      throw new StarlingError('shape-mismatch', `[${shape.join()}] does not fit [${port.shape.join()}]`, {
        field,
        hint: 'only free dimensions can be fixed',
      });
  }
}
