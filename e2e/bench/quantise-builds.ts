/** The text models and the digit classifier -> what the fleet's own builder makes of them, in fp32 and in static int8. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type BuildRecipeInput,
  type BuildTarget,
  buildRecipeSchema,
  modelEvaluationSchema,
  packDataset,
  pipelineSchema,
  StarlingError,
} from '@starling/shared';
import { type BuiltResult, createBuilder } from '../../fleet/src/artefacts/index.ts';
import { buildDigits, packDigits } from '../artefacts/build-digits.ts';
import { demoModels } from '../demo/models.ts';
import { readSigns } from '../demo/read-signs.ts';
import { digitsModelFile } from '../digits/index.ts';
import type { ModelFiles } from '../harness/operator.ts';
import { writeScenes } from '../scenes/index.ts';
import type { Say } from './result.ts';

const MEMORY_BYTES = 4 * 1024 ** 3;
/** Other scenes than those that are read in the end. */
export const CALIBRATION = { count: 40, seed: 7 };
export const DIGITS = { calibration: 100, evaluation: 2000 };

export interface Builds {
  name: string;
  source: string;
  fused: BuiltResult;
  int8: BuiltResult;
}

/** @param archive calibration scenes */
export async function buildTextModel(folder: string, name: string, target: BuildTarget, archive: string, say: Say): Promise<Builds> {
  const build = (recipe: BuildRecipeInput): Promise<BuiltResult> => buildByRecipe(folder, name, recipe, archive, say);
  const fused = await build({ method: 'optimised' });
  return { name, source: sourceOf(name).file, fused, int8: await build({ method: 'static-int8', target }) };
}

function sourceOf(name: string): ModelFiles {
  const model = demoModels.find((each) => each.name === name);
  if (model === undefined) throw new StarlingError('unknown-model', `the demo has no model "${name}"`, { field: 'name' });
  return model;
}

export async function packScenes(folder: string): Promise<string> {
  const directory = join(folder, 'calibration');
  await writeScenes({ folder: directory, ...CALIBRATION });
  const names = (await readdir(directory)).filter((name) => name.endsWith('.jpg')).sort();
  const files = names.map((name) => ({ name, read: () => createReadStream(join(directory, name)) }));
  const archive = join(folder, 'calibration.zip');
  await pipeline(Readable.from(packDataset(files)), createWriteStream(archive));
  return archive;
}

/** As a push with a card does it: scenes reach the model through the demo's pipeline, in which the other model runs as a companion. */
async function buildByRecipe(folder: string, name: string, input: BuildRecipeInput, archive: string, say: Say): Promise<BuiltResult> {
  const recipe = buildRecipeSchema.parse(input);
  const { inputs, outputs, nodes, edges } = pipelineSchema.parse(readSigns);
  const models = Object.fromEntries(demoModels.map((model) => [model.name, { file: model.file, assets: model.assets ?? {} }]));
  const { [name]: own = { file: '', assets: {} }, ...companions } = models;
  return createBuilder({ memoryBytes: MEMORY_BYTES }).build(
    {
      ...{ file: own.file, recipe, outputDirectory: await mkdtemp(join(folder, 'build-')), companions },
      ...{ exampleShapes: sourceOf(name).card.exampleShapes ?? {}, model: { name, assets: own.assets } },
      evaluation: modelEvaluationSchema.parse({ metric: 'similarity', pipeline: { inputs, outputs, nodes, edges } }),
      ...(recipe.method === 'static-int8' ? { calibrationArchive: archive } : {}),
    },
    { onLog: (line) => say(`${name}: ${line}`) },
  );
}

/** The evaluation of the int8 build tells how many digits it gets right. */
export async function buildDigitClassifier(folder: string, target: BuildTarget, say: Say): Promise<Builds> {
  const calibration = await packDigits(folder, 'training', DIGITS.calibration);
  const evaluation = await packDigits(folder, 'held-out', DIGITS.evaluation);
  return {
    ...{ name: 'digits', source: digitsModelFile, fused: await buildDigits(folder, { method: 'optimised' }, {}) },
    int8: await buildDigits(folder, { method: 'static-int8', target }, { calibration, evaluation }, (line) => say(`digits: ${line}`)),
  };
}
