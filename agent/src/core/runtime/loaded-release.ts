import { type InferenceResult, type Monitor, messageOf, StarlingError } from '@starling/shared';
import { createEgressGate } from '../egress/index.ts';
import { createDriftWatch, createInferenceWindow, type DriftWatch, type InferenceWindow, measure } from '../monitors/index.ts';
import {
  type CompiledPipeline,
  compilePipeline,
  createWorkQueue,
  type ItemRun,
  type NodeWork,
  runItem,
  type WorkQueue,
} from '../pipelines/index.ts';
import { type ImageStatistics, imageStatistics, isRawImage } from '../pipelines/operators/index.ts';
import type { Engine } from '../ports/engine.ts';
import type { ImageInput, RawImage } from '../ports/image-codec.ts';
import type { InstalledRelease } from '../ports/runtime-host.ts';
import type { LoadedModel, SessionPool } from '../sessions/index.ts';
import { bindNode, type NodePorts } from './bind-node.ts';
import { bindOperator, type OperatorPorts } from './bind-operator.ts';
import type { ReferenceStore } from './reference-store.ts';

/** Items of one pipeline that are in the graph at once: while one is in a model, another is decoded or cropped. */
export const ITEM_CONCURRENCY = 3;

/** A release whose models are loaded and whose graph is ready to run. */
export interface LoadedRelease {
  readonly installed: InstalledRelease;
  readonly models: readonly LoadedModel[];
  readonly queue: WorkQueue;
  readonly window: InferenceWindow;
  readonly watches: ReadonlyMap<string, { monitor: Monitor; watch: DriftWatch }>;
  infer(input: ImageInput, signal: AbortSignal | undefined): Promise<InferenceResult>;
  unload(): Promise<void>;
}

export interface LoadPorts extends OperatorPorts {
  engine: Engine;
  pool: SessionPool;
  references: ReferenceStore;
}

/** Loads every model, binds every node. On failure nothing stays loaded. */
export async function loadRelease(installed: InstalledRelease, ports: LoadPorts): Promise<LoadedRelease> {
  const models: LoadedModel[] = [];
  try {
    for (const model of installed.models) models.push(await ports.pool.acquire(model, installed.release.requiredProviders));
    return assemble(installed, models, ports, await watchesOf(installed, ports.references));
  } catch (error) {
    await Promise.allSettled(models.map((model) => ports.pool.release(model.artefact)));
    throw error;
  }
}

async function watchesOf(installed: InstalledRelease, references: ReferenceStore): Promise<LoadedRelease['watches']> {
  const watches = new Map<string, { monitor: Monitor; watch: DriftWatch }>();
  for (const [name, monitor] of Object.entries(installed.pipeline.monitors)) {
    watches.set(name, { monitor, watch: createDriftWatch(monitor, await references.read(installed.digest, name)) });
  }
  return watches;
}

function assemble(
  installed: InstalledRelease,
  models: readonly LoadedModel[],
  ports: LoadPorts,
  watches: LoadedRelease['watches'],
): LoadedRelease {
  const { pipeline, release } = installed;
  const byName = new Map(models.map((model) => [model.name, model]));
  const nodePorts: NodePorts = {
    engine: ports.engine,
    operator: (name, node) => bindOperator(name, node, installed, ports),
    model(name, node) {
      const model = byName.get(node.model);
      if (model !== undefined) return model;
      throw new StarlingError('unknown-model', `the release pins no model "${node.model}"`, { field: `nodes.${name}.model` });
    },
  };
  const compiled: CompiledPipeline<NodeWork> = compilePipeline(pipeline, (name, node) => bindNode(name, node, nodePorts));
  const inputName = Object.keys(pipeline.inputs)[0] ?? 'image';
  const queue = createWorkQueue({ ...pipeline.queue, concurrency: ITEM_CONCURRENCY });
  const window = createInferenceWindow(pipeline.name, installed.digest);
  const gate = createEgressGate(release.policies.egress);
  const { clock } = ports;

  const infer = async (input: ImageInput, signal: AbortSignal | undefined): Promise<InferenceResult> => {
    const startedMs = clock.monotonicMs();
    try {
      const run = await queue.push(() => runItem(compiled, { [inputName]: input }, { clock, signal }));
      const latencyMs = clock.monotonicMs() - startedMs;
      window.succeeded(latencyMs, run.nodesMs);
      observe(watches, run);
      const outputs = gate.outputs(run.outputs);
      return { pipeline: pipeline.name, release: installed.digest, outputs, ...imageSizeOf(run), latencyMs, nodesMs: run.nodesMs };
    } catch (error) {
      const code = error instanceof StarlingError ? error.code : 'node-failed';
      // What a full queue turns away is counted there, as dropped.
      if (code !== 'dropped' && code !== 'overloaded') window.failed(code);
      throw error instanceof StarlingError ? error : new StarlingError(code, messageOf(error), { cause: error });
    }
  };
  const unload = async (): Promise<void> => {
    await queue.idle();
    await Promise.allSettled(models.map((model) => ports.pool.release(model.artefact)));
  };
  return { installed, models, queue, window, watches, infer, unload };
}

function observe(watches: LoadedRelease['watches'], run: ItemRun): void {
  // Several monitors may watch one image: its pixels are gone through once.
  const known = new Map<RawImage, ImageStatistics>();
  const statisticsOf = (image: RawImage): ImageStatistics => {
    const statistics = known.get(image) ?? imageStatistics(image);
    known.set(image, statistics);
    return statistics;
  };
  for (const { monitor, watch } of watches.values()) {
    const value = run.values.get(monitor.edge);
    if (value !== undefined) watch.add(measure(monitor, value, statisticsOf));
  }
}

/** Size of the first decoded image, so that whoever draws the result knows its coordinates. */
function imageSizeOf(run: ItemRun): Pick<InferenceResult, 'image'> {
  for (const value of run.values.values()) {
    if (isRawImage(value)) return { image: { width: value.width, height: value.height } };
  }
  return {};
}
