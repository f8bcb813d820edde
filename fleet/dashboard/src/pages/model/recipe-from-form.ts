import {
  type BuildRecipe,
  buildMethodSchema,
  buildRecipeSchema,
  buildTargetSchema,
  calibrationMethodSchema,
  StarlingError,
  type TensorPort,
} from '@starling/shared';

/** What the fields of the form hold. */
export interface RecipeFields {
  method: string;
  target: string;
  calibration: string;
  percentile: string;
  samples: string;
  budget: string;
  sparsityPercent: string;
  equalise: boolean;
  biasCorrection: boolean;
  /** Input -> `1 x 3 x 320 x 320`; empty where the shape stays free. */
  shapes: Readonly<Record<string, string>>;
}

/**
 * A recipe from what was filled in; what a method has no use for is left out.
 * @throws StarlingError `bad-recipe` with the field
 */
export function recipeFromForm(fields: RecipeFields): BuildRecipe {
  const method = buildMethodSchema.parse(fields.method);
  const isStatic = method === 'static-int8';
  const shapes = Object.entries(fields.shapes).filter(([, text]) => text.trim() !== '');
  const number = (text: string): number | undefined => (text.trim() === '' ? undefined : Number(text));
  const samplesMaximum = number(fields.samples);
  const ranges = calibrationMethodSchema.parse(fields.calibration);
  const percentile = ranges === 'percentile' ? number(fields.percentile) : undefined;
  const parsed = buildRecipeSchema.safeParse({
    method,
    ...(hasTarget(method) && { target: buildTargetSchema.parse(fields.target) }),
    ...(isStatic && {
      calibration: {
        method: ranges,
        ...(percentile !== undefined && { percentile }),
        ...(samplesMaximum !== undefined && { samplesMaximum }),
      },
      equalise: fields.equalise,
      biasCorrection: fields.biasCorrection,
    }),
    ...(method !== 'source' && { sparsity: (number(fields.sparsityPercent) ?? 0) / 100 }),
    ...(method !== 'source' &&
      shapes.length > 0 && { fixedShapes: Object.fromEntries(shapes.map(([input, text]) => [input, shapeOf(input, text)])) }),
    ...(fields.budget.trim() !== '' && { accuracyLossPointsMaximum: number(fields.budget) }),
  });
  if (parsed.success) return parsed.data;
  const [problem] = parsed.error.issues;
  throw new StarlingError('bad-recipe', problem?.message ?? 'the recipe makes no sense', { field: problem?.path.join('.') ?? '' });
}

/** Only these kernels differ by target. */
export function hasTarget(method: string): boolean {
  return method === 'static-int8' || method === 'dynamic-int8';
}

/** Inputs with a dimension that is free. */
export function freeInputs(inputs: readonly TensorPort[]): TensorPort[] {
  return inputs.filter(({ shape }) => shape.some((side) => typeof side === 'string'));
}

function shapeOf(input: string, text: string): number[] {
  const sides = text.split(/[\s,x×]+/).filter((side) => side !== '');
  const numbers = sides.map(Number);
  if (numbers.length > 0 && numbers.every((side) => Number.isInteger(side) && side > 0)) return numbers;
  throw new StarlingError('bad-recipe', `"${text}" is no shape`, {
    field: `fixedShapes.${input}`,
    hint: 'write whole numbers, e.g. 1 x 3 x 320 x 320',
  });
}
