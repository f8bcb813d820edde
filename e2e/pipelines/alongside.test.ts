import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PipelineInput, type ReleaseView, telemetryKinds } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';

const SETUP_TIMEOUT_MS = 300_000;

/** Takes numbers over HTTP, multiplies them, answers, and writes them to a file. */
const multiplier = (name: string): PipelineInput => ({
  ...{ kind: 'pipeline', schemaVersion: 1, name, version: '1.0.0' },
  outputs: { y: 'json' },
  parameters: { factor: { default: 2 } },
  nodes: {
    [`${name}-in`]: { source: 'http', params: { accepts: ['json'], wait: true } },
    times: { op: 'value.compute', params: { inputs: ['value'], give: 'value.x * ${factor}' } },
    keep: { sink: 'file', params: { folder: name } },
  },
  edges: [
    { from: `${name}-in.json`, to: 'times.value' },
    { from: 'times.value', to: 'output.y' },
    { from: 'times.value', to: 'keep.value' },
  ],
});

describe('a release with two pipelines', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;

  const release = (name: string, parameters: Record<string, number>): Promise<ReleaseView> =>
    fleet.operator.createRelease({
      ...{ name, pipeline: 'doubled', alongside: ['other'], parameters },
      policies: {
        egress: { outputs: ['y'], edges: [], sinks: [] },
        ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
      },
    });
  const post = async (name: string, x: number): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/sources/${name}-in`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ x }) },
    });
    return response.json();
  };

  beforeAll(async () => {
    fleet = await startRunningFleet();
    for (const name of ['doubled', 'other']) await fleet.operator.pushPipeline(multiplier(name));
    const first = await release('both', { 'other:factor': 5 });
    agent = await fleet.startAgent('agent', { release: first });
    await fleet.untilRunning(agent.ready.device, first);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await fleet?.stop();
  });

  test('runs each on its own source, with what the release sets for each, under its own part of the policy', async () => {
    expect(await post('doubled', 4)).toMatchObject({ pipeline: 'doubled', outputs: { y: 8 } });
    // "y" of the policy is that of the main pipeline.
    expect(await post('other', 4)).toMatchObject({ pipeline: 'other', outputs: {} });
  });

  test('writes what each sends to its files, and counts the items of each', async () => {
    const folder = join(fleet.agentFolder('agent'), 'files');
    const written = async (name: string): Promise<string> => {
      const files = await readdir(join(folder, name)).catch(() => []);
      return (await Promise.all(files.map((file) => readFile(join(folder, name, file), 'utf8')))).join('');
    };
    await until('both files are written', async () => (await written('doubled')).includes('8') && (await written('other')).includes('20'));
    const counted = await until('items of both are counted', async () => {
      const rows = await fleet.telemetry(agent.ready.device, 'inference');
      const names = new Set(rows.map(({ payload }) => telemetryKinds.inference.parse(payload).pipeline));
      return names.size === 2 && names;
    });
    expect([...counted].sort()).toEqual(['doubled', 'other']);
  });

  test('hands over to a release with other values, source by source', async () => {
    const second = await release('both-again', { factor: 3 });
    await fleet.assign(agent.ready.device, second);
    await fleet.untilRunning(agent.ready.device, second);
    expect(
      await until('the new factor counts', async () => {
        const answer = (await post('doubled', 4)) as { outputs?: { y?: number } };
        return answer.outputs?.y === 12 && answer.outputs;
      }),
    ).toEqual({ y: 12 });
  });

  test('with a pipeline twice is refused', async () => {
    await expect(fleet.operator.createRelease({ name: 'twice', pipeline: 'doubled', alongside: ['doubled'] })).rejects.toMatchObject({
      code: 'pipeline-twice',
      field: 'alongside',
    });
  });
});
