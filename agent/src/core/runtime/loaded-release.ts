import { type InferenceResult, StarlingError } from '@starling/shared';
import type { InferInput, InstalledRelease } from '../ports/runtime-host.ts';
import { createTurns, type LoadedModel, type SessionPool } from '../sessions/index.ts';
import { loadPipeline, type ModelSessions, type PipelinePorts } from './loaded-pipeline.ts';
import type { LoadedPipeline, RunOptions } from './pipeline-in-release.ts';

/** A release whose models are loaded and whose graphs are ready to run. */
export interface LoadedRelease {
  readonly installed: InstalledRelease;
  readonly models: readonly LoadedModel[];
  /** The main one first. */
  readonly pipelines: readonly LoadedPipeline[];
  /** The one of that name, or the main one. @throws StarlingError `unknown-pipeline` */
  pipeline(name: string | undefined): LoadedPipeline;
  /** Runs an item through the pipeline that the options name, else through the main one. @throws StarlingError `unknown-pipeline` */
  infer(input: InferInput, options: RunOptions): Promise<InferenceResult>;
  unload(): Promise<void>;
}

export interface LoadPorts extends PipelinePorts {
  pool: SessionPool;
}

/** Loads every model, binds every node of every pipeline. On failure nothing stays loaded. */
export async function loadRelease(installed: InstalledRelease, ports: LoadPorts): Promise<LoadedRelease> {
  const models: LoadedModel[] = [];
  const pipelines: LoadedPipeline[] = [];
  try {
    for (const model of installed.models) models.push(await ports.pool.acquire(model, installed.release.requiredProviders));
    const sessionsFor = shareOut(models, installed);
    pipelines.push(await loadPipeline(installed.pipeline, '', installed, sessionsFor(installed.pipeline.priority), ports));
    for (const pipeline of installed.alongside ?? []) {
      pipelines.push(await loadPipeline(pipeline, `${pipeline.name}:`, installed, sessionsFor(pipeline.priority), ports));
    }
    return assemble(installed, models, pipelines, ports.pool);
  } catch (error) {
    await Promise.all(pipelines.map((pipeline) => pipeline.close()));
    await Promise.allSettled(models.map((model) => ports.pool.release(model.artefact)));
    throw error;
  }
}

/** Pipelines that share a model take turns at it; one alone goes straight to the session. */
function shareOut(models: readonly LoadedModel[], { alongside = [] }: InstalledRelease): (priority: number) => ModelSessions {
  if (alongside.length === 0) {
    const sessions: ModelSessions = new Map(models.map((model) => [model.name, { model, session: model.session }]));
    return () => sessions;
  }
  const turns = models.map((model) => ({ model, turns: createTurns(model.session) }));
  return (priority) => new Map(turns.map(({ model, turns }) => [model.name, { model, session: turns.sessionFor(priority) }]));
}

function assemble(
  installed: InstalledRelease,
  models: readonly LoadedModel[],
  pipelines: readonly LoadedPipeline[],
  pool: SessionPool,
): LoadedRelease {
  const named = (name: string | undefined): LoadedPipeline => {
    const found = name === undefined ? pipelines[0] : pipelines.find(({ pipeline }) => pipeline.name === name);
    if (found !== undefined) return found;
    const hint = `pipelines of the release: ${pipelines.map(({ pipeline }) => pipeline.name).join(', ')}`;
    throw new StarlingError('unknown-pipeline', `the release runs no pipeline "${name ?? ''}"`, { field: 'pipeline', hint });
  };
  return {
    ...{ installed, models, pipelines, pipeline: named },
    infer: async (input, options) => named(options.pipeline).infer(input, options),
    async unload() {
      await Promise.all(pipelines.map(({ queue }) => queue.idle()));
      for (const { tracer } of pipelines) tracer.flush();
      await Promise.all(pipelines.map((pipeline) => pipeline.close()));
      await Promise.allSettled(models.map((model) => pool.release(model.artefact)));
    },
  };
}
