import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type PipelineInput, pipelineSchema, releaseSchema, StarlingError } from '@starling/shared';
import type { InstalledRelease, RuntimeHost } from '../../agent/src/core/ports/runtime-host.ts';
import { createSystemClock } from '../../agent/src/node/clock.ts';
import { openCredentials } from '../../agent/src/node/credentials.ts';
import { systemRandom } from '../../agent/src/node/ids.ts';
import { createLog } from '../../agent/src/node/log.ts';
import { createPushEndpoints, createSources } from '../../agent/src/node/sources/index.ts';
import { demoModels } from '../demo/models.ts';
import { processorTimeMs } from './processor-time.ts';
import { type Measure, median, type Say } from './result.ts';
import { startRuntimeHost, withFolder } from './runtime.ts';

const STILL_S = 10;
const MOVING_S = 10;
const FRAMES_PER_SECOND = 25;
const NO_DIGEST = '0'.repeat(64);

/** What a camera of 720p is to a device: frames looked at, how late, and for how much of the processor; with a gate for motion and without. */
export function measureVideo(say: Say): Promise<Measure[]> {
  return withFolder(async (folder) => {
    const path = join(folder, 'camera.mp4');
    await film(path);
    const measures: Measure[] = [];
    for (const gated of [false, true]) {
      const host = startRuntimeHost(folder, 0);
      try {
        const release = releaseFor(path, gated);
        await host.load(release);
        await host.activate(release.key);
        const run = await watch(host, release, say);
        say(`${gated ? 'with' : 'without'} the gate: ${run.results} of ${run.frames} frames went through the detector`);
        measures.push(...measuresOf(run, gated ? 'motion gate' : 'no gate'));
      } finally {
        await host.close();
      }
    }
    return measures;
  });
}

/** A street that is still, then one on which something moves. */
async function film(path: string): Promise<void> {
  const size = `size=1280x720:rate=${FRAMES_PER_SECOND}`;
  const still = `smptehdbars=${size}:duration=${STILL_S}`;
  const moving = `testsrc2=${size}:duration=${MOVING_S}`;
  const graph = `${still},format=yuv420p[a];${moving},format=yuv420p[b];[a][b]concat=n=2[out]`;
  await promisify(execFile)('ffmpeg', [
    '-v',
    'error',
    '-filter_complex',
    graph,
    '-map',
    '[out]',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    path,
  ]);
}

interface Run {
  frames: number;
  results: number;
  seconds: number;
  waitsMs: number[];
  processorShare: number;
}

async function watch(host: RuntimeHost, { pipeline }: InstalledRelease, say: Say): Promise<Run> {
  const clock = createSystemClock();
  const waitsMs: number[] = [];
  let [frames, results] = [0, 0];
  const sources = createSources({
    ...{ device: 'bench', clock, random: systemRandom, endpoints: createPushEndpoints() },
    credentials: openCredentials('none.yaml'),
    log: createLog('warn', () => clock.wallMs(), say),
    tell: (level, code, message) => {
      if (level === 'error') throw new StarlingError('bench-invalid', `${code}: ${message}`);
    },
    sink: {
      async push(node, values, { stream, timeMs }) {
        frames += 1;
        const ports = Object.fromEntries(Object.entries(values).map(([port, value]) => [`${node}.${port}`, value]));
        const { outputs } = await host.infer({ ports }, { source: stream, timeMs });
        if (outputs['count'] !== undefined) results += 1;
        waitsMs.push(clock.wallMs() - timeMs);
        return outputs;
      },
    },
  });
  const [startedMs, processorMs] = [performance.now(), await processorTimeMs()];
  const opened = sources.open(pipeline);
  await opened.ended();
  const elapsedMs = performance.now() - startedMs;
  const usedMs = (await processorTimeMs()) - processorMs;
  await opened.close();
  await sources.closeAll();
  return { frames, results, seconds: elapsedMs / 1000, waitsMs, processorShare: usedMs / elapsedMs / availableParallelism() };
}

function pipelineFor(path: string, gated: boolean): PipelineInput {
  const image = gated ? 'gate.image' : 'decode.image';
  return {
    ...{ kind: 'pipeline', schemaVersion: 1, name: 'street', version: '1.0.0' },
    outputs: { count: 'json' },
    nodes: {
      camera: { source: 'video', params: { path, framesPerSecond: FRAMES_PER_SECOND } },
      decode: { op: 'image.decode' },
      ...(gated ? { gate: { op: 'motion.gate' } } : {}),
      resize: { op: 'image.resize', params: { longestSide: 640, multipleOf: 32 } },
      normalise: { op: 'image.to-tensor', params: { order: 'bgr' } },
      detect: { model: 'text-detection' },
      boxes: { op: 'dbnet.decode' },
      count: { op: 'value.compute', params: { inputs: ['boxes'], give: 'size(boxes)' } },
    },
    edges: [
      { from: 'camera.image', to: 'decode.image' },
      ...(gated ? [{ from: 'decode.image', to: 'gate.image' }] : []),
      { from: image, to: 'resize.image' },
      { from: 'resize.image', to: 'normalise.image' },
      { from: 'normalise.tensor', to: 'detect.x' },
      { from: 'detect.sigmoid_0.tmp_0', to: 'boxes.map' },
      { from: image, to: 'boxes.source' },
      { from: 'boxes.boxes', to: 'count.boxes' },
      { from: 'count.value', to: 'output.count' },
    ],
  };
}

function releaseFor(path: string, gated: boolean): InstalledRelease {
  const pipeline = pipelineSchema.parse(pipelineFor(path, gated));
  const location = demoModels.find(({ name }) => name === 'text-detection')?.file ?? '';
  return {
    ...{ key: 'street', digest: NO_DIGEST, pipeline, assets: {}, telemetryWindowMs: 10_000 },
    models: [{ name: 'text-detection', artefact: 'detection', location, precision: 'fp32', executionProviders: ['cpu'] }],
    release: releaseSchema.parse({
      ...{ kind: 'release', schemaVersion: 1, fleetId: 'bench', name: 'street', createdAtMs: 0, models: [] },
      pipeline: { name: pipeline.name, version: pipeline.version, digest: NO_DIGEST },
      policies: { egress: { outputs: ['count'] } },
    }),
  };
}

function measuresOf({ frames, results, seconds, waitsMs, processorShare }: Run, name: string): Measure[] {
  const sorted = waitsMs.toSorted((a, b) => a - b);
  return [
    { name: `frames taken up, ${name}`, value: frames / seconds, unit: 'frames/s' },
    { name: `frames through the detector, ${name}`, value: results / seconds, unit: 'frames/s' },
    { name: `source to result, median, ${name}`, value: median(waitsMs), unit: 'ms' },
    { name: `source to result, 95th percentile, ${name}`, value: sorted[Math.floor(0.95 * sorted.length)] ?? 0, unit: 'ms' },
    { name: `share of the processor, ${name}`, value: 100 * processorShare, unit: '%' },
  ];
}
