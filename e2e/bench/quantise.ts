import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildTarget, buildRecipeSchema } from '@starling/shared';
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import type { ValueRange } from '../../fleet/src/artefacts/contracts.ts';
import { readModel, writeModel } from '../../fleet/src/artefacts/onnx/index.ts';
import { optimiseModel } from '../../fleet/src/artefacts/optimise/index.ts';
import { prepareForQuantising, quantisedEdges, quantiseStatic } from '../../fleet/src/artefacts/static/index.ts';
import { demoModels } from '../demo/models.ts';
import { prepareSamples } from './quantise-samples.ts';
import { type Measure, median, type Say } from './result.ts';
import { withFolder } from './runtime.ts';

const CALIBRATION = { count: 8, seed: 7 };
const EVALUATION = { count: 4, seed: 1 };
const LINES_MAXIMUM = 48;
const ROUNDS = 15;
const SIZE_MAXIMUM = 0.3;
const LATENCY_MAXIMUM = 0.65;

const referenceSchema = z.object({
  models: z.record(z.string(), z.record(z.string(), z.object({ latencyRatio: z.number(), signalToNoiseDb: z.number() }))),
});

interface Builds {
  source: string;
  fused: string;
  int8: string;
}

/** Static int8 builds of the demo's models beside their sources: bytes, time on one thread, likeness of the outputs. */
export function measureQuantise(say: Say): Promise<Measure[]> {
  return withFolder(async (folder) => {
    const reference = referenceSchema.parse(
      JSON.parse(await readFile(new URL('./reference/quantise-static.json', import.meta.url), 'utf8')),
    );
    const target = await targetOfThisMachine();
    say(`target ${target}; preparing samples`);
    const calibration = await prepareSamples(join(folder, 'calibration'), CALIBRATION.count, CALIBRATION.seed);
    const evaluation = await prepareSamples(join(folder, 'evaluation'), EVALUATION.count, EVALUATION.seed);
    const measures: Measure[] = [];
    for (const { name, file } of demoModels) {
      const field = name === 'text-detection' ? 'pictures' : 'lines';
      const builds = await build(folder, name, file, target, calibration[field].slice(0, LINES_MAXIMUM), say);
      const inputs = evaluation[field].slice(0, EVALUATION.count);
      const times = await timesOf(builds, inputs[0] as Tensor);
      const likeness = await likenessOf(builds, inputs);
      const best = Object.values(reference.models[name] ?? {});
      const isDetection = name === 'text-detection';
      measures.push(
        { name: `${name}: int8 / source, size`, value: await sizeRatio(builds), unit: 'x', target: SIZE_MAXIMUM, better: 'lower' },
        {
          name: `${name}: int8 / source, time`,
          value: times.int8 / times.source,
          unit: 'x',
          ...(isDetection ? { target: LATENCY_MAXIMUM, better: 'lower' as const } : {}),
        },
        { name: `${name}: int8 / our fused fp32, time`, value: times.int8 / times.fused, unit: 'x' },
        { name: `${name}: source, time`, value: times.source, unit: 'ms' },
        {
          name: `${name}: int8, signal to noise of the output`,
          value: likeness,
          unit: 'dB',
          ...(best.length === 0 ? {} : { target: Math.max(...best.map(({ signalToNoiseDb }) => signalToNoiseDb)) }),
        },
      );
      if (best.length > 0) {
        const rival = Math.min(...best.map(({ latencyRatio }) => latencyRatio));
        measures.push({
          name: `${name}: int8 / source, time, against quantize_static`,
          value: times.int8 / times.source,
          unit: 'x',
          target: rival,
          better: 'lower',
        });
      }
      for (const line of await sharesOf(builds.int8, inputs[0] as Tensor)) say(`${name}: ${line}`);
    }
    return measures;
  });
}

async function targetOfThisMachine(): Promise<BuildTarget> {
  const processor = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  if (/\bavx(512)?_vnni\b/.test(processor)) return 'x86-vnni';
  return process.arch === 'arm64' ? 'arm' : 'x86-avx2';
}

async function build(
  folder: string,
  name: string,
  source: string,
  target: BuildTarget,
  samples: readonly Tensor[],
  say: Say,
): Promise<Builds> {
  const builds = { source, fused: join(folder, `${name}-fused.onnx`), int8: join(folder, `${name}-int8.onnx`) };
  const recipe = buildRecipeSchema.parse({ method: 'static-int8', target });
  const model = readModel(await readFile(source));
  await optimiseModel(model);
  await writeFile(builds.fused, writeModel(model));
  for (const note of prepareForQuantising(model, recipe)) say(`${name}: ${note}`);
  const ranges = await rangesOf(writeModel(model), quantisedEdges(model, recipe), samples);
  for (const note of quantiseStatic(model, recipe, ranges).notes) say(`${name}: ${note}`);
  await writeFile(builds.int8, writeModel(model));
  return builds;
}

/** Smallest and largest value over the samples, as onnxruntime's own quantiser calibrates if nothing is said. */
async function rangesOf(bytes: Uint8Array, values: readonly string[], samples: readonly Tensor[]): Promise<Map<string, ValueRange>> {
  const model = readModel(bytes);
  const known = new Set([...model.graph.input, ...model.graph.output].map(({ name }) => name));
  model.graph.output.push(...values.filter((value) => !known.has(value)).map((value) => ({ name: value })));
  const session = await InferenceSession.create(writeModel(model), { graphOptimizationLevel: 'basic', logSeverityLevel: 3 });
  const [input = ''] = session.inputNames;
  const ranges = new Map<string, ValueRange>();
  for (const sample of samples) {
    for (const [value, tensor] of Object.entries({ ...(await session.run({ [input]: sample })), [input]: sample })) {
      let { minimum, maximum } = ranges.get(value) ?? { minimum: Number.POSITIVE_INFINITY, maximum: Number.NEGATIVE_INFINITY };
      for (const number of tensor.data as Float32Array) [minimum, maximum] = [Math.min(minimum, number), Math.max(maximum, number)];
      ranges.set(value, { minimum, maximum });
    }
  }
  await session.release();
  return ranges;
}

async function sizeRatio({ int8, source }: Builds): Promise<number> {
  return (await readFile(int8)).length / (await readFile(source)).length;
}

const open = (file: string): Promise<InferenceSession> =>
  InferenceSession.create(file, { graphOptimizationLevel: 'all', intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });

/** Medians of processor time, in turns, so that whatever else the machine does meets all of them. */
async function timesOf(builds: Builds, input: Tensor): Promise<Record<keyof Builds, number>> {
  const names = ['source', 'fused', 'int8'] as const;
  const sessions = await Promise.all(names.map((name) => open(builds[name])));
  const times: number[][] = names.map(() => []);
  for (let round = -2; round < ROUNDS; round += 1) {
    for (const [index, session] of sessions.entries()) {
      const before = process.cpuUsage();
      await session.run({ [session.inputNames[0] ?? '']: input });
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) times[index]?.push((user + system) / 1000);
    }
  }
  await Promise.all(sessions.map((session) => session.release()));
  const [source = [], fused = [], int8 = []] = times;
  return { source: median(source), fused: median(fused), int8: median(int8) };
}

/** Mean signal-to-quantisation-noise ratio of the outputs, in dB. */
async function likenessOf({ source, int8 }: Builds, inputs: readonly Tensor[]): Promise<number> {
  const [first, second] = await Promise.all([open(source), open(int8)]);
  const ratios: number[] = [];
  for (const input of inputs) {
    const [wanted, found] = await Promise.all(
      [first, second].map(
        async (session) =>
          (await session.run({ [session.inputNames[0] ?? '']: input }))[session.outputNames[0] ?? '']?.data as Float32Array,
      ),
    );
    let [signal, noise] = [0, 0];
    for (const [index, value] of (wanted ?? []).entries())
      [signal, noise] = [signal + value ** 2, noise + (value - (found?.[index] ?? 0)) ** 2];
    ratios.push(10 * Math.log10(signal / noise));
  }
  await Promise.all([first.release(), second.release()]);
  return ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
}

const RUNS_PROFILED = 5;
const eventSchema = z.array(
  z.object({
    cat: z.string(),
    name: z.string(),
    dur: z.number().default(0),
    args: z.object({ op_name: z.string().optional() }).optional(),
  }),
);

/** Where the time goes: operators with more than a fiftieth of it. */
async function sharesOf(file: string, input: Tensor): Promise<string[]> {
  const prefix = `${file}-profile`;
  const session = await InferenceSession.create(file, {
    graphOptimizationLevel: 'all',
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    enableProfiling: true,
    profileFilePrefix: prefix,
  });
  for (let run = 0; run < RUNS_PROFILED; run += 1) await session.run({ [session.inputNames[0] ?? '']: input });
  session.endProfiling();
  const { glob } = await import('node:fs/promises');
  const sums = new Map<string, number>();
  for await (const path of glob(`${prefix}*`)) {
    for (const { cat, name, dur, args } of eventSchema.parse(JSON.parse(await readFile(path, 'utf8')))) {
      const operator = args?.op_name;
      if (cat === 'Node' && name.endsWith('_kernel_time') && operator !== undefined) sums.set(operator, (sums.get(operator) ?? 0) + dur);
    }
  }
  await session.release();
  const all = [...sums.values()].reduce((sum, each) => sum + each, 0);
  return [...sums]
    .filter(([, sum]) => sum > all / 50)
    .toSorted(([, a], [, b]) => b - a)
    .map(([operator, sum]) => `${operator.padEnd(24)} ${((100 * sum) / all).toFixed(1)} % of the time`);
}
