import { z } from 'zod';

/**
 * What is done to the numbers of a model. `source` is the file as it was pushed; `optimised` is fp32 with a simpler graph. Every other
 * method starts from the optimised graph.
 */
export const buildMethodSchema = z.enum(['source', 'optimised', 'weights-int8', 'weights-int4', 'fp16', 'dynamic-int8', 'static-int8']);
export type BuildMethod = z.infer<typeof buildMethodSchema>;

/**
 * The kernels that an artefact is shaped for. `x86-vnni`: u8 activations, s8 weights of full range. `x86-avx2`: the same with weights of 7
 * bits, since `vpmaddubsw` saturates at 16 bits. `arm`: s8 activations for dotprod and i8mm. `tensorrt`: explicit quantisation, s8 with
 * zero points of 0.
 */
export const buildTargetSchema = z.enum(['portable', 'x86-vnni', 'x86-avx2', 'arm', 'tensorrt']);
export type BuildTarget = z.infer<typeof buildTargetSchema>;

export const calibrationMethodSchema = z.enum(['minmax', 'moving-average', 'percentile', 'entropy', 'mse']);
export type CalibrationMethod = z.infer<typeof calibrationMethodSchema>;

/**
 * Percentiles by default: activations of text recognition have rare values far out. On 386 texts percentiles lost one text of exact match,
 * the least squared error two, minima and maxima five: an order within the noise of so few, but minima and maxima were never the best.
 */
export const calibrationOptionsSchema = z.strictObject({
  method: calibrationMethodSchema.default('percentile'),
  percentile: z.number().min(90).max(100).default(99.99).meta({ description: 'Share of the values that stay in range, in %' }),
  samplesMaximum: z.number().int().min(1).max(100_000).default(128).meta({ description: 'Calibration samples that are used' }),
});
export type CalibrationOptions = z.infer<typeof calibrationOptionsSchema>;

/** Everything that decides what an artefact is, beside its source and its data: equal recipes give equal artefacts. */
export const buildRecipeSchema = z.strictObject({
  method: buildMethodSchema,
  target: buildTargetSchema.default('portable'),
  activations: z.enum(['u8', 's8']).optional().meta({ description: 'Type of quantised activations; that of the target if not given' }),
  calibration: calibrationOptionsSchema.optional(),
  equalise: z.boolean().default(false).meta({ description: 'Cross-layer equalisation before quantising' }),
  biasCorrection: z.boolean().default(false).meta({ description: 'Shift biases by the mean error that quantised weights cause' }),
  blockSize: z
    .union([16, 32, 64, 128, 256].map((size) => z.literal(size)))
    .default(32)
    .meta({ description: 'Block of `weights-int4`' }),
  sparsity: z.number().min(0).max(0.95).default(0).meta({
    description: 'Share of the smallest weights that become zero: saves bytes on the wire, not time',
  }),
  fixedShapes: z
    .record(z.string(), z.array(z.number().int().positive()).max(8))
    .optional()
    .meta({ description: 'Input -> shape: free dimensions that are fixed, because the pipeline pins them' }),
  accuracyLossPointsMaximum: z.number().positive().max(100).optional().meta({
    description: 'Accuracy budget: layers are left in float until the interval of the loss lies within it',
  }),
  keepInFloat: z.array(z.string()).max(10_000).default([]).meta({ description: 'Names of nodes that stay in float whatever is found' }),
});
export type BuildRecipe = z.infer<typeof buildRecipeSchema>;
export type BuildRecipeInput = z.input<typeof buildRecipeSchema>;

/** A short name of a recipe for tables and file names, e.g. `static-int8-u8-percentile`. Not unique: the digest of the recipe is. */
export function recipeLabel(recipe: BuildRecipe): string {
  return [
    recipe.method,
    ...(recipe.target === 'portable' ? [] : [recipe.target]),
    ...(recipe.activations === undefined ? [] : [recipe.activations]),
    ...(recipe.method === 'static-int8' ? [(recipe.calibration ?? calibrationOptionsSchema.parse({})).method] : []),
    ...(recipe.method === 'weights-int4' ? [`b${recipe.blockSize}`] : []),
    ...(recipe.equalise ? ['equalised'] : []),
    ...(recipe.biasCorrection ? ['bias-corrected'] : []),
    ...(recipe.sparsity > 0 ? [`sparse-${Math.round(recipe.sparsity * 100)}`] : []),
    ...(recipe.fixedShapes === undefined ? [] : ['fixed']),
  ].join('-');
}
