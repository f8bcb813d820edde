/** A pipeline and its models -> a runtime host that runs it, for items whose streams and times a test chooses. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Pipeline, releaseSchema } from '@starling/shared';
import type { InstalledRelease, RuntimeHost } from '../../agent/src/core/ports/runtime-host.ts';
import { createHostProcess } from '../../agent/src/node/engine/host-process.ts';

export interface RecipeRuntime {
  /** For what a test writes. */
  folder: string;
  infer: RuntimeHost['infer'];
  /** Loads a pipeline, in the place of the one before. @param models name -> ONNX file */
  run(pipeline: Pipeline, models?: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

export async function startRuntime(): Promise<RecipeRuntime> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-recipe-'));
  const host = createHostProcess({
    ...{ dataDirectory: folder, machine: { threads: 1, arena: false }, runTimeoutMs: 60_000 },
    hostFile: new URL('../../agent/src/node/engine/runtime-host.ts', import.meta.url),
    workerFile: './session-worker.ts',
    scriptFile: './script-worker.ts',
    environment: process.env,
  });
  return {
    folder,
    infer: (input, options) => host.infer(input, options),
    async run(pipeline, models = {}) {
      await host.load(installed(pipeline, models));
      await host.activate(pipeline.name);
    },
    async close() {
      await host.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function installed(pipeline: Pipeline, models: Readonly<Record<string, string>>): InstalledRelease {
  const digest = '0'.repeat(64);
  const release = releaseSchema.parse({
    ...{ kind: 'release', schemaVersion: 1, fleetId: 'recipes', name: pipeline.name, createdAtMs: 0, models: [] },
    pipeline: { name: pipeline.name, version: pipeline.version, digest },
    policies: { egress: { outputs: Object.keys(pipeline.outputs) } },
  });
  return {
    ...{ key: pipeline.name, digest, release, pipeline, assets: {}, telemetryWindowMs: 60_000 },
    models: Object.entries(models).map(([name, location]) => ({
      ...{ name, artefact: name, location, precision: 'fp32', executionProviders: ['cpu'] },
    })),
  };
}
