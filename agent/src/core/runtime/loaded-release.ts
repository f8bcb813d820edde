import {
  type ExpandedGraph,
  expandPipeline,
  INPUT_NODE,
  type InferenceResult,
  type Monitor,
  messageOf,
  type ParameterValues,
  parseTraceparent,
  resolveParameters,
  StarlingError,
} from '@starling/shared';
import { createEgressGate, createVisiblePorts } from '../egress/index.ts';
import { createDriftWatch, createInferenceWindow, type DriftWatch, type InferenceWindow, measure } from '../monitors/index.ts';
import {
  createRecentItems,
  createTracer,
  createWorkQueue,
  type ItemInput,
  type ItemResult,
  type Tracer,
  type WorkQueue,
} from '../pipelines/index.ts';
import { type ImageStatistics, imageStatistics, isRawImage } from '../pipelines/operators/index.ts';
import type { Engine } from '../ports/engine.ts';
import type { RawImage } from '../ports/image-codec.ts';
import type { Random } from '../ports/random.ts';
import type { HostEvent, InferInput, InferOptions, InstalledRelease } from '../ports/runtime-host.ts';
import type { LoadedModel, SessionPool } from '../sessions/index.ts';
import { buildGraph, type NodePorts } from './bind-node.ts';
import { bindOperator, type OperatorPorts } from './bind-operator.ts';
import { createDelivery } from './deliver.ts';
import type { ReferenceStore } from './reference-store.ts';
import type { WatchableRelease } from './watch-edges.ts';

/** A release whose models are loaded and whose graph is ready to run. */
export interface LoadedRelease extends WatchableRelease {
  readonly models: readonly LoadedModel[];
  readonly tracer: Tracer;
  readonly queue: WorkQueue;
  readonly window: InferenceWindow;
  readonly watches: ReadonlyMap<string, { monitor: Monitor; watch: DriftWatch }>;
  infer(input: InferInput, options: InferOptions): Promise<InferenceResult>;
  unload(): Promise<void>;
}

export interface LoadPorts extends OperatorPorts {
  engine: Engine;
  pool: SessionPool;
  references: ReferenceStore;
  random: Random;
  /** Share of the items whose way is recorded now. */
  traceRatio(): number;
  emit: (event: HostEvent) => void;
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

function nodePortsOf(installed: InstalledRelease, models: readonly LoadedModel[], ports: LoadPorts): NodePorts {
  const byName = new Map(models.map((model) => [model.name, model]));
  return {
    ...{ clock: ports.clock, engine: ports.engine, deliver: createDelivery(installed, ports.emit) },
    operator: (name, node) => bindOperator(name, node, installed, ports),
    model(name, node) {
      const model = byName.get(node.model);
      if (model !== undefined) return model;
      throw new StarlingError('unknown-model', `the release pins no model "${node.model}"`, { field: `nodes.${name}.model` });
    },
  };
}

function assemble(
  installed: InstalledRelease,
  models: readonly LoadedModel[],
  ports: LoadPorts,
  watches: LoadedRelease['watches'],
): LoadedRelease {
  const { pipeline, release } = installed;
  const values: ParameterValues = resolveParameters(pipeline.parameters);
  const expanded: ExpandedGraph = expandPipeline(pipeline, values);
  const nodePorts = nodePortsOf(installed, models, ports);
  const graph = buildGraph(expanded, nodePorts, pipeline.deadlineMs);
  const queue = createWorkQueue({ ...pipeline.queue, concurrency: pipeline.concurrency });
  const window = createInferenceWindow(pipeline.name, installed.digest);
  const gate = createEgressGate(release.policies.egress);
  const { clock } = ports;
  const recent = createRecentItems(graph.roots);
  const tracer = createTracer({
    ...{ clock, random: ports.random, graph, pipeline: pipeline.name, release: installed.digest, ratio: ports.traceRatio },
    emit: (payload) => ports.emit({ type: 'record', kind: 'traces', payload }),
  });

  const infer = async (
    input: InferInput,
    { signal, source = '', timeMs = clock.wallMs(), traceparent }: InferOptions,
  ): Promise<InferenceResult> => {
    const startedMs = clock.monotonicMs();
    const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    const values = valuesOf(input, installed);
    const trace = tracer.begin({ source, stream: source, timeMs, parent });
    const traceId = trace?.traceId ?? parent?.traceId;
    const item: ItemInput = { values, stream: source, timeMs, signal, traceId };
    recent.remember(item);
    try {
      const run = await queue.push(() => {
        trace?.dequeued();
        return graph.run(item);
      });
      const latencyMs = clock.monotonicMs() - startedMs;
      window.succeeded(latencyMs, run.nodesMs);
      observe(watches, run);
      const outputs = gate.outputs(run.outputs);
      trace?.end();
      const traced = traceId === undefined ? {} : { traceId };
      return {
        pipeline: pipeline.name,
        release: installed.digest,
        outputs,
        ...imageSizeOf(run),
        latencyMs,
        nodesMs: run.nodesMs,
        ...traced,
      };
    } catch (error) {
      trace?.end(error);
      const code = error instanceof StarlingError ? error.code : 'node-failed';
      // What a full queue turns away is counted there, as dropped.
      if (code !== 'dropped' && code !== 'overloaded') window.failed(code);
      throw error instanceof StarlingError ? error : new StarlingError(code, messageOf(error), { cause: error });
    }
  };
  const unload = async (): Promise<void> => {
    await queue.idle();
    tracer.flush();
    await Promise.allSettled(models.map((model) => ports.pool.release(model.artefact)));
  };
  return {
    ...{ installed, models, graph, queue, window, watches, infer, unload, tracer, recent },
    visible: createVisiblePorts(expanded, graph.ports, gate),
    graphBeside: () => buildGraph(expanded, { ...nodePorts, deliver: async () => undefined }, pipeline.deadlineMs),
  };
}

/** A value alone goes to the first input that the pipeline has. */
function valuesOf(input: InferInput, { pipeline }: InstalledRelease): Readonly<Record<string, unknown>> {
  if ('ports' in input) return input.ports;
  const [first] = Object.keys(pipeline.inputs);
  if (first !== undefined) return { [`${INPUT_NODE}.${first}`]: input };
  throw new StarlingError('no-input', `${pipeline.name} takes no input: it has sources of its own`, { field: 'input' });
}

function observe(watches: LoadedRelease['watches'], run: ItemResult): void {
  // Several monitors may watch one image: its pixels are gone through once.
  const known = new Map<RawImage, ImageStatistics>();
  const statisticsOf = (image: RawImage): ImageStatistics => {
    const statistics = known.get(image) ?? imageStatistics(image);
    known.set(image, statistics);
    return statistics;
  };
  for (const { monitor, watch } of watches.values()) {
    const value = run.value(monitor.edge);
    if (value !== undefined) watch.add(measure(monitor, value, statisticsOf));
  }
}

/** Size of the first decoded image, so that whoever draws the result knows its coordinates. */
function imageSizeOf(run: ItemResult): Pick<InferenceResult, 'image'> {
  for (const [, value] of run.entries()) {
    if (isRawImage(value)) return { image: { width: value.width, height: value.height } };
  }
  return {};
}
