import { expandPipeline, formatTraceparent, type ItemTrace, pipelineSchema, splitByPlace, type TracesRecord } from '@starling/shared';
import { expect, test } from 'vitest';
import { createEgressGate } from '../egress/index.ts';
import { type BoundNode, createGraph, createTraceBatch, createVirtualClock, planGraph } from '../pipelines/index.ts';
import type { InstalledRelease } from '../ports/runtime-host.ts';
import { loadParts, planParts } from './loaded-parts.ts';

const HOMES = ['a', 'b'].map((letter) => letter.repeat(26)) as [string, string];

/** A worker that runs the node `far` of two pipelines, both of which record into one batch. */
function startWorker(ratio: number) {
  const clock = createVirtualClock();
  const records: TracesRecord[] = [];
  const traces = createTraceBatch({ clock, emit: (record) => void records.push(record) });
  const double: BoundNode = {
    work: { outputNames: ['value'], run: (values) => ({ value: Number(values.value) * 2 }), runEach: () => Promise.resolve([]) },
  };
  const parts = ['first', 'second'].map((name) => {
    const pipeline = pipelineSchema.parse({
      ...{ kind: 'pipeline', schemaVersion: 1, name, version: '1.0.0', inputs: { x: 'json' }, outputs: { y: 'json' } },
      nodes: { far: { op: 'value.compute', params: { inputs: ['value'], give: 'value * 2' }, on: 'cloud' } },
      edges: [
        { from: 'input.x', to: 'far.value' },
        { from: 'far.value', to: 'output.y' },
      ],
    });
    const expanded = expandPipeline(pipeline, {});
    const gate = createEgressGate({ outputs: ['y'], edges: [], sinks: [], streams: ['input.x', 'far.value'] }, '');
    return loadParts(expanded, planParts(expanded, splitByPlace(expanded)), {
      ...{ pipeline, prefix: '', installed: { digest: 'f'.repeat(64), places: ['cloud'] } as unknown as InstalledRelease, gate },
      ...{ watches: new Map(), ran: () => undefined, clock, close: async () => undefined, traceRatio: () => ratio, traces },
      random: { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)), number: () => 0 },
      encode: () => Promise.reject(new Error('nothing is looked at')),
      build: (graph) =>
        createGraph(
          planGraph(graph, () => double),
          { clock },
        ),
    });
  });
  const send = async (pipeline: number, home: number, number: number, traceparent?: string): Promise<void> => {
    const part = parts[pipeline]?.openPart?.('cloud', HOMES[home] ?? '', false);
    if (part === undefined) throw new Error('the worker runs the part');
    const about = { stream: 'camera', sequence: number, timeMs: number, signal: new AbortController().signal };
    const given = await part.run({ ...about, values: { 'input.x': number }, ...(traceparent === undefined ? {} : { traceparent }) });
    expect(Object.values(given)).toEqual([number * 2]);
    part.close();
  };
  const told = (): { traces: ItemTrace[]; leftOut: number } => {
    traces.flush();
    return {
      traces: records.flatMap((record) => record.traces),
      leftOut: records.reduce((sum, { tracesLeftOut }) => sum + tracesLeftOut, 0),
    };
  };
  return { clock, send, told };
}

const context = (number: number, isSampled: boolean): string =>
  formatTraceparent({ traceId: (number + 1).toString(16).padStart(32, '0'), spanId: 'd'.repeat(16), isSampled });

test('a worker records parts of the items that their home records, and of no others', async () => {
  const { send, told } = startWorker(0.01);
  await send(0, 0, 1);
  await send(0, 0, 2, context(2, false));
  await send(0, 0, 3, context(3, true));
  expect(told().traces.map(({ traceId }) => traceId)).toEqual([context(3, true).split('-')[1]]);
});

test('a worker that records nothing records nothing for others, whatever they ask', async () => {
  const { send, told } = startWorker(0);
  for (let number = 0; number < 10; number += 1) await send(0, 0, number, context(number, true));
  expect(told()).toEqual({ traces: [], leftOut: 0 });
});

test('the limit of a second is one for all homes and pipelines that a worker works for, and what is beyond is counted', async () => {
  const { clock, send, told } = startWorker(1);
  for (let number = 0; number < 80; number += 1) await send(number % 2, Math.floor(number / 2) % 2, number, context(number, true));
  const { traces } = told();
  expect(traces).toHaveLength(50);
  expect(new Set(traces.map(({ pipeline }) => pipeline))).toEqual(new Set(['first', 'second']));
  clock.after(1_000, () => undefined);
  while (clock.advance());
  await send(0, 0, 80, context(80, true));
  expect(told()).toMatchObject({ leftOut: 30 });
  expect(told().traces).toHaveLength(51);
});
