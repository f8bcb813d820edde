/** A fleet, a device that has items and machines that run a part of the pipeline for it. */
import { api, type PipelineInput, type ReleaseView } from '@starling/shared';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';

/** Counts and sums up what it gets on another machine: an item that is lost, doubled or out of order shows in all that come after. */
export const counting = (name: string, on: string, changes: Record<string, unknown> = {}): PipelineInput => ({
  ...{ kind: 'pipeline', schemaVersion: 1, name, version: '1.0.0' },
  outputs: { y: 'json' },
  nodes: {
    [`${name}-in`]: { source: 'http', params: { accepts: ['json'], wait: true } },
    check: { op: 'value.compute', params: { inputs: ['value'], give: 'value' } },
    sum: {
      script: {
        source: `export default ({ value }, { state, wait }) => {
          state.count = (state.count ?? 0) + 1;
          state.sum = (state.sum ?? 0) + value.x;
          return { total: { x: value.x, count: state.count, sum: state.sum } };
        };`,
        inputs: { value: 'json' },
        outputs: { total: 'json' },
        stateful: true,
      },
      on,
    },
    finish: { op: 'value.compute', params: { inputs: ['value'], give: 'value' } },
  },
  edges: [
    { from: `${name}-in.json`, to: 'check.value' },
    { from: 'check.value', to: 'sum.value' },
    { from: 'sum.total', to: 'finish.value' },
    { from: 'finish.value', to: 'output.y' },
  ],
  ...changes,
});

export const STREAMS = ['check.value', 'sum.total'];

export interface Machines {
  fleet: RunningFleet;
  release(name: string, pipeline: string, streams?: readonly string[]): Promise<ReleaseView>;
  /** Starts an agent, makes it one of a place, gives it the release, and waits until it runs it. */
  start(name: string, release: ReleaseView, labels?: Record<string, string>, environment?: Record<string, string>): Promise<AgentProcess>;
  /** Waits until the fleet has given the home this worker, and both know. */
  untilWorksFor(worker: AgentProcess, home: AgentProcess, place?: string): Promise<void>;
  post(home: AgentProcess, pipeline: string, value: unknown): Promise<Answer>;
}

export interface Answer {
  status: number;
  body: { code?: string; detail?: string; outputs?: Record<string, unknown> } & Record<string, unknown>;
}

export async function startMachines(flags: Readonly<Record<string, string>> = {}): Promise<Machines> {
  const fleet = await startRunningFleet(flags);
  const { operator, client } = fleet;
  return {
    fleet,
    release: (name, pipeline, streams = STREAMS) =>
      operator.createRelease({
        ...{ name, pipeline },
        policies: {
          egress: { outputs: ['y'], edges: [], sinks: [], streams: [...streams] },
          ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
        },
      }),
    async start(name, release, labels = {}, environment = {}) {
      const agent = await fleet.startAgent(name, { environment });
      const { device } = agent.ready;
      await client.call(api.changeDevice, { params: { id: device }, body: { labels } });
      await fleet.assign(device, release);
      await fleet.untilRunning(device, release);
      return agent;
    },
    async untilWorksFor(worker, home, place = 'cloud') {
      await until(
        `${worker.ready.device} works for ${home.ready.device}`,
        async () => {
          const { desired, reported } = await fleet.device(home.ready.device);
          const at = desired?.placement.find((each) => each.place === place);
          return at?.worker?.id === worker.ready.device && reported?.generation === desired?.generation;
        },
        60_000,
        async () => JSON.stringify((await fleet.device(home.ready.device)).desired?.placement),
      );
    },
    async post(home, pipeline, value) {
      const response = await fetch(`http://127.0.0.1:${home.ready.httpPort}/v1/sources/${pipeline}-in`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) },
      });
      return { status: response.status, body: (await response.json()) as Answer['body'] };
    },
  };
}
