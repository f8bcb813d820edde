import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PipelineInput, pipelineSchema, releaseSchema } from '@starling/shared';
import type { InstalledRelease, RuntimeHost } from '../../agent/src/core/ports/runtime-host.ts';
import { writeScenes } from '../scenes/index.ts';
import { type Measure, median, type Say } from './result.ts';
import { startRuntimeHost, withFolder } from './runtime.ts';

const P99_RATIO = 1.5;
const ROUNDS = 5;
const ITEMS = 200;
const NO_DIGEST = '0'.repeat(64);

const good: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'good', version: '1.0.0', priority: 0 },
  ...{ inputs: { image: 'encoded-image' }, outputs: { size: 'json' } },
  nodes: {
    decode: { op: 'image.decode' },
    fit: { op: 'image.fit', params: { width: 320, height: 320 } },
    size: { op: 'image.statistics' },
  },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'fit.image' },
    { from: 'fit.image', to: 'size.image' },
    { from: 'size.statistics', to: 'output.size' },
  ],
};

/** A script that never ends, and a queue in front of it that never drains: every item is given up after its processor time. */
const bad: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'bad', version: '1.0.0', priority: 9 },
  ...{ inputs: { value: 'json' }, outputs: { value: 'json' } },
  nodes: {
    loop: {
      script: { source: 'export default () => { for (;;); };', inputs: { value: 'json' }, outputs: { value: 'json' }, cpuMs: 100 },
    },
  },
  edges: [
    { from: 'input.value', to: 'loop.value' },
    { from: 'loop.value', to: 'output.value' },
  ],
  queue: { length: 8, policy: 'latest' },
};

/** What a pipeline loses to another one of its device whose script loops for ever. */
export function measureNeighbours(say: Say): Promise<Measure[]> {
  return withFolder(async (folder) => {
    const { scenes } = await writeScenes({ folder: join(folder, 'scenes'), count: 1, seed: 1 });
    const image = new Uint8Array(await readFile(join(folder, 'scenes', scenes[0]?.file ?? '')));
    const host = startRuntimeHost(folder, 1);
    try {
      await host.load(release());
      await host.activate('neighbours');
      const ratios: number[] = [];
      const alone: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const before = await p99(host, image);
        const beside = await besideLoop(host, () => p99(host, image));
        alone.push(before);
        ratios.push(beside / before);
        say(`round ${round + 1}: 99th percentile ${before.toFixed(1)} ms alone, ${beside.toFixed(1)} ms beside a script that loops`);
      }
      return [
        { name: '99th percentile of a pipeline, alone', value: median(alone), unit: 'ms' },
        { name: 'the same beside one whose script loops for ever', value: median(ratios), unit: 'x', target: P99_RATIO, better: 'lower' },
      ];
    } finally {
      await host.close();
    }
  });
}

async function p99(host: RuntimeHost, image: Uint8Array): Promise<number> {
  const times: number[] = [];
  for (let item = 0; item < ITEMS; item += 1) {
    const startedMs = performance.now();
    await host.infer(image, { source: 'bench', pipeline: 'good' });
    times.push(performance.now() - startedMs);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(0.99 * ITEMS)] ?? 0;
}

async function besideLoop<Value>(host: RuntimeHost, work: () => Promise<Value>): Promise<Value> {
  let isOver = false;
  const load = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!isOver) await host.infer({ ports: { 'input.value': 1 } }, { source: 'loop', pipeline: 'bad' }).catch(() => undefined);
    }),
  );
  try {
    return await work();
  } finally {
    isOver = true;
    await load;
  }
}

function release(): InstalledRelease {
  const [main, beside] = [good, bad].map((pipeline) => pipelineSchema.parse(pipeline)) as [
    InstalledRelease['pipeline'],
    InstalledRelease['pipeline'],
  ];
  const pin = ({ name, version }: InstalledRelease['pipeline']) => ({ name, version, digest: NO_DIGEST });
  return {
    ...{ key: 'neighbours', digest: NO_DIGEST, models: [], assets: {}, telemetryWindowMs: 10_000 },
    release: releaseSchema.parse({
      ...{ kind: 'release', schemaVersion: 1, fleetId: 'bench', name: 'neighbours', createdAtMs: 0, models: [] },
      ...{ pipeline: pin(main), alongside: [pin(beside)] },
    }),
    pipeline: main,
    alongside: [beside],
  };
}
