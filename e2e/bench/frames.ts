import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Worker } from 'node:worker_threads';
import { StarlingError } from '@starling/shared';
import type { InstalledRelease } from '../../agent/src/core/ports/runtime-host.ts';
import { readSigns } from '../demo/read-signs.ts';
import { writeScenes } from '../scenes/index.ts';
import type { LoopFiles, LoopReply, LoopRequest } from './frames-messages.ts';
import { processorTimeMs } from './processor-time.ts';
import { type Measure, median, type Say } from './result.ts';
import { buildDemoArtefacts, inParallel, installDemoRelease, startRuntimeHost, withFolder } from './runtime.ts';

const SCENES = 16;
const SEED = 1;
const ROUNDS = 9;
/** As many as the runtime works on at once, and one that waits. */
const IN_FLIGHT = 4;
/** The default of the agent: ONNX Runtime decides. */
const THREADS = 0;
const TARGET = 0.95;

/** Reads an image with all its text. */
type Reader = (image: Uint8Array) => Promise<unknown>;

/** The same pictures through the agent's runtime host and through a hand-written loop, by turns. */
export function measureFrames(say: Say): Promise<Measure[]> {
  return withFolder(async (folder) => {
    const { scenes } = await writeScenes({ folder: join(folder, 'scenes'), count: SCENES, seed: SEED });
    const images = await Promise.all(scenes.map(async ({ file }) => new Uint8Array(await readFile(join(folder, 'scenes', file)))));
    say('building the artefacts');
    const installed = installDemoRelease(await buildDemoArtefacts(folder), 'fp32');
    const host = startRuntimeHost(folder, THREADS);
    const loop = await startLoop(installed);
    try {
      await host.load(installed);
      await host.activate(installed.key);
      const agent: Reader = async (image) => (await host.infer(image)).outputs.readings;
      await requireEqual(images, agent, loop.read);
      const agentRuns: Run[] = [];
      const loopRuns: Run[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        // Who goes first changes, so that a machine that warms up or gets busy favours neither.
        if (round % 2 === 1) loopRuns.push(await time(images, loop.read, 1));
        agentRuns.push(await time(images, agent, IN_FLIGHT));
        if (round % 2 === 0) loopRuns.push(await time(images, loop.read, 1));
        const shown = [agentRuns.at(-1), loopRuns.at(-1)].map((run) => run?.framesPerSecond.toFixed(2));
        say(`round ${round + 1}: agent ${shown[0]}, loop ${shown[1]} frames/s`);
      }
      return measuresOf(agentRuns, loopRuns);
    } finally {
      await loop.close();
      await host.close();
    }
  });
}

interface Run {
  framesPerSecond: number;
  processorMsPerFrame: number;
}

async function time(images: readonly Uint8Array[], read: Reader, inFlight: number): Promise<Run> {
  const processorMs = await processorTimeMs();
  const startedMs = performance.now();
  await inParallel(images, inFlight, async (image) => void (await read(image)));
  const tookMs = performance.now() - startedMs;
  return {
    framesPerSecond: images.length / (tookMs / 1000),
    processorMsPerFrame: ((await processorTimeMs()) - processorMs) / images.length,
  };
}

function measuresOf(agent: readonly Run[], loop: readonly Run[]): Measure[] {
  const ratios = agent.map(({ framesPerSecond }, round) => framesPerSecond / (loop[round]?.framesPerSecond ?? Number.NaN));
  const rate = (runs: readonly Run[]): number => median(runs.map((run) => run.framesPerSecond));
  const effort = (runs: readonly Run[]): number => median(runs.map((run) => run.processorMsPerFrame));
  return [
    { name: 'runtime host of the agent', value: rate(agent), unit: 'frames/s' },
    { name: 'hand-written loop in one worker thread', value: rate(loop), unit: 'frames/s' },
    { name: 'agent against loop, median of rounds', value: median(ratios), unit: 'x', target: TARGET },
    { name: 'processor time of a frame, agent', value: effort(agent), unit: 'ms' },
    { name: 'processor time of a frame, loop', value: effort(loop), unit: 'ms' },
  ];
}

/** Warms both up, and proves that they do the same work. */
async function requireEqual(images: readonly Uint8Array[], agent: Reader, loop: Reader): Promise<void> {
  for (const [place, image] of images.entries()) {
    if (isDeepStrictEqual(await agent(image), await loop(image))) continue;
    throw new StarlingError('bench-invalid', `scene ${place + 1} reads differently in the agent and in the loop`);
  }
}

async function startLoop(installed: InstalledRelease): Promise<{ read: Reader; close(): Promise<unknown> }> {
  const locationOf = (name: string): string => installed.models.find((model) => model.name === name)?.location ?? '';
  const { resize, normalise, read, collect, recognise } = readSigns.nodes as Record<string, { params?: unknown; batchMaximum?: number }>;
  const files: LoopFiles = {
    detection: locationOf('text-detection'),
    recognition: locationOf('text-recognition'),
    dictionary: installed.assets['text-recognition/dictionary'] ?? '',
    threads: THREADS,
    batchMaximum: recognise?.batchMaximum ?? 1,
    params: { resize: resize?.params, normalise: normalise?.params, read: read?.params, collect: collect?.params },
  };
  const worker = new Worker(new URL('./frames-worker.ts', import.meta.url), { workerData: files });
  const waiting = new Map<number, (reply: LoopReply) => void>();
  let nextId = 1;
  await new Promise<void>((resolve, reject) => {
    waiting.set(0, () => resolve());
    worker.once('error', reject);
    worker.on('message', (reply: LoopReply) => {
      waiting.get(reply.id)?.(reply);
      waiting.delete(reply.id);
    });
  });
  return {
    read: (image) =>
      new Promise((resolve) => {
        const id = nextId++;
        waiting.set(id, ({ readings }) => resolve(readings));
        worker.postMessage({ id, image } satisfies LoopRequest);
      }),
    close: () => worker.terminate(),
  };
}
