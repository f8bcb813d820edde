import {
  createHistogram,
  type EdgeValue,
  type ExpandedGraph,
  type ExpandedPipeline,
  graphOfPart,
  INPUT_NODE,
  latencyEdgesMs,
  type Pipeline,
  type PipelinePart,
  parseTraceparent,
  type ShownPart,
  StarlingError,
} from '@starling/shared';
import { createVisiblePorts, type EgressGate, type VisiblePorts } from '../egress/index.ts';
import type { InferenceWindow } from '../monitors/index.ts';
import {
  createRecentItems,
  createTracer,
  createWorkQueue,
  type Graph,
  type ItemResult,
  seeItem,
  showEdges,
  type TraceBatch,
  type Tracer,
} from '../pipelines/index.ts';
import { type OpenPart, type PartItem, requireEgress } from '../placement/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { InstalledRelease } from '../ports/runtime-host.ts';
import { createPartGraphs } from './part-graphs.ts';
import type { LoadedPipeline } from './pipeline-in-release.ts';

export interface PartsSurroundings {
  pipeline: Pipeline;
  prefix: string;
  installed: InstalledRelease;
  gate: EgressGate;
  watches: LoadedPipeline['watches'];
  /** @param isBeside its sinks send nothing */
  build(graph: ExpandedGraph, isBeside: boolean): Graph;
  ran(result: ItemResult): void;
  clock: Clock;
  random: Random;
  /** Share of the items whose way is recorded now; here only whether any is. */
  traceRatio(): number;
  traces: TraceBatch;
  /** @returns a value as it may be looked at from afar */
  encode(value: unknown, maximumBytes: number): Promise<EdgeValue>;
  close(): Promise<void>;
}

/** As many as an answer takes. */
const SHOWN_EDGES_MAXIMUM = 512;

/** The graphs of parts, by the name of the part. */
export type PartGraphPlans = ReadonlyMap<string, { part: PipelinePart; graph: ExpandedGraph }>;

export function planParts(expanded: ExpandedPipeline, parts: readonly PipelinePart[]): PartGraphPlans {
  return new Map(parts.map((part) => [part.name, { part, graph: graphOfPart(expanded, part) }]));
}

/** The nodes of several parts as one graph, for what opens things by node. */
export function nodesOfParts(plans: PartGraphPlans): ExpandedGraph {
  const graphs = [...plans.values()].map(({ graph }) => graph);
  return {
    ...{ inputs: {}, outputs: {}, edges: [], aliases: {} },
    nodes: Object.assign({}, ...graphs.map(({ nodes }) => nodes)),
    inner: Object.assign({}, ...graphs.map(({ inner }) => inner)),
  };
}

/** A pipeline of which this device runs parts, as the rest of the runtime sees it: it is watched and counted, and takes no items. */
export function loadParts(expanded: ExpandedPipeline, plans: PartGraphPlans, around: PartsSurroundings): LoadedPipeline {
  const { pipeline, installed, gate, watches } = around;
  // Built once in vain: a mistake shows before anything runs.
  const probes = [...plans.values()].map(({ graph }) => around.build(graph, true));
  const own = probes.flatMap(({ ports }) => ports.filter((port) => !port.startsWith(`${INPUT_NODE}.`)));
  const outputs = new Set([...plans.values()].flatMap(({ part }) => part.outputs));
  const graph = createPartGraphs(
    own,
    outputs,
    probes.some(({ keepsState }) => keepsState),
  );
  const refuse = (): Promise<never> => graph.run({ values: {}, stream: '', timeMs: 0 }) as Promise<never>;
  const window = createPartsWindow(pipeline.name, installed.digest);
  const visible = createVisiblePorts(expanded, own, gate, around.prefix);
  const openPart = (name: string, home: string, isBeside: boolean): OpenPart => {
    const plan = plans.get(name);
    if (plan === undefined)
      throw new StarlingError('unknown-part', `this device runs no part ${name} of ${pipeline.name}`, { retryable: true });
    const live = around.build(plan.graph, isBeside);
    if (!isBeside) graph.add(live, home);
    // One for each graph: two parts of one item would not be told apart.
    const tracer = createTracer({
      ...{ clock: around.clock, random: around.random, graph: live, pipeline: pipeline.name, release: installed.digest },
      ...{ ratio: around.traceRatio, batch: around.traces },
    });
    return {
      close: () => graph.remove(live),
      run: async (item) => {
        const run = (): Promise<ItemResult> => followed(tracer, name, item, (traceId) => live.run({ ...inputOf(item), traceId }));
        const inside = live.ports.filter((port) => own.includes(port) && !outputs.has(port));
        const result = await (isBeside ? shown(live, inside, item, run, { visible, encode: around.encode }) : run());
        if (!isBeside) {
          window.ran(result);
          around.ran(result);
        }
        for (const port of Object.keys(result.outputs)) requireEgress(port, gate, around.prefix);
        return result.outputs;
      },
    };
  };
  return {
    ...{ installed, pipeline, graph, window, watches, openPart, infer: refuse, close: around.close },
    queue: createWorkQueue({ length: 1, policy: 'block', concurrency: 1 }),
    tracer: { begin: () => undefined, flush: () => around.traces.flush() },
    recent: createRecentItems([]),
    visible,
    isElsewhere: () => false,
    graphBeside: () => graph,
    graphsOf: graph.of,
  };
}

/** Of a replay: tells what the edges inside of the part carried, of an item that fails too. What leaves the part is seen where it goes. */
async function shown(
  graph: Graph,
  ports: readonly string[],
  { show }: PartItem,
  run: () => Promise<ItemResult>,
  { visible, encode }: Pick<PartsSurroundings, 'encode'> & { visible: VisiblePorts },
): Promise<ItemResult> {
  if (show === undefined) return run();
  const seen = seeItem(graph);
  try {
    return await run();
  } finally {
    seen.detach();
    const edges: ShownPart['edges'] = [];
    const { isAllowed } = visible;
    for await (const edge of showEdges(
      seen,
      { ports: ports.slice(0, SHOWN_EDGES_MAXIMUM), isAllowed, maximumBytes: show.maximumBytes },
      encode,
    ))
      edges.push(edge);
    show.tell({ edges, nodesMs: seen.nodesMs });
  }
}

/** The device with the item decides whether its way is recorded, and the spans of this one belong below that device's. */
async function followed(
  tracer: Tracer,
  part: string,
  { stream, traceparent }: PartItem,
  run: (traceId: string | undefined) => Promise<ItemResult>,
): Promise<ItemResult> {
  if (traceparent === undefined) return run(undefined);
  const parent = parseTraceparent(traceparent);
  const trace = tracer.begin({ source: '', stream, timeMs: Number.POSITIVE_INFINITY, parent, part });
  try {
    const result = await run(parent.traceId);
    trace?.end();
    return result;
  } catch (error) {
    trace?.end(error);
    throw error;
  }
}

function inputOf({ values, traceparent: _traceparent, show: _show, ...item }: PartItem) {
  return { ...item, values: Object.fromEntries(Object.entries(values).map(([port, value]) => [`${INPUT_NODE}.${port}`, value])) };
}

/** Counts what nodes did; the items themselves are counted where they come in. */
function createPartsWindow(pipeline: string, release: string): InferenceWindow & { ran(result: ItemResult): void } {
  let nodes: Record<string, { runs: number; totalMs: number }> = {};
  return {
    ran({ nodesMs }) {
      for (const [node, spentMs] of Object.entries(nodesMs)) {
        const sofar = nodes[node] ?? { runs: 0, totalMs: 0 };
        nodes[node] = { runs: sofar.runs + 1, totalMs: sofar.totalMs + spentMs };
      }
    },
    succeeded: () => undefined,
    failed: () => undefined,
    end(startMs, lengthMs) {
      if (Object.keys(nodes).length === 0) return undefined;
      const counted = nodes;
      nodes = {};
      const none = { items: 0, dropped: 0, failures: {}, latencyMs: createHistogram(latencyEdgesMs) };
      return { startMs, lengthMs, release, pipeline, ...none, nodes: counted };
    },
  };
}
