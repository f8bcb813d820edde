/**
 * Makes `reference/quantise-static.json` anew, in three steps:
 *
 * 1. `node e2e/bench/rivals.ts samples FOLDER` writes the models at opset 17, and the inputs on which our own builds are calibrated
 * 2. `python e2e/bench/reference/quantise_static.py FOLDER` quantises them with onnxruntime's own quantiser
 * 3. `node e2e/bench/rivals.ts measure FOLDER` measures what came out as the bench `quantise` measures our builds, and keeps it
 */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isStarlingError, messageOf, StarlingError } from '@starling/shared';
import type { Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import { openModel, writeModelFile } from '../../fleet/src/artefacts/onnx/index.ts';
import { inferTypes } from '../../fleet/src/artefacts/optimise/infer-types.ts';
import { upgradeOpset } from '../../fleet/src/artefacts/optimise/upgrade/upgrade-opset.ts';
import { demoModels } from '../demo/models.ts';
import { countCorrect } from '../digits/count-correct.ts';
import { digitsModelFile, readDigits } from '../digits/index.ts';
import type { Score } from '../scenes/index.ts';
import { COMPARED, ROUNDS } from './quantise.ts';
import { CALIBRATION, DIGITS } from './quantise-builds.ts';
import { type Reference, RIVAL_SCENES, type Rival, referenceSchema, writeReference } from './quantise-rivals.ts';
import { digitInputs, prepareSamples } from './quantise-samples.ts';
import { lossBetween, paintScenes, readScenesWith, SCENES } from './quantise-scenes.ts';
import { likenessOf, runsOf, timesOf } from './quantise-times.ts';
import { describeMachine } from './result.ts';
import { inParallel, type RunnableFile } from './runtime.ts';

const OPSET = 17;
/** As many as our own calibration uses of a set. */
const SAMPLES_MAXIMUM = 128;
const MODELS: readonly { name: string; file: string }[] = [...demoModels, { name: 'digits', file: digitsModelFile }];

async function writeAll(folder: string): Promise<void> {
  const { pictures, lines } = await prepareSamples(join(folder, 'scenes'), CALIBRATION.count, CALIBRATION.seed);
  const digits = await digitInputs(DIGITS.calibration, 'training');
  const inputs: Record<string, readonly Tensor[]> = { 'text-detection': pictures, 'text-recognition': lines, digits };
  for (const { name, file } of MODELS) {
    const own = join(folder, name);
    await mkdir(own, { recursive: true });
    const { model, close } = openModel(file);
    upgradeOpset(model, OPSET, await inferTypes(model));
    writeModelFile(model, join(own, 'source.onnx'));
    close();
    const samples = (inputs[name] ?? []).slice(0, SAMPLES_MAXIMUM);
    for (const [place, sample] of samples.entries()) await writeFile(join(own, `${place}.npy`), npyOf(sample));
    console.log(`${name}: ${samples.length} samples`);
  }
}

/** numpy.lib.format, version 1.0: the header is padded so that the values begin at a multiple of 64. */
function npyOf({ data, dims }: Tensor): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.join(', ')},), }`;
  const padded = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(padded.length + 1);
  const { buffer, byteOffset, byteLength } = data as Float32Array;
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    length,
    Buffer.from(`${padded}\n`),
    Buffer.from(buffer, byteOffset, byteLength),
  ]);
}

async function measureAll(folder: string): Promise<Reference> {
  const { pictures, lines } = await prepareSamples(join(folder, 'compared'), COMPARED, SCENES.seed);
  const inputs: Record<string, readonly Tensor[]> = {
    'text-detection': pictures,
    'text-recognition': lines,
    digits: await digitInputs(COMPARED),
  };
  const models: Reference['models'] = {};
  const variants = new Set<string>();
  for (const { name, file } of MODELS) {
    const files = (await readdir(join(folder, name))).filter((each) => each.endsWith('.onnx') && each !== 'source.onnx').sort();
    const names = files.map((each) => each.replace(/\.onnx$/, ''));
    for (const each of names) variants.add(each);
    const figures = await measureModel(
      file,
      files.map((each) => join(folder, name, each)),
      (inputs[name] ?? []).slice(0, COMPARED),
    );
    models[name] = Object.fromEntries(names.map((each, place) => [each, figures[place] as Rival]));
    console.log(name, models[name]);
  }
  return referenceSchema.parse({
    what: `onnxruntime.quantization.quantize_static: QDQ, per channel, u8 activations, s8 weights, MinMax over the calibration samples of our own builds (${CALIBRATION.count} scenes of seed ${CALIBRATION.seed}, ${DIGITS.calibration} digits of the training part), the models at opset ${OPSET} and prepared by quant_pre_process; judged on the ${DIGITS.evaluation} digits held out, and on the first ${RIVAL_SCENES} scenes of seed ${SCENES.seed} with both text models quantised`,
    how: [
      'node e2e/bench/rivals.ts samples FOLDER',
      'python e2e/bench/reference/quantise_static.py FOLDER',
      'node e2e/bench/rivals.ts measure FOLDER',
    ],
    versions: z.record(z.string(), z.string()).parse(JSON.parse(await readFile(join(folder, 'versions.json'), 'utf8'))),
    machine: describeMachine().processor,
    models,
    scenes: await readScenes(folder, [...variants]),
  });
}

async function measureModel(source: string, files: readonly string[], inputs: readonly Tensor[]): Promise<Rival[]> {
  const [sourceMs = Number.NaN, ...times] = await timesOf([source, ...files], inputs[0] as Tensor, ROUNDS, runsOf(source));
  const heldOut = source === digitsModelFile ? (await readDigits())['held-out'].slice(0, DIGITS.evaluation) : [];
  const correct = heldOut.length === 0 ? 0 : await countCorrect(await readFile(source), heldOut);
  const figures: Rival[] = [];
  for (const [place, file] of files.entries()) {
    const lost = heldOut.length === 0 ? undefined : correct - (await countCorrect(await readFile(file), heldOut));
    figures.push({
      sizeRatio: rounded((await stat(file)).size / (await stat(source)).size),
      latencyRatio: rounded((times[place] ?? Number.NaN) / sourceMs),
      signalToNoiseDb: rounded(await likenessOf(source, file, inputs)),
      ...(lost === undefined ? {} : { accuracyLossPoints: rounded((100 * lost) / heldOut.length) }),
    });
  }
  return figures;
}

/** What is read by both models of a variant, against what is read by their sources. */
async function readScenes(folder: string, variants: readonly string[]): Promise<Reference['scenes']> {
  const painted = await paintScenes(folder, RIVAL_SCENES);
  const read = (label: string, fileOf: (name: string, source: string) => string) => {
    const files = demoModels.map(({ name, file }): [string, RunnableFile] => [
      name,
      { file: fileOf(name, file), executionProviders: ['cpu'] },
    ]);
    return readScenesWith(painted, new Map(files), label === 'source' ? 'fp32' : 'int8', (line) => console.log(`${label}: ${line}`));
  };
  const labels = ['source', ...variants];
  const scores: Score[][] = [];
  await inParallel(labels, 2, async (label, place) => {
    scores[place] = await read(label, (name, source) => (label === 'source' ? source : join(folder, name, `${label}.onnx`)));
  });
  return Object.fromEntries(
    labels.slice(1).map((label, place) => {
      const { exactMatchLostPoints, characterErrorGainedPoints } = lossBetween(scores[0] ?? [], scores[place + 1] ?? []);
      return [
        label,
        { exactMatchLostPoints: rounded(exactMatchLostPoints), characterErrorGainedPoints: rounded(characterErrorGainedPoints) },
      ];
    }),
  );
}

function rounded(value: number): number {
  return Number(value.toFixed(4));
}

async function main([step, folder]: readonly string[]): Promise<void> {
  if (folder === undefined || (step !== 'samples' && step !== 'measure')) {
    throw new StarlingError('invalid-arguments', 'give a step and a folder', { hint: 'node e2e/bench/rivals.ts samples|measure FOLDER' });
  }
  if (step === 'samples') await writeAll(folder);
  else console.log(`kept in ${await writeReference(await measureAll(folder))}`);
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(messageOf(error), isStarlingError(error) ? (error.hint ?? '') : '');
    process.exit(1);
  },
);
