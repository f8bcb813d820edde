/** A fleet, devices that have items, and machines that run parts of their pipelines. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, type PipelineInput, type ReleaseView } from '@starling/shared';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';

const base = { kind: 'pipeline', schemaVersion: 1, version: '1.0.0' } as const;
const source = { source: 'http', params: { accepts: ['json'], wait: true } };

/** Counts and sums up in the cloud: an item that is lost, doubled or out of order shows in all that come after. */
export const counts: PipelineInput = {
  ...{ ...base, name: 'counts', outputs: { y: 'json' } },
  nodes: {
    'counts-in': source,
    check: { op: 'value.compute', params: { inputs: ['value'], give: 'value' } },
    sum: {
      script: {
        source: `export default ({ value }, { state }) => {
          state.count = (state.count ?? 0) + 1;
          state.sum = (state.sum ?? 0) + value.x;
          return { total: { x: value.x, count: state.count, sum: state.sum } };
        };`,
        ...{ inputs: { value: 'json' }, outputs: { total: 'json' }, stateful: true, cpuMs: 2_000 },
      },
      on: 'cloud',
    },
    finish: { op: 'value.compute', params: { inputs: ['value'], give: 'value' } },
  },
  edges: [
    { from: 'counts-in.json', to: 'check.value' },
    { from: 'check.value', to: 'sum.value' },
    { from: 'sum.total', to: 'finish.value' },
    { from: 'finish.value', to: 'output.y' },
  ],
};

/** Keeps nothing there, and writes here what came back: each item has to be in the file once. */
export const work: PipelineInput = {
  ...{ ...base, name: 'work', outputs: { y: 'json' }, queue: { length: 64 }, concurrency: 6 },
  nodes: {
    'work-in': source,
    twice: { op: 'value.compute', params: { inputs: ['value'], give: 'value.x * 2' }, on: 'cloud' },
    keep: { sink: 'file', params: { folder: 'work' } },
  },
  edges: [
    { from: 'work-in.json', to: 'twice.value' },
    { from: 'twice.value', to: 'output.y' },
    { from: 'twice.value', to: 'keep.value' },
  ],
};

/** Two ways, one of which goes over another machine: what happens to that one does not touch the other. */
const ways: PipelineInput = {
  ...{ ...base, name: 'ways', outputs: { here: 'json', there: 'json', why: 'json' } },
  nodes: {
    'ways-in': source,
    near: { op: 'value.compute', params: { inputs: ['value'], give: 'value.x + 1' } },
    far: { op: 'value.compute', params: { inputs: ['value'], give: 'value.x + 2' }, on: 'cloud', timeoutMs: 8_000 },
  },
  edges: [
    { from: 'ways-in.json', to: 'near.value' },
    { from: 'ways-in.json', to: 'far.value' },
    { from: 'near.value', to: 'output.here' },
    { from: 'far.value', to: 'output.there' },
    { from: 'far.error', to: 'output.why' },
  ],
};

/** Two nodes there: what is between them never travels. */
const deep: PipelineInput = {
  ...{ ...base, name: 'deep', outputs: { y: 'json' } },
  nodes: {
    'deep-in': source,
    first: { op: 'value.compute', params: { inputs: ['value'], give: '{"doubled": value.x * 2}' }, on: 'cloud' },
    second: { op: 'value.compute', params: { inputs: ['value'], give: 'value.doubled + 1' }, on: 'cloud' },
    hidden: { op: 'value.compute', params: { inputs: ['value'], give: 'value * 10' }, on: 'cloud' },
    last: { op: 'value.compute', params: { inputs: ['value'], give: 'value' } },
  },
  edges: [
    { from: 'deep-in.json', to: 'first.value' },
    { from: 'first.value', to: 'second.value' },
    { from: 'second.value', to: 'hidden.value' },
    { from: 'hidden.value', to: 'last.value' },
    { from: 'last.value', to: 'output.y' },
  ],
};

export const STREAMS = [
  ...['check.value', 'sum.total', 'work:work-in.json', 'work:twice.value'],
  ...['ways:ways-in.json', 'ways:far.value', 'ways:far.error', 'deep:deep-in.json', 'deep:hidden.value'],
];

export interface Answer {
  status: number;
  body: { code?: string; traceId?: string; outputs?: Record<string, unknown> };
}

export interface Machines {
  fleet: RunningFleet;
  release(name: string, streams?: readonly string[]): Promise<ReleaseView>;
  /** Starts an agent with these labels, gives it the release, and waits until it runs that. */
  start(name: string, release: ReleaseView, labels?: Record<string, string>): Promise<AgentProcess>;
  label(device: string, labels: Record<string, string>): Promise<void>;
  /** Waits until the fleet has given the home this worker, and the home knows. */
  untilWorksFor(worker: string | null, home: string): Promise<void>;
  post(home: AgentProcess, pipeline: string, value: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Lines that the pipeline `work` has written on a device. */
  written(name: string): Promise<number[]>;
}

/** @param flags of the fleet */
export async function startMachines(flags: Record<string, string> = {}): Promise<Machines> {
  const fleet = await startRunningFleet(flags);
  const { operator, client } = fleet;
  for (const pipeline of [counts, work, ways, deep]) await operator.pushPipeline(pipeline);
  const label = async (device: string, labels: Record<string, string>): Promise<void> => {
    await client.call(api.changeDevice, { params: { id: device }, body: { labels } });
  };
  return {
    ...{ fleet, label },
    release: (name, streams = STREAMS) =>
      operator.createRelease({
        ...{ name, pipeline: 'counts', alongside: ['work', 'ways', 'deep'] },
        policies: {
          egress: {
            outputs: ['y', 'work:y', 'ways:here', 'ways:there', 'ways:why', 'deep:y'],
            edges: ['deep:deep-in.json', 'deep:first.value'],
            sinks: [],
            streams: [...streams],
          },
          ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
        },
      }),
    async start(name, release, labels = {}) {
      const agent = await fleet.startAgent(name);
      const { device } = agent.ready;
      await label(device, labels);
      await fleet.assign(device, release);
      await fleet.untilRunning(device, release);
      return agent;
    },
    async untilWorksFor(worker, home) {
      await until(
        `${worker} works for ${home}`,
        async () => {
          const { desired, reported } = await fleet.device(home);
          const [cloud] = desired?.placement ?? [];
          return cloud !== undefined && (cloud.worker?.id ?? null) === worker && reported?.generation === desired?.generation;
        },
        90_000,
        async () => JSON.stringify((await fleet.device(home)).desired?.placement),
      );
    },
    async post(home, pipeline, value, headers = {}) {
      const response = await fetch(`http://127.0.0.1:${home.ready.httpPort}/v1/sources/${pipeline}-in`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) },
      });
      return { status: response.status, body: (await response.json()) as Answer['body'] };
    },
    async written(name) {
      const folder = join(fleet.agentFolder(name), 'files', 'work');
      const files = await readdir(folder).catch(() => []);
      const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
      return texts.flatMap((text) => text.split('\n').filter((line) => line !== '')).map((line) => JSON.parse(line).value as number);
    },
  };
}

/** Runs these one after the other, a few at a time. */
export async function inParallel<Value>(count: number, atOnce: number, run: (index: number) => Promise<Value>): Promise<Value[]> {
  const results: Value[] = new Array(count);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      results[index] = await run(index);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
