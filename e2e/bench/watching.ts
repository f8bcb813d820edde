/** A graph of nodes that do nothing -> what one item costs more while a tap, a trace or a monitor is attached. */
import { type Monitor, monitorSchema, type PipelineGraph, pipelineGraphSchema, tapArgumentsSchema } from '@starling/shared';
import { createDriftWatch, measure } from '../../agent/src/core/monitors/index.ts';
import {
  type BoundNode,
  createGraph,
  createTaps,
  createTraceBatch,
  createTracer,
  encodeEdgeValue,
  type Graph,
  type ItemInput,
  type ItemResult,
  planGraph,
} from '../../agent/src/core/pipelines/index.ts';
import { createSystemClock } from '../../agent/src/node/clock.ts';
import { systemRandom } from '../../agent/src/node/ids.ts';
import { createSharpCodec } from '../../agent/src/node/image-codec.ts';
import { type Measure, median, type Say } from './result.ts';

const NODES = 20;
const ITEMS = 5_000;
const ROUNDS = 15;
const TAP = { tap: 'a'.repeat(26), edges: [`n${NODES - 1}.out`], durationMs: 600_000 };
const NO_DIGEST = '0'.repeat(64);
/** What each item carries: a list, as decoders give it. */
const readings = Array.from({ length: 4 }, (_, place) => ({ text: `line ${place}`, confidence: 0.9 }));

/** Runs one item in the way of what is attached. */
type RunItem = (item: ItemInput) => Promise<ItemResult>;
interface Attached {
  run: RunItem;
  detach(): void;
}

/** A chain with a second way beside every other node: each node but the first joins two edges. */
export function chainOf(names: readonly string[], run: (inputs: Readonly<Record<string, unknown>>) => unknown): Graph {
  const edges = names.flatMap((name, index) => [
    { from: index === 0 ? 'input.x' : `${names[index - 1]}.out`, to: `${name}.a` },
    { from: index < 2 ? 'input.x' : `${names[index - 2]}.out`, to: `${name}.b` },
  ]);
  const graph: PipelineGraph = pipelineGraphSchema.parse({
    ...{ inputs: { x: 'json' }, outputs: { y: 'json' } },
    nodes: Object.fromEntries(names.map((name) => [name, { op: 'trivial' }])),
    edges: [...edges, { from: `${names.at(-1)}.out`, to: 'output.y' }],
  });
  const bound = { work: { outputNames: ['out'], run, runEach: async () => [] } } as BoundNode;
  return createGraph(
    planGraph(graph, () => bound),
    { clock: createSystemClock() },
  );
}

/** What may be attached -> how. A monitor is no observer: it is given the values of its edge after the item, as the runtime does it. */
const attachments: Readonly<Record<string, (graph: Graph) => Attached>> = {
  nothing: (graph) => ({ run: (item) => graph.run(item), detach: () => undefined }),
  'a tap on one edge, 5 values a second sent': (graph) => {
    const codec = createSharpCodec();
    const taps = createTaps({
      clock: createSystemClock(),
      encode: (value, maximumBytes) => encodeEdgeValue(value, codec, maximumBytes),
      emit: () => undefined,
    });
    taps.start(tapArgumentsSchema.parse(TAP), graph);
    return { run: (item) => graph.run(item), detach: () => taps.stopAll('stopped') };
  },
  'a trace of one item in a hundred': (graph) => traced(graph, 0.01),
  'a monitor of one edge': (graph) => {
    const monitor: Monitor = monitorSchema.parse({ edge: `n${NODES - 1}.out`, measure: 'confidence', bins: [0.2, 0.4, 0.6, 0.8] });
    const watch = createDriftWatch(monitor, null);
    const run: RunItem = async (item) => {
      const result = await graph.run(item);
      watch.add(measure(monitor, result.value(monitor.edge)));
      return result;
    };
    return { run, detach: () => void watch.endWindow() };
  },
};

function traced(graph: Graph, ratio: number): Attached {
  const tracer = createTracer({
    ...{ clock: createSystemClock(), random: systemRandom, graph, pipeline: 'trivial', release: NO_DIGEST },
    ratio: () => ratio,
    batch: createTraceBatch({ clock: createSystemClock(), emit: () => undefined }),
  });
  const run: RunItem = async (item) => {
    const trace = tracer.begin({ source: 'bench', stream: item.stream, timeMs: item.timeMs });
    const result = await graph.run(trace === undefined ? item : { ...item, traceId: trace.traceId });
    trace?.end();
    return result;
  };
  return { run, detach: () => tracer.flush() };
}

/** A graph from which all has been taken away again. */
function attachedAndAway(graph: Graph): Attached {
  for (const attach of Object.values(attachments)) attach(graph).detach();
  return { run: (item) => graph.run(item), detach: () => undefined };
}

async function microsecondsPerItem(run: RunItem): Promise<number> {
  const startedMs = performance.now();
  for (let index = 0; index < ITEMS; index += 1) {
    await run({ values: { 'input.x': readings }, stream: 'bench', timeMs: index });
    // The timers of whoever watches get their turn, as they do between frames.
    if (index % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return ((performance.now() - startedMs) / ITEMS) * 1000;
}

/** Each alone, by turns, on graphs of their own. */
export async function measureWatching(say: Say): Promise<Measure[]> {
  const times = new Map<string, number[]>([['nothing', []]]);
  const note = (name: string, value: number): void => void times.set(name, [...(times.get(name) ?? []), value]);
  const names = Array.from({ length: NODES }, (_, index) => `n${index}`);
  const chain = (): Graph => chainOf(names, ({ a }) => ({ out: a }));
  const kinds = Object.entries({ ...attachments, 'what was attached before': attachedAndAway });
  for (let round = 0; round <= ROUNDS; round += 1) {
    // Who goes first changes, so that what one leaves to the garbage collector is not always the same one's.
    for (let place = 0; place < kinds.length; place += 1) {
      const [name, attach] = kinds[(place + round) % kinds.length] as (typeof kinds)[number];
      const attached = attach(chain());
      const took = await microsecondsPerItem(attached.run);
      attached.detach();
      // The first round is the compiler's.
      if (round > 0) note(name, took);
    }
  }
  const base = median(times.get('nothing') ?? []);
  const measures = [...times].map(([name, values]): Measure => {
    if (name === 'nothing') return { name: 'one item through 20 nodes that do nothing, nothing attached', value: base, unit: 'µs' };
    return { name: `added to each item by ${name}`, value: median(values) - base, unit: 'µs' };
  });
  for (const { name, value } of measures) say(`${name}: ${value.toFixed(2)} µs`);
  return measures;
}
