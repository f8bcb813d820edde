import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildTarget } from '@starling/shared';
import { Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import { readDigits, SIDE } from '../digits/index.ts';
import { readScenes, writeScenes } from '../scenes/index.ts';
import { scoreRelease, type Total } from './accuracy.ts';
import { type Builds, buildDigitClassifier, buildTextModels } from './quantise-builds.ts';
import { prepareSamples } from './quantise-samples.ts';
import { likenessOf, sharesOf, timesOf } from './quantise-times.ts';
import type { Measure, Say } from './result.ts';
import { buildDemoArtefacts, installDemoRelease, startRuntimeHost, withFolder } from './runtime.ts';

const SCENES = { count: 300, seed: 1 };
/** Inputs on which outputs are compared; the first is that which is timed. */
const COMPARED = 4;
const ROUNDS = 15;
/** The digit classifier takes a tenth of a millisecond. */
const RUNS_OF_DIGITS = 50;

const SIZE_MAXIMUM = 0.3;
const LATENCY_MAXIMUM = 0.65;
const TEXT_LOSS_MAXIMUM = 1;
const DIGIT_LOSS_MAXIMUM = 0.3;

const rivalSchema = z.object({ latencyRatio: z.number(), signalToNoiseDb: z.number(), accuracyLossPoints: z.number().optional() });
const referenceSchema = z.object({ models: z.record(z.string(), z.record(z.string(), rivalSchema)) });

/** Static int8 builds beside their sources: bytes, time on one thread, what is read and recognised; and onnxruntime's own quantiser. */
export function measureQuantise(say: Say): Promise<Measure[]> {
  return withFolder(async (folder) => {
    const target = await targetOfThisMachine();
    say(`target ${target}`);
    const reference = referenceSchema.parse(
      JSON.parse(await readFile(new URL('./reference/quantise-static.json', import.meta.url), 'utf8')),
    );
    const text = await buildTextModels(folder, target, say);
    const digits = await buildDigitClassifier(folder, target, say);
    const samples = await prepareSamples(join(folder, 'compared'), COMPARED, SCENES.seed);
    const inputs = [samples.pictures, samples.lines, await digitInputs()];
    const measures: Measure[] = [];
    for (const [place, builds] of [...text, digits].entries()) {
      measures.push(...(await measureBuilds(builds, inputs[place]?.slice(0, COMPARED) ?? [], reference.models[builds.name] ?? {}, say)));
    }
    return [...measures, ...digitAccuracy(digits, reference.models['digits'] ?? {}), ...(await readScenesByBoth(folder, text, say))];
  });
}

async function targetOfThisMachine(): Promise<BuildTarget> {
  const processor = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  if (/\bavx(512)?_vnni\b/.test(processor)) return 'x86-vnni';
  return process.arch === 'arm64' ? 'arm' : 'x86-avx2';
}

async function digitInputs(): Promise<Tensor[]> {
  const { 'held-out': digits } = await readDigits();
  return digits.slice(0, COMPARED).map(({ pixels }) => {
    const values = Float32Array.from(pixels, (value) => value / 255);
    return new Tensor('float32', values, [1, 1, SIDE, SIDE]);
  });
}

type Rivals = Readonly<Record<string, z.infer<typeof rivalSchema>>>;

async function measureBuilds({ name, source, fused, int8 }: Builds, inputs: readonly Tensor[], rivals: Rivals, say: Say) {
  const [input] = inputs as [Tensor];
  const runs = name === 'digits' ? RUNS_OF_DIGITS : 1;
  const [sourceMs = Number.NaN, fusedMs = Number.NaN, int8Ms = Number.NaN] = await timesOf(
    [source, fused.file, int8.file],
    input,
    ROUNDS,
    runs,
  );
  const best = Object.values(rivals);
  const size = (await stat(int8.file)).size / (await stat(source)).size;
  const latency = int8Ms / sourceMs;
  const measures: Measure[] = [
    { name: `${name}: int8 / source, size`, value: size, unit: 'x', target: SIZE_MAXIMUM, better: 'lower' },
    {
      ...{ name: `${name}: int8 / source, time`, value: latency, unit: 'x' },
      ...(name === 'text-detection' ? { target: LATENCY_MAXIMUM, better: 'lower' as const } : {}),
    },
    { name: `${name}: int8 / our fused fp32, time`, value: int8Ms / fusedMs, unit: 'x' },
    { name: `${name}: source, time`, value: sourceMs, unit: 'ms' },
    {
      ...{ name: `${name}: int8 / source, time, against quantize_static`, value: latency, unit: 'x' },
      ...{ target: Math.min(...best.map(({ latencyRatio }) => latencyRatio)), better: 'lower' },
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

function digitAccuracy({ int8 }: Builds, rivals: Rivals): Measure[] {
  const loss = int8.report.accuracy?.lossPoints.value ?? Number.NaN;
  const others = Object.values(rivals).flatMap(({ accuracyLossPoints }) => accuracyLossPoints ?? []);
  const lower = { unit: 'points', better: 'lower' } as const;
  return [
    { name: 'digits: accuracy, source', value: int8.report.accuracy?.source.value ?? Number.NaN, unit: '%' },
    { name: 'digits: accuracy lost by int8', value: loss, target: DIGIT_LOSS_MAXIMUM, ...lower },
    { name: 'digits: the same lost by quantize_static, at best', value: Math.min(...others), unit: 'points' },
  ];
}

/** Reads the same scenes with the sources of both text models and with both in int8, in the agent's own runtime. */
async function readScenesByBoth(folder: string, text: readonly Builds[], say: Say): Promise<Measure[]> {
  await writeScenes({ folder: join(folder, 'scenes'), ...SCENES });
  const { scenes } = await readScenes(join(folder, 'scenes'));
  const sources = await buildDemoArtefacts(folder);
  const artefacts = new Map(text.map(({ name, int8 }) => [name, [...(sources.get(name) ?? []).filter(isFloat), int8]]));
  const host = startRuntimeHost(folder, 0);
  try {
    const total = async (precision: 'fp32' | 'int8'): Promise<Total> => {
      const installed = installDemoRelease(artefacts, precision);
      return scoreRelease(host, installed, join(folder, 'scenes'), scenes, (line) => say(`${precision}: ${line}`));
    };
    const fp32 = await total('fp32');
    const int8 = await total('int8');
    const lower = { unit: 'points', target: TEXT_LOSS_MAXIMUM, better: 'lower' } as const;
    return [
      { name: 'texts in the scenes', value: fp32.texts, unit: 'texts' },
      { name: 'exact match, fp32', value: 100 * fp32.exactMatchRate, unit: '%' },
      { name: 'exact match lost by int8', value: 100 * (fp32.exactMatchRate - int8.exactMatchRate), ...lower },
      { name: 'character error rate, fp32', value: 100 * fp32.characterErrorRate, unit: '%' },
      { name: 'character error rate gained by int8', value: 100 * (int8.characterErrorRate - fp32.characterErrorRate), ...lower },
    ];
  } finally {
    await host.close();
  }
}

function isFloat({ precision }: { precision: string }): boolean {
  return precision === 'fp32';
}
