import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildTarget } from '@starling/shared';
import type { Tensor } from 'onnxruntime-node';
import { type BenchOptions, inParts, once } from './parts.ts';
import { type Builds, buildDigitClassifier, buildTextModel, packScenes } from './quantise-builds.ts';
import { type Reference, RIVAL_SCENES, type Rivals, readReference } from './quantise-rivals.ts';
import { digitInputs, prepareSamples } from './quantise-samples.ts';
import { lossBetween, paintScenes, readScenesWith, SCENES } from './quantise-scenes.ts';
import { likenessOf, runsOf, sharesOf, timesOf } from './quantise-times.ts';
import type { Findings, Measure, Say } from './result.ts';
import { type RunnableFile, withFolder } from './runtime.ts';

/** Inputs on which outputs are compared; the first is that which is timed. */
export const COMPARED = 4;
export const ROUNDS = 15;

const SIZE_MAXIMUM = 0.3;
const LATENCY_MAXIMUM = 0.65;
const TEXT_LOSS_MAXIMUM = 1;
const DIGIT_LOSS_MAXIMUM = 0.3;

/** Static int8 builds beside their sources: bytes, time on one thread, what is read and recognised; and onnxruntime's own quantiser. */
export function measureQuantise(say: Say, { scenes = SCENES.count, parts: only }: BenchOptions): Promise<Findings> {
  return withFolder(async (folder) => {
    const target = await targetOfThisMachine();
    say(`target ${target}`);
    const reference = await readReference();
    const archive = once(() => packScenes(folder));
    const samples = once(() => prepareSamples(join(folder, 'compared'), COMPARED, SCENES.seed));
    const detection = once(async () => buildTextModel(folder, 'text-detection', target, await archive(), say));
    const recognition = once(async () => buildTextModel(folder, 'text-recognition', target, await archive(), say));
    const digits = once(() => buildDigitClassifier(folder, target, say));
    const measure = async (builds: Builds, inputs: readonly Tensor[]): Promise<Measure[]> =>
      measureBuilds(builds, inputs.slice(0, COMPARED), reference.models[builds.name] ?? {}, say);
    const parts = {
      'text-detection': async () => measure(await detection(), (await samples()).pictures),
      'text-recognition': async () => measure(await recognition(), (await samples()).lines),
      digits: async () => [...(await measure(await digits(), await digitInputs(COMPARED))), ...digitAccuracy(await digits(), reference)],
      scenes: async () => readScenesByBoth(folder, [await detection(), await recognition()], { count: scenes, reference }, say),
    };
    return inParts(parts, say, only);
  });
}

async function targetOfThisMachine(): Promise<BuildTarget> {
  const processor = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  if (/\bavx(512)?_vnni\b/.test(processor)) return 'x86-vnni';
  return process.arch === 'arm64' ? 'arm' : 'x86-avx2';
}

async function measureBuilds({ name, source, fused, int8 }: Builds, inputs: readonly Tensor[], rivals: Rivals, say: Say) {
  const [input] = inputs as [Tensor];
  const [sourceMs = Number.NaN, fusedMs = Number.NaN, int8Ms = Number.NaN] = await timesOf(
    [source, fused.file, int8.file],
    input,
    ROUNDS,
    runsOf(source),
  );
  const best = Object.values(rivals);
  const size = (await stat(int8.file)).size / (await stat(source)).size;
  const latency = int8Ms / sourceMs;
  const lower = { unit: 'x', better: 'lower' } as const;
  const measures: Measure[] = [
    { name: `${name}: int8 / source, size`, value: size, target: SIZE_MAXIMUM, ...lower },
    {
      ...{ name: `${name}: int8 / source, time`, value: latency, unit: 'x' },
      ...(name === 'text-detection' ? { target: LATENCY_MAXIMUM, ...lower } : {}),
    },
    { name: `${name}: int8 / our fused fp32, time`, value: int8Ms / fusedMs, unit: 'x' },
    { name: `${name}: source, time`, value: sourceMs, unit: 'ms' },
    {
      ...{ name: `${name}: int8 / source, size, against quantize_static`, value: size },
      ...{ target: Math.min(...best.map(({ sizeRatio }) => sizeRatio)), ...lower },
    },
    {
      ...{ name: `${name}: int8 / source, time, against quantize_static`, value: latency },
      ...{ target: Math.min(...best.map(({ latencyRatio }) => latencyRatio)), ...lower },
    },
    {
      ...{ name: `${name}: signal to noise of the output, against quantize_static`, unit: 'dB' },
      value: await likenessOf(source, int8.file, inputs),
      target: Math.max(...best.map(({ signalToNoiseDb }) => signalToNoiseDb)),
    },
  ];
  for (const line of await sharesOf(int8.file, input)) say(`${name}: ${line}`);
  return measures;
}

const lowerPoints = { unit: 'points', better: 'lower' } as const;

function digitAccuracy({ int8 }: Builds, { models }: Reference): Measure[] {
  const loss = int8.report.accuracy?.lossPoints.value ?? Number.NaN;
  const others = Object.values(models['digits'] ?? {}).flatMap(({ accuracyLossPoints }) => accuracyLossPoints ?? []);
  return [
    { name: 'digits: accuracy, source', value: int8.report.accuracy?.source.value ?? Number.NaN, unit: '%' },
    { name: 'digits: accuracy lost by int8', value: loss, target: DIGIT_LOSS_MAXIMUM, ...lowerPoints },
    { name: 'digits: accuracy lost by int8, against quantize_static', value: loss, target: Math.min(...others), ...lowerPoints },
  ];
}

/** Reads the same scenes with the sources of both text models and with both in int8, in the agent's own runtime. */
async function readScenesByBoth(
  folder: string,
  text: readonly Builds[],
  { count, reference }: { count: number; reference: Reference },
  say: Say,
): Promise<Measure[]> {
  const painted = await paintScenes(folder, count);
  const read = (precision: 'fp32' | 'int8') => {
    const files = text.map(({ name, source, int8 }): [string, RunnableFile] => [
      name,
      precision === 'int8' ? int8 : { file: source, executionProviders: ['cpu'] },
    ]);
    return readScenesWith(painted, new Map(files), precision, (line) => say(`${precision}: ${line}`));
  };
  const [fp32, int8] = await Promise.all([read('fp32'), read('int8')]);
  const loss = lossBetween(fp32, int8);
  const measures: Measure[] = [
    { name: 'texts in the scenes', value: loss.texts, unit: 'texts' },
    { name: 'exact match, fp32', value: loss.exactMatchPercent, unit: '%' },
    { name: 'exact match lost by int8', value: loss.exactMatchLostPoints, target: TEXT_LOSS_MAXIMUM, ...lowerPoints },
    { name: 'character error rate, fp32', value: loss.characterErrorPercent, unit: '%' },
    { name: 'character error rate gained by int8', value: loss.characterErrorGainedPoints, target: TEXT_LOSS_MAXIMUM, ...lowerPoints },
  ];
  if (count < RIVAL_SCENES) return measures;
  const first = lossBetween(fp32.slice(0, RIVAL_SCENES), int8.slice(0, RIVAL_SCENES));
  const rivals = Object.values(reference.scenes);
  return [
    ...measures,
    {
      ...{ name: `exact match lost in the first ${RIVAL_SCENES} scenes, against quantize_static`, value: first.exactMatchLostPoints },
      ...{ target: Math.min(...rivals.map(({ exactMatchLostPoints }) => exactMatchLostPoints)), ...lowerPoints },
    },
    {
      ...{ name: `character error rate gained in the first ${RIVAL_SCENES} scenes, against quantize_static` },
      ...{ value: first.characterErrorGainedPoints, ...lowerPoints },
      target: Math.min(...rivals.map(({ characterErrorGainedPoints }) => characterErrorGainedPoints)),
    },
  ];
}
