import type { PipelineInput, ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling } from '../cli/starling.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';

const SETUP_TIMEOUT_MS = 300_000;

/** Multiplies what is posted to it, and says from where it would get it. */
const multiplier: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'multiplier', version: '1.0.0' },
  outputs: { y: 'json' },
  parameters: {
    factor: { default: 2 },
    offset: { default: 0, overridable: 'device' },
    origin: { default: 'rtsp://camera.local/1', overridable: 'device' },
  },
  nodes: {
    in: { source: 'http', params: { accepts: ['json'], wait: true } },
    times: {
      op: 'value.compute',
      params: { inputs: ['value'], give: "{'y': value.x * ${factor} + ${offset}, 'from': '${origin}'}" },
    },
  },
  edges: [
    { from: 'in.json', to: 'times.value' },
    { from: 'times.value', to: 'output.y' },
  ],
};

describe('values of parameters', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;

  const release = (name: string, parameters: Record<string, number>): Promise<ReleaseView> =>
    fleet.operator.createRelease({
      ...{ name, pipeline: 'multiplier', parameters },
      policies: {
        egress: { outputs: ['y'], edges: [], sinks: [] },
        ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
      },
    });
  const post = async (x: number): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/sources/in`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ x }) },
    });
    return ((await response.json()) as { outputs?: { y?: unknown } }).outputs?.y;
  };

  beforeAll(async () => {
    fleet = await startRunningFleet();
    await fleet.operator.pushPipeline(multiplier);
    const first = await release('by-two', {});
    agent = await fleet.startAgent('agent', { release: first, flags: { set: 'offset=100' } });
    await fleet.untilRunning(agent.ready.device, first);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await fleet?.stop();
  });

  test('of the pipeline and of the device are what runs, and the fleet is told whose each is', async () => {
    expect(await post(4)).toEqual({ y: 108, from: 'rtsp://camera.local/1' });
    const { reported } = await fleet.device(agent.ready.device);
    expect(reported?.running?.parameters).toEqual([
      { pipeline: 'multiplier', name: 'factor', value: 2, by: 'default' },
      { pipeline: 'multiplier', name: 'offset', value: 100, by: 'device' },
      { pipeline: 'multiplier', name: 'origin', value: 'rtsp://camera.local/1', by: 'default' },
    ]);
  });

  test('of another release of the same pipeline give other results, and people see them on the command line', async () => {
    const second = await release('by-three', { factor: 3 });
    await fleet.assign(agent.ready.device, second);
    await fleet.untilRunning(agent.ready.device, second);
    const y = await until('the new factor counts', async () => {
      const given = (await post(4)) as { y?: number } | undefined;
      return given?.y !== undefined && given.y !== 108 && given.y;
    });
    expect(y).toBe(112);
    const { stdout } = await createStarling(fleet.folder, fleet.folder).run(['device', 'show', agent.ready.device], {
      environment: { STARLING_FLEET: fleet.baseUrl, STARLING_TOKEN: fleet.token },
    });
    expect(stdout).toMatch(/multiplier:factor +3 +the release/);
    expect(stdout).toMatch(/multiplier:offset +100 +the device itself/);
    expect(stdout).toMatch(/multiplier:origin +"rtsp:\/\/camera.local\/1" +the pipeline/);
  });

  test('that hold a login are told without it', async () => {
    await agent.stop();
    agent = await fleet.startAgent('agent', { flags: { set: 'origin=rtsp://viewer:secret@10.0.0.7/1' } });
    const told = await until('the device is there again', async () => {
      const { reported } = await fleet.device(agent.ready.device);
      return reported?.running?.parameters?.find(({ name, by }) => name === 'origin' && by === 'device');
    });
    expect(told).toEqual({ pipeline: 'multiplier', name: 'origin', value: 'rtsp://10.0.0.7/1', by: 'device' });
  });
});
