import type { BuildMethod, BuildRecipe, BuildTarget, CalibrationMethod, Precision } from '@starling/shared';

export const methodWords: Record<BuildMethod, string> = {
  source: 'as pushed',
  optimised: 'fp32, simpler graph',
  'weights-int8': 'int8 weights',
  'weights-int4': 'int4 weights',
  fp16: 'fp16',
  'dynamic-int8': 'int8, dynamic',
  'static-int8': 'int8, static',
};

export const targetWords: Record<BuildTarget, string> = {
  portable: 'any processor',
  'x86-vnni': 'x86 with VNNI',
  'x86-avx2': 'x86 with AVX2',
  arm: 'Arm',
  tensorrt: 'TensorRT',
};

export const calibrationWords: Record<CalibrationMethod, string> = {
  minmax: 'least and most',
  'moving-average': 'moving average',
  percentile: 'percentile',
  entropy: 'entropy (Kullback-Leibler)',
  mse: 'least square error',
};

interface Built {
  precision: Precision;
  optimisation: string;
  document?: { provenance?: { recipe: BuildRecipe } | undefined };
}

/** What an artefact is, in a few words; two artefacts of one model may share them. */
export function kindWords({ precision, optimisation, document }: Built): string {
  const recipe = document?.provenance?.recipe;
  return recipe === undefined ? `${precision} ${optimisation}` : recipeWords(recipe);
}

/** `int8, static, for Arm, 50 % sparse` */
export function recipeWords({ method, target, sparsity, equalise, biasCorrection, fixedShapes }: BuildRecipe): string {
  return [
    methodWords[method],
    target !== 'portable' && `for ${targetWords[target]}`,
    equalise && 'equalised',
    biasCorrection && 'biases corrected',
    sparsity > 0 && `${Math.round(sparsity * 100)} % sparse`,
    fixedShapes !== undefined && 'fixed shapes',
  ]
    .filter((part) => part !== false)
    .join(', ');
}

/** Everything that a recipe says and that is not the default, as names and values. */
export function recipeFacts(recipe: BuildRecipe): [name: string, value: string | undefined][] {
  const { calibration } = recipe;
  return [
    ['Method', methodWords[recipe.method]],
    ['For', targetWords[recipe.target]],
    ['Activations', recipe.activations],
    [
      'Ranges by',
      calibration === undefined
        ? undefined
        : `${calibrationWords[calibration.method]}${calibration.method === 'percentile' ? ` ${calibration.percentile} %` : ''}, at most ${calibration.samplesMaximum} samples`,
    ],
    ['Equalised', recipe.equalise ? 'yes' : undefined],
    ['Biases corrected', recipe.biasCorrection ? 'yes' : undefined],
    ['Block of weights', recipe.method === 'weights-int4' ? `${recipe.blockSize} values` : undefined],
    ['Zeros', recipe.sparsity > 0 ? `${Math.round(recipe.sparsity * 100)} % of the weights` : undefined],
    [
      'Fixed shapes',
      recipe.fixedShapes === undefined
        ? undefined
        : Object.entries(recipe.fixedShapes)
            .map(([input, shape]) => `${input} ${shape.join(' × ')}`)
            .join('; '),
    ],
    [
      'Accuracy budget',
      recipe.accuracyLossPointsMaximum === undefined
        ? undefined
        : `at most ${recipe.accuracyLossPointsMaximum} ${recipe.accuracyLossPointsMaximum === 1 ? 'point' : 'points'} lost`,
    ],
    ['Asked to stay in float', recipe.keepInFloat.length === 0 ? undefined : recipe.keepInFloat.join(', ')],
  ];
}
