import {
  type ItemTrace,
  itemTraceSchema,
  pipelineSchema,
  TAPS_MAXIMUM,
  type TapMessage,
  tapMessageSchema,
  tracesRecordSchema,
} from '@starling/shared';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { createGraph, type Graph } from './graph.ts';
import { startGraph } from './graph-harness.ts';
import type { NodeWork, Values } from './node-work.ts';
import { planGraph } from './plan.ts';
import { createRecentItems } from './recent-items.ts';
import { replayItem } from './replay.ts';
import { createTaps, type TapArguments } from './tap.ts';
import { createTraceBatch, createTracer, type TracerPorts } from './trace.ts';

/** Time that only passes when the test says so. */
function createManualClock(): Clock & { pass(ms: number): Promise<void> } {
  let nowMs = 1000;
  let timers: { atMs: number; run: () => void }[] = [];
  return {
    monotonicMs: () => nowMs,
    wallMs: () => 1_750_000_000_000 + nowMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    async pass(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const next = timers.filter(({ atMs }) => atMs <= endMs).toSorted((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined) break;
        timers = timers.filter((each) => each !== next);
        nowMs = Math.max(nowMs, next.atMs);
        next.run();
        await settled();
      }
      nowMs = endMs;
      await settled();
    },
  };
}

/** What needs no timer is done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

const double: NodeWork['run'] = ({ n }) => ({ n: Number(n) * 2 });
const works: Readonly<Record<string, NodeWork['run']>> = {
  first: double,
  second: ({ n }) => {
    if (Number(n) > 100) throw new TypeError('too many');
    return { n: Number(n) * 2 };
  },
  // Gives nothing for small numbers.
  third: ({ n }): Values => (Number(n) > 10 ? { n } : {}),
};

function graphOf(clock: Clock): Graph {
  const node = { op: 'test' };
  const pipeline = pipelineSchema.parse({
    ...{ kind: 'pipeline', schemaVersion: 1, name: 'doubling', version: '1.0.0', inputs: { n: 'json' }, outputs: { n: 'json' } },
    nodes: { first: node, second: node, third: node },
    edges: [
      { from: 'input.n', to: 'first.n' },
      { from: 'first.n', to: 'second.n' },
      { from: 'second.n', to: 'third.n' },
      { from: 'third.n', to: 'output.n' },
    ],
  });
  const plan = planGraph(pipeline, (name) => ({ work: { outputNames: ['n'], run: works[name] ?? double, runEach: async () => [] } }));
  return createGraph(plan, { clock });
}

const run = (graph: Graph, n: number, traceId?: string) =>
  graph.run({ values: { 'input.n': n }, stream: 's', timeMs: 1_750_000_000_000, traceId });

function startTaps(options: { encodeMs?: number } = {}) {
  const clock = createManualClock();
  const graph = graphOf(clock);
  const messages: TapMessage[] = [];
  const taps = createTaps({
    clock,
    async encode(value) {
      const { encodeMs } = options;
      if (encodeMs !== undefined) await new Promise<void>((resolve) => void clock.after(encodeMs, resolve));
      return { kind: 'json', value };
    },
    emit: (message) => void messages.push(tapMessageSchema.parse(message)),
  });
  const given = (change: Partial<TapArguments> = {}): TapArguments => ({
    ...{ tap: 'a'.repeat(26), edges: ['first.n'], every: 1, maximumPerSecond: 5, maximumBytes: 4096, durationMs: 10_000 },
    ...change,
  });
  const values = () => messages.filter(({ end }) => end === undefined).map(({ value }) => value?.kind === 'json' && value.value);
  return { clock, graph, taps, messages, given, values };
}

describe('a tap', () => {
  test('sends the values of its edges with their items, in order', async () => {
    const { clock, graph, taps, messages, given } = startTaps();
    taps.start(given({ edges: ['first.n', 'third.n'], maximumPerSecond: 30 }), graph);
    await run(graph, 1);
    await clock.pass(100);
    await run(graph, 7);
    await clock.pass(100);
    expect(messages.map(({ sequence, edge, item, value }) => [sequence, edge, item?.sequence, value])).toEqual([
      [0, 'first.n', 0, { kind: 'json', value: 2 }],
      [1, 'first.n', 1, { kind: 'json', value: 14 }],
      [2, 'third.n', 1, { kind: 'json', value: 28 }],
    ]);
  });

  test('encodes nothing while an item is on its way', async () => {
    const { graph, taps, messages, given, clock } = startTaps();
    taps.start(given(), graph);
    await run(graph, 1);
    expect(messages).toEqual([]);
    await clock.pass(0);
    expect(messages).toHaveLength(1);
  });

  test('keeps to its rate, and counts what it leaves out', async () => {
    const { clock, graph, taps, values, messages, given } = startTaps();
    taps.start(given({ maximumPerSecond: 2 }), graph);
    for (let n = 0; n < 20; n += 1) {
      await run(graph, n);
      await clock.pass(100);
    }
    expect(values()).toEqual([0, 10, 20, 30]);
    expect(taps.stop(given().tap, 'stopped')).toEqual({ seen: 20, skipped: 0, rate: 16, busy: 0, link: 0 });
    expect(messages.at(-1)).toMatchObject({ end: 'stopped', counts: { seen: 20, rate: 16 } });
  });

  test('takes every n-th value', async () => {
    const { clock, graph, taps, values, given } = startTaps();
    taps.start(given({ every: 3, maximumPerSecond: 30 }), graph);
    for (let n = 0; n < 7; n += 1) {
      await run(graph, n);
      await clock.pass(100);
    }
    expect(values()).toEqual([0, 6, 12]);
    expect(taps.stop(given().tap, 'stopped')).toMatchObject({ seen: 7, skipped: 4 });
  });

  test('lets go what comes while it is busy, and holds one value of an edge at most', async () => {
    const { clock, graph, taps, values, given } = startTaps({ encodeMs: 1000 });
    taps.start(given({ maximumPerSecond: 30 }), graph);
    for (let n = 1; n <= 10; n += 1) {
      await run(graph, n);
      await clock.pass(50);
    }
    await clock.pass(3000);
    expect(values()).toEqual([2, 4]);
    expect(taps.stop(given().tap, 'stopped')).toMatchObject({ seen: 10, busy: 8 });
  });

  test('ends by itself, says so once, and is gone', async () => {
    const { clock, graph, taps, messages, given } = startTaps();
    let ended = 0;
    taps.start(given({ durationMs: 2000 }), graph, () => {
      ended += 1;
    });
    await clock.pass(2001);
    expect(messages).toEqual([expect.objectContaining({ end: 'expired' })]);
    await run(graph, 1);
    await clock.pass(100);
    expect(messages).toHaveLength(1);
    expect(taps.stop(given().tap, 'stopped')).toBeUndefined();
    expect(ended).toBe(1);
  });

  test('is refused beyond so many, and twice by one name', () => {
    const { graph, taps, given } = startTaps();
    taps.start(given(), graph);
    expect(() => taps.start(given(), graph)).toThrow(expect.objectContaining({ code: 'tap-exists' }));
    for (let n = 1; n < TAPS_MAXIMUM; n += 1) taps.start(given({ tap: 'abcdefgh'[n]?.repeat(26) ?? '' }), graph);
    expect(() => taps.start(given({ tap: 'z'.repeat(26) }), graph)).toThrow(
      expect.objectContaining({ code: 'too-many-taps', retryable: true }),
    );
  });
});

describe('a replay', () => {
  const replay = async (n: number, allowed: readonly string[]) => {
    const clock = createManualClock();
    const messages: TapMessage[] = [];
    const graph = graphOf(clock);
    const report = await replayItem(
      graph,
      {
        ...{ tap: 'r'.repeat(26), ports: graph.ports, maximumBytes: 4096, isAllowed: (port: string) => allowed.includes(port) },
        item: { values: { 'input.n': n }, stream: 's', timeMs: 1, sequence: 9 },
        elsewhere: () => ({ edges: [], nodesMs: {} }),
      },
      { clock, encode: async (value) => ({ kind: 'json', value }), emit: (message) => void messages.push(tapMessageSchema.parse(message)) },
    );
    return { report, messages };
  };

  test('sends the value of every edge that may leave, and says what became of the others', async () => {
    const { report, messages } = await replay(3, ['first.n', 'second.n', 'third.n']);
    expect(report.edges).toEqual([
      { edge: 'input.n', state: 'refused' },
      { edge: 'first.n', state: 'sent' },
      { edge: 'second.n', state: 'sent' },
      { edge: 'third.n', state: 'sent' },
    ]);
    expect(messages.map(({ edge, value, end }) => [edge, value?.kind === 'json' ? value.value : undefined, end])).toEqual([
      ['first.n', 6, undefined],
      ['second.n', 12, undefined],
      ['third.n', 12, undefined],
      [undefined, undefined, 'replay-done'],
    ]);
    expect(report.item).toMatchObject({ stream: 's', sequence: 9 });
    expect(Object.keys(report.nodesMs)).toEqual(['first', 'second', 'third']);
  });

  test('gives its item the number that it had, to nodes that keep something of the stream too', async () => {
    const { graph } = startGraph(
      {
        ...{ inputs: { n: 'json' }, outputs: { n: 'json' }, nodes: { number: { op: 'test' } } },
        edges: [
          { from: 'input.n', to: 'number.n' },
          { from: 'number.out', to: 'output.n' },
        ],
      },
      { number: { state: 'stream', run: (_inputs, { sequence }) => ({ out: sequence }) } },
    );
    const numbered = (sequence?: number) => graph.run({ values: { 'input.n': 1 }, stream: 's', timeMs: 1, sequence });
    for (const sequence of [7, 3]) expect((await numbered(sequence)).outputs).toEqual({ n: sequence });
    expect((await numbered()).outputs).toEqual({ n: 2 });
  });

  test('of an item that fails shows how far it came', async () => {
    const { report } = await replay(60, ['input.n', 'first.n', 'second.n', 'third.n']);
    expect(report.failure).toMatchObject({ code: 'node-failed', field: 'nodes.second' });
    expect(report.edges.map(({ state }) => state)).toEqual(['sent', 'sent', 'absent', 'absent']);
  });

  test('takes the newest item, or one that came while somebody watched', async () => {
    const clock = createManualClock();
    const graph = graphOf(clock);
    const recent = createRecentItems(graph.roots);
    expect(() => recent.find({ kind: 'last' })).toThrow(expect.objectContaining({ code: 'no-such-item' }));
    const unwatch = recent.watch(graph);
    for (let n = 0; n < 20; n += 1) {
      recent.remember({ values: { 'input.n': n }, stream: 's', timeMs: 1 });
      await run(graph, n);
    }
    expect(recent.find({ kind: 'last' }).values).toEqual({ 'input.n': 19 });
    expect(recent.find({ kind: 'item', stream: 's', sequence: 4 }).values).toEqual({ 'input.n': 4 });
    expect(() => recent.find({ kind: 'item', stream: 's', sequence: 3 })).toThrow(expect.objectContaining({ code: 'no-such-item' }));
    unwatch();
    await run(graph, 9);
    expect(() => recent.find({ kind: 'item', stream: 's', sequence: 20 })).toThrow(expect.objectContaining({ code: 'no-such-item' }));
  });
});

describe('a trace', () => {
  const start = (ratio: number, change: Partial<TracerPorts> = {}) => {
    const clock = createManualClock();
    const graph = graphOf(clock);
    const traces: ItemTrace[] = [];
    let observers = 0;
    let drawn = 0;
    let leftOut = 0;
    const tracer = createTracer({
      clock,
      random: {
        bytes: (count) => {
          drawn += 1;
          return new Uint8Array(count).fill(drawn);
        },
        number: () => 0.5,
      },
      graph: {
        observe(observer) {
          observers += 1;
          const detach = graph.observe(observer);
          return () => {
            observers -= 1;
            detach();
          };
        },
      },
      ...{ pipeline: 'doubling', release: 'ab'.repeat(32), ratio: () => ratio },
      batch: createTraceBatch({
        clock,
        emit(record) {
          const { traces: told, tracesLeftOut } = tracesRecordSchema.parse(record);
          traces.push(...told);
          leftOut += tracesLeftOut;
        },
      }),
      ...change,
    });
    const traced = async (n: number, parent?: { traceId: string; spanId: string; isSampled: boolean }) => {
      const trace = tracer.begin({ source: 'camera', stream: 's', timeMs: clock.wallMs() - 5, parent });
      await clock.pass(10);
      trace?.dequeued();
      await run(graph, n, trace?.traceId).then(
        () => trace?.end(),
        (error: unknown) => trace?.end(error),
      );
      return trace;
    };
    return { clock, graph, tracer, traces, traced, observers: () => observers, leftOut: () => leftOut };
  };

  test('follows an item from its source to its result', async () => {
    const { clock, traced, traces, observers } = start(1);
    const trace = await traced(3);
    expect(observers()).toBe(0);
    expect(traces).toEqual([]);
    await clock.pass(1000);
    const [told] = traces as [ItemTrace];
    expect(itemTraceSchema.safeParse(told).success).toBe(true);
    expect(told).toMatchObject({ traceId: trace?.traceId, pipeline: 'doubling', stream: 's', sequence: 0, spansLeftOut: 0 });
    expect(told.spans.map(({ name }) => name)).toEqual(['item', 'source', 'queue', 'first', 'second', 'third', 'result']);
    const [root, source, queue] = told.spans;
    expect(root).toMatchObject({ parentSpanId: null, kind: 'consumer', durationMs: 15, attributes: { 'starling.source': 'camera' } });
    expect(source).toMatchObject({ startMs: root?.startMs, durationMs: 5 });
    expect(queue).toMatchObject({ durationMs: 10 });
    expect(told.spans.slice(1).every(({ parentSpanId }) => parentSpanId === root?.spanId)).toBe(true);
    expect(new Set(told.spans.map(({ spanId }) => spanId)).size).toBe(told.spans.length);
  });

  test('says where an item failed', async () => {
    const { clock, traced, traces } = start(1);
    await traced(60);
    await clock.pass(1000);
    const spans = traces[0]?.spans ?? [];
    expect(spans.filter(({ error }) => error !== undefined).map(({ name }) => name)).toEqual(['item', 'second']);
    expect(spans.map(({ name }) => name)).not.toContain('third');
  });

  test('is kept of the share that was asked for, and of none by default', async () => {
    for (const [ratio, expected] of [
      [0, 0],
      [0.4, 0],
      [0.6, 3],
    ] as const) {
      const { clock, traced, traces, observers } = start(ratio);
      for (let n = 0; n < 3; n += 1) await traced(n);
      expect(observers()).toBe(0);
      await clock.pass(1000);
      expect(traces).toHaveLength(expected);
    }
  });

  test('goes on with the context of whoever asks, who decides for the item', async () => {
    const parent = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), isSampled: true };
    const { clock, traced, traces } = start(0.1);
    await traced(1, parent);
    await traced(2, { ...parent, traceId: 'e'.repeat(32), isSampled: false });
    await clock.pass(1000);
    expect(traces).toHaveLength(1);
    expect(traces[0]).toMatchObject({ traceId: parent.traceId });
    expect(traces[0]?.spans[0]).toMatchObject({ parentSpanId: parent.spanId, kind: 'server' });
    const off = start(0);
    expect(off.tracer.begin({ source: '', stream: '', timeMs: 0, parent })).toBeUndefined();
  });

  test('is told with others, and counts those beyond what a second holds', async () => {
    const { tracer, traces, clock, leftOut } = start(1, {
      random: { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)), number: () => 0 },
    });
    for (let n = 0; n < 80; n += 1) tracer.begin({ source: '', stream: '', timeMs: clock.wallMs() })?.end();
    await clock.pass(1000);
    expect(traces).toHaveLength(50);
    expect(leftOut()).toBe(30);
  });
});
