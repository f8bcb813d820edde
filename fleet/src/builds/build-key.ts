import { createHash } from 'node:crypto';
import { type BuildRecipe, calibrationOptionsSchema, type ModelVersion } from '@starling/shared';

/**
 * A recipe with everything that has no effect left out, so that recipes which mean the same are the same.
 * Order of keys and of `keepInFloat` does not matter.
 */
export function canonicalRecipe(recipe: BuildRecipe): BuildRecipe {
  const { calibration, keepInFloat, activations, ...rest } = recipe;
  const isStatic = rest.method === 'static-int8';
  return {
    ...rest,
    ...(activations === undefined ? {} : { activations }),
    ...(isStatic ? { calibration: calibrationOptionsSchema.parse(calibration ?? {}) } : {}),
    blockSize: rest.method === 'weights-int4' ? rest.blockSize : 32,
    keepInFloat: [...new Set(keepInFloat)].sort(),
  };
}

export function recipeDigest(recipe: BuildRecipe): string {
  return digestOf(canonicalRecipe(recipe));
}

/**
 * Names everything that decides what an artefact is: builds of one key are equal, whatever their model version is called.
 * @param tools program or library -> version
 */
export function buildKey(recipe: BuildRecipe, model: ModelVersion, tools: Readonly<Record<string, string>>): string {
  return digestOf({
    source: model.source.digest,
    recipe: canonicalRecipe(recipe),
    calibration: usesCalibration(recipe) ? (model.datasets?.calibration?.digest ?? null) : null,
    evaluation: model.datasets?.evaluation?.digest ?? null,
    exampleShapes: model.card.exampleShapes ?? {},
    ...(model.card.exampleRanges === undefined ? {} : { exampleRanges: model.card.exampleRanges }),
    judgedBy: model.card.evaluation ?? null,
    tools,
  });
}

export function usesCalibration({ method }: BuildRecipe): boolean {
  return method === 'static-int8';
}

/** SHA-256 of JSON whose keys are sorted at every depth. */
function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
