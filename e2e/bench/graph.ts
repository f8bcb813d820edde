import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { pipelineGraphSchema, StarlingError } from '@starling/shared';
import type { Graph } from '../../agent/src/core/pipelines/index.ts';
import type { Engine, EngineSession, Tensor } from '../../agent/src/core/ports/engine.ts';
import type { ImageCodec } from '../../agent/src/core/ports/image-codec.ts';
import { type Evaluation, openEvaluation } from '../../agent/src/core/runtime/index.ts';
import { defaultSettings } from '../../agent/src/core/sessions/index.ts';
import { createSystemClock } from '../../agent/src/node/clock.ts';
import { readAsset } from '../../agent/src/node/engine/assets.ts';
import { createOnnxRuntime } from '../../agent/src/node/engine/onnxruntime.ts';
import { createSharpCodec } from '../../agent/src/node/image-codec.ts';
import { createThreadSandbox } from '../../agent/src/node/sandbox.ts';
import { demoModels } from '../demo/models.ts';
import { readSigns } from '../demo/read-signs.ts';
import { writeScenes } from '../scenes/index.ts';
import { measureNeighbours } from './neighbours.ts';
import { createReadingLoop, type RunModel } from './reading-loop.ts';
import { type Measure, median, type Say } from './result.ts';
import { withFolder } from './runtime.ts';
import { chainOf, measureWatching } from './watching.ts';

const VISITS_PER_SECOND = 200_000;
const LOOP_RATIO = 0.97;
const WATCHED_COST_PERCENT = 1;
const NODES = 20;
const ITEMS = 5_000;
const ROUNDS = 9;
const SCENES = 6;
const READ_ROUNDS = 25;

/** What the engine itself costs: visits of trivial nodes, the whole of read-signs, what watches it, and what pipelines cost each other. */
export async function measureGraph(say: Say): Promise<Measure[]> {
  return [
    ...(await measureVisits(say)),
    ...(await measureWatching(say)),
    ...(await measureReadSigns(say)),
    ...(await measureNeighbours(say)),
  ];
}

function trivialGraph(isAsync: boolean): Graph {
  const add = ({ a, b }: Readonly<Record<string, unknown>>) => ({ out: ((a as number) + (b as number)) % 1009 });
  const names = Array.from({ length: NODES }, (_, index) => `n${index}`);
  return chainOf(names, isAsync ? async (inputs) => add(inputs) : add);
}

async function visitsPerSecond(graph: Graph): Promise<number> {
  const startedMs = performance.now();
  for (let item = 0; item < ITEMS; item += 1) await graph.run({ values: { 'input.x': item }, stream: 'bench', timeMs: item });
  return (ITEMS * NODES) / ((performance.now() - startedMs) / 1000);
}

async function measureVisits(say: Say): Promise<Measure[]> {
  const rates: Record<'atOnce' | 'promised', number[]> = { atOnce: [], promised: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.atOnce.push(await visitsPerSecond(trivialGraph(false)));
    rates.promised.push(await visitsPerSecond(trivialGraph(true)));
  }
  say(
    `${Math.round(median(rates.atOnce))} visits/s of nodes that answer at once, ${Math.round(median(rates.promised))} of nodes that promise`,
  );
  return [
    { name: 'node visits, trivial nodes', value: median(rates.atOnce), unit: 'visits/s', target: VISITS_PER_SECOND },
    { name: 'node visits, trivial nodes that answer with a promise', value: median(rates.promised), unit: 'visits/s' },
  ];
}

type Reader = (image: Uint8Array) => Promise<unknown>;

function measureReadSigns(say: Say): Promise<Measure[]> {
  return withFolder(async (folder) => {
    const { scenes } = await writeScenes({ folder: join(folder, 'scenes'), count: SCENES, seed: 1 });
    const images = await Promise.all(scenes.map(async ({ file }) => new Uint8Array(await readFile(join(folder, 'scenes', file)))));
    const workerUrl = new URL('../../agent/src/node/engine/session-worker.ts', import.meta.url);
    const scriptWorkerUrl = new URL('../../agent/src/node/engine/script-worker.ts', import.meta.url);
    const onHung = (reason: string): never => {
      throw new StarlingError('bench-invalid', reason);
    };
    const engine = createOnnxRuntime({ workerUrl, runTimeoutMs: 60_000, onHung });
    const codec = createSharpCodec();
    const models = Object.fromEntries(demoModels.map(({ name, file, assets = {} }) => [name, { file, assets }]));
    const graph = pipelineGraphSchema.parse({
      ...{ inputs: readSigns.inputs, outputs: readSigns.outputs, nodes: readSigns.nodes, edges: readSigns.edges },
    });
    const open = () =>
      openEvaluation(
        { graph, models, exact: [], threads: 1 },
        { clock: createSystemClock(), codec, engine, readAsset, sandbox: createThreadSandbox(scriptWorkerUrl) },
      );
    const untouched = await open();
    const observed = await open();
    const loop = await openLoop(engine, codec);
    try {
      const readerOf =
        ({ run }: Evaluation): Reader =>
        async (input) =>
          (await run(input)).outputs.readings;
      const contestants = { viaGraph: readerOf(untouched), viaObserved: readerOf(observed), observe: observed.observe, viaLoop: loop.read };
      for (const image of images) {
        const read = await loop.read(image);
        for (const via of [contestants.viaGraph, contestants.viaObserved]) {
          if (!isDeepStrictEqual(await via(image), read)) {
            throw new StarlingError('bench-invalid', 'the graph reads something else than the loop');
          }
        }
      }
      return await compare(say, images, contestants);
    } finally {
      await untouched.close();
      await observed.close();
      await loop.close();
      await engine.close();
    }
  });
}

/** The hand-written loop over the same engine, with the settings that an evaluation has. */
async function openLoop(engine: Engine, codec: ImageCodec): Promise<{ read: Reader; close(): Promise<unknown> }> {
  const settings = defaultSettings('cpu', { threads: 1, arena: true });
  const fileOf = (name: string): string => demoModels.find((model) => model.name === name)?.file ?? '';
  const sessions = await Promise.all(['text-detection', 'text-recognition'].map((name) => engine.open(fileOf(name), settings)));
  const [detection, recognition] = sessions as [EngineSession, EngineSession];
  const dictionary = await readAsset(demoModels.find(({ name }) => name === 'text-recognition')?.assets?.dictionary ?? '');
  const { resize, normalise, read, collect, recognise } = readSigns.nodes as Record<string, { params?: unknown; batchMaximum?: number }>;
  const context = { codec, asset: async () => dictionary, allocateFloat32: (length: number) => engine.allocateFloat32(length) };
  const run =
    (session: EngineSession): RunModel =>
    async ({ data, shape }) => {
      const outputs = await session.run({ [session.inputNames[0] ?? '']: { elementType: 'float32', data, shape } });
      return outputs[session.outputNames[0] ?? ''] as Tensor & { data: Float32Array; elementType: 'float32' };
    };
  const loop = createReadingLoop({ detect: run(detection), recognise: run(recognition) }, context, {
    batchMaximum: recognise?.batchMaximum ?? 1,
    params: { resize: resize?.params, normalise: normalise?.params, read: read?.params, collect: collect?.params },
  });
  return { read: loop, close: () => Promise.all(sessions.map((session) => session.close())) };
}

interface Contestants {
  /** A graph that nobody ever watched. */
  viaGraph: Reader;
  /** Another of the same, that is watched now and then. */
  viaObserved: Reader;
  viaLoop: Reader;
  observe: Graph['observe'];
}

/**
 * Each picture is read in all four ways, one after the other: what the machine does beside takes seconds, and so meets
 * all four. Who goes first changes with each picture.
 */
async function compare(say: Say, images: readonly Uint8Array[], contestants: Contestants): Promise<Measure[]> {
  const { viaGraph, viaObserved, viaLoop, observe } = contestants;
  let seen = 0;
  const see = (): void => {
    seen += 1;
  };
  const viaWatched: Reader = async (image) => {
    const stop = observe({ value: see, node: see, item: see });
    await viaObserved(image).finally(stop);
  };
  const ways = [
    { name: 'graph', read: viaGraph },
    { name: 'loop', read: viaLoop },
    { name: 'watched', read: viaWatched },
    { name: 'after', read: viaObserved },
  ] as const;
  const times: Record<(typeof ways)[number]['name'], number[]> = { graph: [], loop: [], watched: [], after: [] };
  for (let round = 0; round < READ_ROUNDS; round += 1) {
    for (const [index, image] of images.entries()) {
      for (let turn = 0; turn < ways.length; turn += 1) {
        const { name, read } = ways[(turn + index + round) % ways.length] as (typeof ways)[number];
        const startedMs = performance.now();
        await read(image);
        times[name].push(performance.now() - startedMs);
      }
    }
    const shown = ways.map(({ name }) => `${name} ${median(times[name].slice(-images.length)).toFixed(1)}`);
    say(`round ${round + 1}: ${shown.join(', ')} ms a picture`);
  }
  const ratio = (a: readonly number[], b: readonly number[]): number => median(a.map((value, index) => value / (b[index] ?? Number.NaN)));
  const percent = (a: readonly number[]): number => (ratio(a, times.graph) - 1) * 100;
  say(`${seen} values, runs and items were seen`);
  return [
    { name: 'read-signs in the graph', value: median(times.graph), unit: 'ms' },
    { name: 'the same calls by hand', value: median(times.loop), unit: 'ms' },
    { name: 'throughput of the graph against the loop', value: ratio(times.loop, times.graph), unit: 'x', target: LOOP_RATIO },
    {
      name: 'cost of watching, none attached any more',
      value: percent(times.after),
      unit: '%',
      target: WATCHED_COST_PERCENT,
      better: 'lower',
    },
    { name: 'cost of watching every value, run and item', value: percent(times.watched), unit: '%' },
  ];
}
