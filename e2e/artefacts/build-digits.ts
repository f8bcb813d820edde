/** The digit classifier, a recipe, data sets -> the artefact that the fleet's own builder makes of it. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type BuildRecipeInput, buildRecipeSchema, type ModelEvaluation, modelEvaluationSchema, packDataset } from '@starling/shared';
import { type BuiltResult, createBuilder } from '../../fleet/src/artefacts/index.ts';
import { type DigitPart, digitsModelFile, writeDigitFiles } from '../digits/index.ts';

const MEMORY_BYTES = 4 * 1024 ** 3;
export const digitNames = Array.from({ length: 10 }, (_, digit) => String(digit));

/** How a picture of a digit reaches the model, and what is scored. */
export const digitEvaluation: ModelEvaluation = modelEvaluationSchema.parse({
  metric: 'accuracy',
  output: 'classes',
  pipeline: {
    inputs: { image: 'encoded-image' },
    outputs: { classes: 'json' },
    nodes: {
      decode: { op: 'image.decode' },
      fit: { op: 'image.fit', params: { width: 28, height: 28 } },
      grey: { op: 'image.to-grey-tensor' },
      classify: { model: 'digits' },
      top: { op: 'classes.top', params: { softmax: true, count: 1, labels: digitNames } },
    },
    edges: [
      { from: 'input.image', to: 'decode.image' },
      { from: 'decode.image', to: 'fit.image' },
      { from: 'fit.image', to: 'grey.image' },
      { from: 'grey.tensor', to: 'classify.pixels' },
      { from: 'classify.logits', to: 'top.scores' },
      { from: 'top.classes', to: 'output.classes' },
    ],
  },
});

/** Zips some digits of a part as the command line does. @returns the path of the archive */
export async function packDigits(folder: string, part: DigitPart, count: number): Promise<string> {
  const directory = join(folder, part);
  await writeDigitFiles(directory, part, count);
  const names = (await readdir(directory)).sort();
  const files = names.map((name) => ({ name, read: () => createReadStream(join(directory, name)) }));
  const archive = join(folder, `${part}.zip`);
  await pipeline(Readable.from(packDataset(files)), createWriteStream(archive));
  return archive;
}

export interface DigitSets {
  calibration?: string;
  evaluation?: string;
}

export async function buildDigits(
  folder: string,
  recipe: BuildRecipeInput,
  { calibration, evaluation }: DigitSets,
  onLog?: (line: string) => void,
): Promise<BuiltResult> {
  const directory = await mkdtemp(join(folder, 'build-'));
  const outputDirectory = join(directory, 'output');
  await mkdir(outputDirectory);
  const request = {
    ...{ file: digitsModelFile, recipe: buildRecipeSchema.parse(recipe), outputDirectory, exampleShapes: { pixels: [1, 1, 28, 28] } },
    ...{ model: { name: 'digits', assets: {}, labels: digitNames }, companions: {}, evaluation: digitEvaluation },
    ...(calibration === undefined ? {} : { calibrationArchive: calibration }),
    ...(evaluation === undefined ? {} : { evaluationArchive: evaluation }),
  };
  return createBuilder({ memoryBytes: MEMORY_BYTES }).build(request, onLog === undefined ? {} : { onLog });
}
