/** A model file and a method -> the artefact that the fleet's own builder makes of it. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildMethod, buildRecipeSchema } from '@starling/shared';
import { type BuiltResult, createBuilder } from '../../fleet/src/artefacts/index.ts';

const MEMORY_BYTES = 8 * 1024 ** 3;

export async function buildByMethod(
  folder: string,
  { file, exampleShapes = {} }: { file: string; exampleShapes?: Record<string, number[]> | undefined },
  method: BuildMethod,
): Promise<BuiltResult> {
  const outputDirectory = await mkdtemp(join(folder, 'build-'));
  const recipe = buildRecipeSchema.parse({ method });
  return createBuilder({ memoryBytes: MEMORY_BYTES }).build(
    { file, recipe, outputDirectory, exampleShapes, model: { name: 'model', assets: {} }, companions: {} },
    {},
  );
}
