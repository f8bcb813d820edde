/** A pipeline of two places and its models -> two runtime hosts, each with what belongs to it, joined as a fleet joins them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Pipeline, releaseSchema } from '@starling/shared';
import type { InstalledRelease, RuntimeHost } from '../../agent/src/core/ports/runtime-host.ts';
import { createHostProcess } from '../../agent/src/node/engine/host-process.ts';

const [HOME, WORKER] = ['a'.repeat(26), 'b'.repeat(26)] as const;

export interface ModelAtHand {
  name: string;
  file: string;
  assets?: Readonly<Record<string, string>>;
}

export interface TwoHosts {
  /** Of the host that has the items. */
  infer: RuntimeHost['infer'];
  /** Bytes that went to the other machine, and came back. */
  travelled: { there: number; back: number };
  close(): Promise<void>;
}

export async function startTwoHosts(
  pipeline: Pipeline,
  streams: readonly string[],
  models: { home: readonly ModelAtHand[]; cloud: readonly ModelAtHand[] },
): Promise<TwoHosts> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-two-hosts-'));
  const start = (): RuntimeHost =>
    createHostProcess({
      ...{ dataDirectory: folder, machine: { threads: 1, arena: false }, runTimeoutMs: 60_000 },
      hostFile: new URL('../../agent/src/node/engine/runtime-host.ts', import.meta.url),
      workerFile: './session-worker.ts',
      scriptFile: './script-worker.ts',
      environment: process.env,
    });
  const [home, worker] = [start(), start()];
  const travelled = { there: 0, back: 0 };
  const connect = (from: RuntimeHost, name: string, to: RuntimeHost, way: keyof typeof travelled): void =>
    from.onEvent((event) => {
      if (event.type !== 'stream') return;
      travelled[way] += event.payload.length;
      void to.stream(name, { pipeline: event.pipeline, part: event.part }, event.payload);
    });
  connect(home, HOME, worker, 'there');
  connect(worker, WORKER, home, 'back');
  const all = [...models.home, ...models.cloud];
  for (const [host, own, places] of [
    [home, models.home, undefined],
    [worker, models.cloud, ['cloud']],
  ] as const) {
    await host.load(installed(pipeline, streams, own, all, places));
    await host.activate(pipeline.name);
  }
  await home.placement({ isOnline: true, workers: { cloud: WORKER }, grant: '' });
  return {
    infer: (input, options) => home.infer(input, options),
    travelled,
    async close() {
      await Promise.all([home.close(), worker.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function installed(
  pipeline: Pipeline,
  streams: readonly string[],
  own: readonly ModelAtHand[],
  all: readonly ModelAtHand[],
  places: readonly string[] | undefined,
): InstalledRelease {
  const digest = '0'.repeat(64);
  const release = releaseSchema.parse({
    ...{ kind: 'release', schemaVersion: 1, fleetId: 'recipes', name: pipeline.name, createdAtMs: 0, models: [] },
    pipeline: { name: pipeline.name, version: pipeline.version, digest },
    policies: { egress: { outputs: Object.keys(pipeline.outputs), streams } },
  });
  const assets = all.flatMap(({ name, assets: files = {} }) =>
    Object.entries(files).map(([asset, path]) => [`${name}/${asset}`, path] as const),
  );
  return {
    ...{ key: pipeline.name, digest, release, pipeline, assets: Object.fromEntries(assets), telemetryWindowMs: 60_000 },
    ...(places === undefined ? {} : { places }),
    models: own.map(({ name, file }) => ({
      ...{ name, artefact: name, location: file, precision: 'fp32', executionProviders: ['cpu'] },
    })),
  };
}
