import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipelineSchema, releaseSchema, StarlingError } from '@starling/shared';
import type { InstalledRelease, RuntimeHost } from '../../agent/src/core/ports/runtime-host.ts';
import { createHostProcess } from '../../agent/src/node/engine/host-process.ts';
import type { BuiltResult } from '../../fleet/src/artefacts/index.ts';
import { demoModels } from '../demo/models.ts';
import { readSigns } from '../demo/read-signs.ts';
import { childEnvironment } from '../harness/config.ts';
import { buildByMethod } from './build-artefact.ts';

const RUN_TIMEOUT_MS = 60_000;
const WINDOW_MS = 10_000;
/** A digest that names nothing: what runs here never came over the wire. */
const NO_DIGEST = '0'.repeat(64);

/** A folder that goes when the work is over. */
export async function withFolder<Value>(work: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Both artefacts of each demo model, by the fleet's own builder. Model -> artefacts. */
export async function buildDemoArtefacts(folder: string): Promise<ReadonlyMap<string, BuiltResult[]>> {
  const built = new Map<string, BuiltResult[]>();
  for (const { name, file, card } of demoModels) {
    const model = { file, exampleShapes: card.exampleShapes };
    built.set(name, [await buildByMethod(folder, model, 'source'), await buildByMethod(folder, model, 'weights-int8')]);
  }
  return built;
}

/** The demo's release with one precision of each model. */
export function installDemoRelease(artefacts: ReadonlyMap<string, BuiltResult[]>, precision: 'fp32' | 'int8'): InstalledRelease {
  const chosen = [...artefacts].map(([name, built]) => {
    const artefact = built.find((each) => each.precision === precision);
    if (artefact === undefined) throw new StarlingError('no-artefact', `${name} was not built as ${precision}`);
    return [name, artefact] as const;
  });
  return installDemoFiles(new Map(chosen), precision);
}

/** What of an artefact the runtime has to know. */
export type RunnableFile = Pick<BuiltResult, 'file' | 'executionProviders'>;

/** The demo's release with a file for each model, as the control plane of an agent would install it. */
export function installDemoFiles(files: ReadonlyMap<string, RunnableFile>, precision: 'fp32' | 'int8'): InstalledRelease {
  const pipeline = pipelineSchema.parse(readSigns);
  const models = [...files].map(([name, { file: location, executionProviders }]) => {
    return { name, artefact: `${name}-${precision}`, location, precision, executionProviders };
  });
  const release = releaseSchema.parse({
    ...{ kind: 'release', schemaVersion: 1, fleetId: 'bench', name: `read-signs-${precision}`, createdAtMs: 0 },
    pipeline: { name: pipeline.name, version: pipeline.version, digest: NO_DIGEST },
    models: demoModels.map(({ name, version }) => ({ name, version, digest: NO_DIGEST })),
    policies: { egress: { outputs: ['readings'] } },
  });
  const assets = Object.fromEntries(
    demoModels.flatMap(({ name, assets: files = {} }) => Object.entries(files).map(([asset, path]) => [`${name}/${asset}`, path])),
  );
  return { key: precision, digest: NO_DIGEST, release, pipeline, models, assets, telemetryWindowMs: WINDOW_MS };
}

/** The agent's runtime host, a process of its own, with nothing loaded. @param threads of one model run; 0 lets the engine decide */
export function startRuntimeHost(dataDirectory: string, threads: number): RuntimeHost {
  return createHostProcess({
    dataDirectory,
    machine: { threads, arena: true },
    runTimeoutMs: RUN_TIMEOUT_MS,
    workerFile: './session-worker.ts',
    scriptFile: './script-worker.ts',
    hostFile: new URL('../../agent/src/node/engine/runtime-host.ts', import.meta.url),
    environment: childEnvironment({}),
  });
}

/** Works on every item, `inFlight` of them at once. */
export async function inParallel<Item>(
  items: readonly Item[],
  inFlight: number,
  work: (item: Item, place: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let place = next++; place < items.length; place = next++) await work(items[place] as Item, place);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}
