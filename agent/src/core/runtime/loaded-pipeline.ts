import {
  type ExpandedPipeline,
  expandPipeline,
  graphAtHome,
  type InferenceResult,
  type Monitor,
  makeResultId,
  messageOf,
  type ParameterValues,
  type Pipeline,
  type PipelinePart,
  parametersFor,
  parsePortReference,
  parseTraceparent,
  resolveParameters,
  StarlingError,
  splitByPlace,
} from '@starling/shared';
import { createEgressGate, createVisiblePorts, type EgressGate } from '../egress/index.ts';
import { createDriftWatch, createInferenceWindow, type DriftWatch, measure } from '../monitors/index.ts';
import {
  createRecentItems,
  createTracer,
  createWorkQueue,
  encodeEdgeValue,
  type Graph,
  type ItemInput,
  type ItemResult,
  type TraceBatch,
} from '../pipelines/index.ts';
import { type ImageStatistics, imageStatistics, isRawImage } from '../pipelines/operators/index.ts';
import { type BoundParts, bindParts, type PartStreams, type ShowParts } from '../placement/index.ts';
import type { EngineSession } from '../ports/engine.ts';
import type { RawImage } from '../ports/image-codec.ts';
import type { Random } from '../ports/random.ts';
import type { HostEvent, InferInput, InstalledRelease } from '../ports/runtime-host.ts';
import type { LoadedModel } from '../sessions/index.ts';
import { buildGraph, type NodePorts } from './bind-node.ts';
import { bindOperator, type OperatorPorts } from './bind-operator.ts';
import { createDelivery } from './deliver.ts';
import { loadParts, nodesOfParts, planParts } from './loaded-parts.ts';
import { type OpenScripts, openScripts } from './open-scripts.ts';
import type { LoadedPipeline, RunOptions } from './pipeline-in-release.ts';
import type { ReferenceStore } from './reference-store.ts';
import { valuesOf } from './values-of.ts';

export interface PipelinePorts extends OperatorPorts {
  streams: Pick<PartStreams, 'openHome'>;
  references: ReferenceStore;
  random: Random;
  /** Share of the items whose way is recorded now. */
  traceRatio(): number;
  /** What all pipelines here record goes into one, so that its limit is that of the device. */
  traces: TraceBatch;
  emit: (event: HostEvent) => void;
}

/** The models of the release as this pipeline has them. */
export type ModelSessions = ReadonlyMap<string, { model: LoadedModel; session: EngineSession }>;

/**
 * Binds every node of a pipeline of a release.
 * @param prefix before names of its ports in the egress policy; empty for the main pipeline
 */
export async function loadPipeline(
  pipeline: Pipeline,
  prefix: string,
  installed: InstalledRelease,
  sessions: ModelSessions,
  ports: PipelinePorts,
): Promise<LoadedPipeline> {
  const { clock } = ports;
  const expanded = expandPipeline(pipeline, parametersOf(pipeline, installed));
  const gate = createEgressGate(installed.release.policies.egress, prefix);
  const parts = splitByPlace(expanded);
  if (installed.places !== undefined) return loadPartsOf({ pipeline, prefix, expanded, parts, gate }, installed, sessions, ports);
  const away = new Set(parts.flatMap(({ nodes }) => nodes));
  const atHome = parts.length === 0 ? expanded : graphAtHome(expanded, parts);
  const watches = await watchesOf(expanded, (node) => !away.has(node), prefix, installed.digest, ports.references);
  const scripts = await openScripts(atHome, ports.sandbox);
  const nodePorts = nodePortsOf({ pipeline, prefix, scripts }, installed, sessions, ports);
  const boundParts = (isBeside: boolean, show?: ShowParts): BoundParts =>
    bindParts(expanded, parts, { clock, gate, prefix, isBeside, show, release: installed.digest, streams: ports.streams });
  const live = boundParts(false);
  const build = (part: NodePorts['part'], changes: Partial<NodePorts> = {}): Graph =>
    buildGraph(atHome, { ...nodePorts, part, ...changes } as NodePorts, pipeline.deadlineMs);
  const close = async (): Promise<void> => {
    live.close();
    await scripts.close();
  };
  const graph = await orElse(() => build(live.part), close);
  const queue = createWorkQueue({ ...pipeline.queue, concurrency: pipeline.concurrency });
  const window = createInferenceWindow(pipeline.name, installed.digest);
  const recent = createRecentItems(graph.roots);
  const tracer = createTracer({
    ...{ clock, random: ports.random, graph, pipeline: pipeline.name, release: installed.digest },
    // A copy is no item: nobody follows it.
    ratio: installed.isShadow === true ? () => 0 : ports.traceRatio,
    batch: ports.traces,
  });

  const infer = async (input: InferInput, options: RunOptions): Promise<InferenceResult> => {
    const { signal, source = '', timeMs = clock.wallMs(), traceparent } = options;
    const startedMs = clock.monotonicMs();
    const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    const values = valuesOf(input, pipeline);
    const trace = tracer.begin({ source, stream: source, timeMs, parent });
    const traceId = trace?.traceId ?? parent?.traceId;
    const resultId = resultIdFor(installed, clock.wallMs(), ports.random);
    const item: ItemInput = { values, stream: source, timeMs, signal, traceId, traceparent: trace?.traceparent, resultId };
    recent.remember(item);
    try {
      const run = await queue.push(() => {
        trace?.dequeued();
        return graph.run(item);
      });
      const latencyMs = clock.monotonicMs() - startedMs;
      window.succeeded(latencyMs, run.nodesMs);
      observe(watches, run);
      const result = { pipeline: pipeline.name, release: installed.digest, outputs: gate.outputs(run.outputs), ...imageSizeOf(run) };
      trace?.end();
      options.outputs?.(run.outputs);
      const names = { ...(traceId === undefined ? {} : { traceId }), ...(resultId === undefined ? {} : { resultId }) };
      return { ...result, latencyMs, nodesMs: run.nodesMs, ...names };
    } catch (error) {
      trace?.end(error);
      const code = error instanceof StarlingError ? error.code : 'node-failed';
      // What a full queue turns away is counted there, as dropped.
      if (code !== 'dropped' && code !== 'overloaded') window.failed(code);
      throw error instanceof StarlingError ? error : new StarlingError(code, messageOf(error), { cause: error });
    }
  };
  return {
    ...{ installed, pipeline, graph, queue, window, watches, infer, tracer, recent, close },
    visible: createVisiblePorts(expanded, graph.ports, gate, prefix),
    isElsewhere: (port) => away.has(outermostNode(port)) && !graph.ports.includes(port),
    graphBeside(show) {
      const beside = boundParts(true, show);
      const own = build(beside.part, { deliver: async () => undefined });
      return { observe: (observer) => own.observe(observer), run: (item) => own.run(item).finally(() => beside.close()) };
    },
  };
}

/** Results that leave a device can be told apart, so that what becomes of them can come back; those of a copy never leave. */
function resultIdFor({ device, digest: release, isShadow }: InstalledRelease, atMs: number, random: Random): string | undefined {
  if (device === undefined || isShadow === true) return undefined;
  return makeResultId({ device, release, atMs }, (count) => random.bytes(count));
}

/** `outer` of `outer/inner.port`. */
function outermostNode(port: string): string {
  return parsePortReference(port).node.split('/')[0] ?? '';
}

interface PlacedPipeline {
  pipeline: Pipeline;
  prefix: string;
  expanded: ExpandedPipeline;
  parts: readonly PipelinePart[];
  gate: EgressGate;
}

/** Of the parts of a pipeline those that belong to the places of this device. */
async function loadPartsOf(
  { pipeline, prefix, expanded, parts, gate }: PlacedPipeline,
  installed: InstalledRelease,
  sessions: ModelSessions,
  ports: PipelinePorts,
): Promise<LoadedPipeline> {
  const plans = planParts(
    expanded,
    parts.filter(({ place }) => installed.places?.includes(place) === true),
  );
  const own = new Set([...plans.values()].flatMap(({ part }) => part.nodes));
  const watches = await watchesOf(expanded, (node) => own.has(node), prefix, installed.digest, ports.references);
  const scripts = await openScripts(nodesOfParts(plans), ports.sandbox);
  const nodePorts = nodePortsOf({ pipeline, prefix, scripts }, installed, sessions, ports);
  const quiet: Partial<NodePorts> = { deliver: async () => undefined };
  const load = (): LoadedPipeline =>
    loadParts(expanded, plans, {
      ...{ pipeline, prefix, installed, gate, watches, close: scripts.close, ran: (result) => observe(watches, result) },
      ...{ clock: ports.clock, random: ports.random, traceRatio: ports.traceRatio, traces: ports.traces },
      encode: (value, maximumBytes) => encodeEdgeValue(value, ports.codec, maximumBytes),
      build: (graph, isBeside) => buildGraph(graph, { ...nodePorts, ...(isBeside ? quiet : {}) }),
    });
  return orElse(load, scripts.close);
}

/** What cannot be built leaves nothing open behind. */
async function orElse<Value>(build: () => Value, close: () => Promise<void>): Promise<Value> {
  try {
    return build();
  } catch (error) {
    await close();
    throw error;
  }
}

async function watchesOf(
  { monitors }: Pick<Pipeline, 'monitors'>,
  isHere: (node: string) => boolean,
  prefix: string,
  release: string,
  references: ReferenceStore,
): Promise<LoadedPipeline['watches']> {
  const watches = new Map<string, { name: string; monitor: Monitor; watch: DriftWatch }>();
  for (const [name, monitor] of Object.entries(monitors)) {
    if (!isHere(parsePortReference(monitor.edge).node)) continue;
    const kept = prefix + name;
    watches.set(kept, { name, monitor, watch: createDriftWatch(monitor, await references.read(release, kept)) });
  }
  return watches;
}

/** The defaults, then what the release sets, then what this device does. */
function parametersOf(pipeline: Pipeline, { release, parameters }: InstalledRelease): ParameterValues {
  return resolveParameters(
    pipeline.parameters,
    { by: 'release', values: parametersFor(release, pipeline.name) },
    { by: 'device', values: parameters?.[pipeline.name] ?? {} },
  );
}

interface GraphParts {
  pipeline: Pipeline;
  prefix: string;
  scripts: OpenScripts;
}

function nodePortsOf(
  { pipeline, prefix, scripts }: GraphParts,
  installed: InstalledRelease,
  sessions: ModelSessions,
  ports: PipelinePorts,
): NodePorts {
  return {
    ...{
      clock: ports.clock,
      engine: ports.engine,
      script: scripts.script,
      deliver: createDelivery(pipeline.name, prefix, installed, ports.emit),
    },
    operator: (name, node) => bindOperator(name, node, installed, ports),
    model(name, node) {
      const shared = sessions.get(node.model);
      if (shared !== undefined) return { ...shared.model, session: shared.session };
      throw new StarlingError('unknown-model', `the release pins no model "${node.model}"`, { field: `nodes.${name}.model` });
    },
  };
}

function observe(watches: LoadedPipeline['watches'], run: ItemResult): void {
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
