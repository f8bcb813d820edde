import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildMethod, buildRecipeSchema, calibrationOptionsSchema } from '@starling/shared';
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { calibrate } from '../../fleet/src/artefacts/calibrate/index.ts';
import type { FeedSource } from '../../fleet/src/artefacts/contracts.ts';
import { type OnnxModel, openModel, readModel, writeModel } from '../../fleet/src/artefacts/onnx/index.ts';
import { optimiseModel } from '../../fleet/src/artefacts/optimise/index.ts';
import { calibratedEdges, prepareForQuantising } from '../../fleet/src/artefacts/static/index.ts';
import { demoModels } from '../demo/models.ts';
import { buildByMethod } from './build-artefact.ts';
import { peakOfChildren } from './peak-memory.ts';
import { prepareSamples } from './quantise-samples.ts';
import { type Measure, median, type Say } from './result.ts';
import { withFolder } from './runtime.ts';
import { writeStack } from './write-stack.ts';

const STACKS = [
  { label: '10 MB', side: 512, layers: 10 },
  { label: '500 MB', side: 4000, layers: 8 },
] as const;
const METHODS: readonly BuildMethod[] = ['source', 'optimised', 'weights-int8', 'weights-int4'];
const MEGABYTE = 1_000_000;
/** What a build may hold beside three times its source: the runtimes themselves. */
const BESIDE_BYTES = 200 * MEGABYTE;
const SOURCES_MAXIMUM = 3;

const SCENES = { count: 8, seed: 7 };
const ROUNDS = 3;
const THROUGHPUT_MINIMUM = 0.8;

/** Memory of builds, and what calibration costs beside running the model. */
export function measureBuild(say: Say): Promise<Measure[]> {
  return withFolder(async (folder) => [...(await measureMemory(folder, say)), ...(await measureThroughput(folder, say))]);
}

async function measureMemory(folder: string, say: Say): Promise<Measure[]> {
  const measures: Measure[] = [];
  for (const { label, side, layers } of STACKS) {
    const file = join(folder, `stack-${side}.onnx`);
    writeStack(file, side, layers);
    const { size } = await stat(file);
    for (const method of METHODS) {
      const own = await mkdtemp(join(folder, 'memory-'));
      const peak = await peakOfChildren(() => buildByMethod(own, { file }, method));
      await rm(own, { recursive: true });
      say(`${label}, ${method}: ${(peak / size).toFixed(1)} x the source`);
      measures.push({
        name: `${label}, ${method}: peak memory`,
        value: peak / MEGABYTE,
        unit: 'MB',
        target: (SOURCES_MAXIMUM * size + BESIDE_BYTES) / MEGABYTE,
        better: 'lower',
      });
    }
    await rm(file);
  }
  return measures;
}

/** Samples per processor second through `calibrate`, against a loop that only runs a model, all on one thread. */
async function measureThroughput(folder: string, say: Say): Promise<Measure[]> {
  const { pictures } = await prepareSamples(join(folder, 'scenes'), SCENES.count, SCENES.seed);
  const file = demoModels[0]?.file ?? '';
  const recipe = buildRecipeSchema.parse({ method: 'static-int8' });
  const { model, close } = openModel(file);
  await optimiseModel(model);
  prepareForQuantising(model, recipe);
  const bytes = writeModel(model);
  close();
  const edges = calibratedEdges(readModel(bytes), recipe);
  say(`calibrating ${edges.length} values of ${pictures.length} pictures`);
  const times: Record<'source' | 'optimised' | 'minmax' | 'mse', number[]> = { source: [], optimised: [], minmax: [], mse: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    times.source.push(await timeOfLoop(file, pictures));
    times.optimised.push(await timeOfLoop(bytes, pictures));
    for (const method of ['minmax', 'mse'] as const) times[method].push(await timeOfCalibration(bytes, edges, pictures, method));
  }
  const ratio = (loop: 'source' | 'optimised', method: 'minmax' | 'mse'): number => median(times[loop]) / median(times[method]);
  const target = { target: THROUGHPUT_MINIMUM };
  return [
    { name: 'calibration by minmax / running the graph that it calibrates', value: ratio('optimised', 'minmax'), unit: 'x', ...target },
    { name: 'calibration by mse / running the graph that it calibrates', value: ratio('optimised', 'mse'), unit: 'x' },
    { name: 'calibration by minmax / running the source', value: ratio('source', 'minmax'), unit: 'x' },
    { name: 'calibration by mse / running the source', value: ratio('source', 'mse'), unit: 'x' },
    { name: 'running the graph, a picture', value: median(times.optimised), unit: 'ms' },
  ];
}

const options = { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 } as const;

async function timeOfLoop(model: string | Uint8Array, pictures: readonly Tensor[]): Promise<number> {
  const session = await (typeof model === 'string' ? InferenceSession.create(model, options) : InferenceSession.create(model, options));
  const name = session.inputNames[0] ?? '';
  const perSample = await timePerSample(pictures.length, async (done) => {
    for (const picture of pictures) {
      await session.run({ [name]: picture });
      done();
    }
  });
  await session.release();
  return perSample;
}

async function timeOfCalibration(
  bytes: Uint8Array,
  edges: readonly string[],
  pictures: readonly Tensor[],
  method: 'minmax' | 'mse',
): Promise<number> {
  const model = readModel(bytes);
  const name = model.graph.input[0]?.name ?? '';
  const source: FeedSource = {
    samples: pictures.length,
    async *feeds() {
      for (const picture of pictures) yield { [name]: picture };
    },
  };
  const calibration = calibrationOptionsSchema.parse({ method });
  const open = (tapped: OnnxModel): Promise<InferenceSession> => InferenceSession.create(writeModel(tapped), options);
  return timePerSample(pictures.length, async (onSample) => void (await calibrate(model, edges, source, { calibration, open, onSample })));
}

/** Median processor time from one sample to the next: what is done once, before the first, is shared by all samples of a set. */
async function timePerSample(samples: number, work: (done: () => void) => Promise<void>): Promise<number> {
  const times: number[] = [];
  let before: NodeJS.CpuUsage | undefined;
  await work(() => {
    const { user, system } = before === undefined ? { user: Number.NaN, system: Number.NaN } : process.cpuUsage(before);
    if (times.length < samples && before !== undefined) times.push((user + system) / 1000);
    before = process.cpuUsage();
  });
  return median(times);
}
